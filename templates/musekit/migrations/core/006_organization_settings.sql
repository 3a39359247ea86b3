-- 006 organization_settings: one row of settings for each organization, created with it.

create table if not exists public.organization_settings (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null unique references public.organizations (id) on delete cascade,
  billing_email text,
  timezone text not null default 'UTC',
  locale text not null default 'en',
  settings jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.organization_settings is 'Settings of an organization: one row each, created by a trigger.';
comment on column public.organization_settings.billing_email is 'Where invoices are sent; the address of an owner if empty.';
comment on column public.organization_settings.settings is 'Further settings of the app; no secrets.';

alter table public.organization_settings enable row level security;
revoke all on table public.organization_settings from public, anon, authenticated, service_role;
grant select on table public.organization_settings to authenticated;
grant update (billing_email, timezone, locale, settings) on table public.organization_settings to authenticated;
grant all on table public.organization_settings to service_role;

drop policy if exists "Members read the settings" on public.organization_settings;
create policy "Members read the settings" on public.organization_settings
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

drop policy if exists "Owners and admins change the settings" on public.organization_settings;
create policy "Owners and admins change the settings" on public.organization_settings
  for update to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]))
  with check (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

create or replace trigger set_updated_at
  before update on public.organization_settings
  for each row execute function private.set_updated_at();

create or replace function private.add_organization_settings()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.organization_settings (organization_id)
  values (new.id)
  on conflict (organization_id) do nothing;
  return null;
end;
$$;
comment on function private.add_organization_settings() is 'Trigger: a new organization gets its row of settings.';
revoke all on function private.add_organization_settings() from public, anon, authenticated, service_role;

create or replace trigger organization_settings_added
  after insert on public.organizations
  for each row execute function private.add_organization_settings();

-- Organizations that existed before this file ran.
insert into public.organization_settings (organization_id)
select organizations.id
from public.organizations
on conflict (organization_id) do nothing;
