-- 003 user_roles: roles for the whole app (support staff, administrators), separate from roles in organizations.

create table if not exists public.user_roles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null unique references auth.users (id) on delete cascade,
  role text not null default 'user' check (role in ('user', 'admin', 'superadmin')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.user_roles is 'The app-wide role of a user; no row means user. Written by the backend only.';
comment on column public.user_roles.role is 'user, admin (runs the product) or superadmin (can do everything an admin can).';

alter table public.user_roles enable row level security;
revoke all on table public.user_roles from public, anon, authenticated, service_role;
grant select on table public.user_roles to authenticated;
grant all on table public.user_roles to service_role;

drop policy if exists "Users read their own role" on public.user_roles;
create policy "Users read their own role" on public.user_roles
  for select to authenticated
  using ((select auth.uid()) = user_id);

create or replace trigger set_updated_at
  before update on public.user_roles
  for each row execute function private.set_updated_at();

create or replace function private.has_role(required text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select (select auth.uid()) is not null and (
    required = 'user'
    or exists (
      select 1
      from public.user_roles
      where user_roles.user_id = (select auth.uid())
        and (user_roles.role = required or (required = 'admin' and user_roles.role = 'superadmin'))
    )
  )
$$;
comment on function private.has_role(text) is 'Says whether the signed-in user has the app-wide role; a superadmin is an admin too. In a policy: (select private.has_role(''admin'')).';
revoke all on function private.has_role(text) from public, anon, authenticated, service_role;
grant execute on function private.has_role(text) to authenticated, service_role;
