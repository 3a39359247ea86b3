-- 004 organizations: tenants, their members and roles, and the helpers that policies use.

create table if not exists public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  slug text not null default '' unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 100),
  logo_url text check (logo_url ~* '^https?://[^[:space:]]+$' and char_length(logo_url) <= 2000),
  created_by uuid default auth.uid() references auth.users (id) on delete set null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.organizations is 'A tenant: every row with an organization_id belongs to one of these.';
comment on column public.organizations.slug is 'Name in URLs: a-z, 0-9 and single hyphens; made from the name if omitted or empty. Names like api and admin are reserved.';
comment on column public.organizations.logo_url is 'An http(s) URL: browsers also run javascript: in links.';
comment on column public.organizations.created_by is 'Who created it, as long as they are a member and it is open; roles are in organization_members.';
comment on column public.organizations.deleted_at is 'Set by delete_organization(): no one has access any more, and no data is lost; reopen_organization() clears it.';
create index if not exists organizations_created_by_idx on public.organizations (created_by);

create table if not exists public.organization_members (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'member' check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, user_id)
);
comment on table public.organization_members is 'Members of an organization. Rows come from creating one or from accepting an invitation.';
comment on column public.organization_members.role is 'owner (everything, including members), admin (invitations, keys, settings), member (reads and writes), viewer (reads).';
create index if not exists organization_members_user_id_idx on public.organization_members (user_id, organization_id);

-- The helpers run as their owner, so a policy of organization_members that calls them does not recurse. PL/pgSQL caches the
-- plan for the lifetime of the connection; an SQL function that cannot be inlined is planned with each query. Whether an
-- organization is closed is looked up for each membership: a join would read all organizations for a few.
create or replace function private.user_organization_ids()
returns uuid[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  me constant uuid := auth.uid();
begin
  return array(
    select members.organization_id
    from public.organization_members as members
    where members.user_id = me
      and (select organizations.deleted_at from public.organizations where organizations.id = members.organization_id) is null
  );
end;
$$;
comment on function private.user_organization_ids() is 'The organizations of the signed-in user. In a policy: organization_id = any ((select private.user_organization_ids())::uuid[]).';
revoke all on function private.user_organization_ids() from public, anon, authenticated, service_role;
grant execute on function private.user_organization_ids() to authenticated, service_role;

create or replace function private.user_organization_ids(roles text[])
returns uuid[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  me constant uuid := auth.uid();
begin
  return array(
    select members.organization_id
    from public.organization_members as members
    where members.user_id = me
      and members.role = any (user_organization_ids.roles)
      and (select organizations.deleted_at from public.organizations where organizations.id = members.organization_id) is null
  );
end;
$$;
comment on function private.user_organization_ids(text[]) is 'The organizations in which the signed-in user has one of the roles.';
revoke all on function private.user_organization_ids(text[]) from public, anon, authenticated, service_role;
grant execute on function private.user_organization_ids(text[]) to authenticated, service_role;

-- For functions that take an organization. An application that isolates by session variables can use the one that it has set
-- on its own connection; users of the Data API cannot set variables, and theirs would be ignored.
create or replace function private.caller_sees_organization(organization uuid)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select private.caller_bypasses_rls()
    or coalesce(organization = any (private.user_organization_ids()), false)
    or (
      private.caller_role() not in ('anon', 'authenticated')
      and organization::text = coalesce(current_setting('app.current_org_id', true), '')
    )
$$;
comment on function private.caller_sees_organization(uuid) is 'Says whether the caller is the backend or belongs to the organization.';
revoke all on function private.caller_sees_organization(uuid) from public, anon, authenticated, service_role;

alter table public.organizations enable row level security;
revoke all on table public.organizations from public, anon, authenticated, service_role;
grant select on table public.organizations to authenticated;
grant insert (id, name, slug, logo_url, created_by) on table public.organizations to authenticated;
grant update (name, slug, logo_url) on table public.organizations to authenticated;
grant all on table public.organizations to service_role;

-- The creator is included because INSERT … RETURNING reads the new row before the trigger has made them a member. Closing the
-- organization clears created_by, and it is closed to them too.
drop policy if exists "Members and the founder read their organization" on public.organizations;
create policy "Members and the founder read their organization" on public.organizations
  for select to authenticated
  using (id = any ((select private.user_organization_ids())::uuid[]) or created_by = (select auth.uid()));

drop policy if exists "Users found organizations" on public.organizations;
create policy "Users found organizations" on public.organizations
  for insert to authenticated
  with check (created_by = (select auth.uid()));

drop policy if exists "Owners and admins change their organization" on public.organizations;
create policy "Owners and admins change their organization" on public.organizations
  for update to authenticated
  using (id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]))
  with check (id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

alter table public.organization_members enable row level security;
revoke all on table public.organization_members from public, anon, authenticated, service_role;
grant select, delete on table public.organization_members to authenticated;
grant update (role) on table public.organization_members to authenticated;
grant all on table public.organization_members to service_role;

drop policy if exists "Members read the members of their organizations" on public.organization_members;
create policy "Members read the members of their organizations" on public.organization_members
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

drop policy if exists "Owners change roles" on public.organization_members;
create policy "Owners change roles" on public.organization_members
  for update to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[]))
  with check (organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[]));

drop policy if exists "Owners remove anyone, admins remove members, all may leave" on public.organization_members;
create policy "Owners remove anyone, admins remove members, all may leave" on public.organization_members
  for delete to authenticated
  using (
    organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[])
    or (role in ('member', 'viewer') and organization_id = any ((select private.user_organization_ids(array['admin']))::uuid[]))
    or user_id = (select auth.uid())
  );

create or replace trigger set_updated_at
  before update on public.organizations
  for each row execute function private.set_updated_at();

create or replace trigger set_updated_at
  before update on public.organization_members
  for each row execute function private.set_updated_at();
