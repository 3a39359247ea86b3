/** A kit whose app sets session variables on its own connection, as a role that owns nothing. */
export const sessionKit = `
  create role app_user nologin; grant app_user to postgres;
  create schema app; grant usage on schema app, public to app_user;
  create function app.user_id() returns uuid language sql stable as 'select nullif(current_setting(''app.current_user_id'', true), '''')::uuid';
  create function app.org_id() returns uuid language sql stable as 'select nullif(current_setting(''app.current_org_id'', true), '''')::uuid';
  create function app.is_superadmin() returns boolean language sql stable as 'select coalesce(nullif(current_setting(''app.is_superadmin'', true), '''')::boolean, false)';
  create type public.organization_role as enum ('owner', 'admin', 'member');
  create table public.users (id uuid primary key default gen_random_uuid(), clerk_id text not null unique, email text not null);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id), user_id uuid not null references public.users (id), role public.organization_role not null default 'member');
  create table public.invoices (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), total int not null);
  alter table public.users enable row level security; alter table public.organizations enable row level security;
  alter table public.organization_members enable row level security; alter table public.invoices enable row level security;
  grant select on public.users, public.organizations, public.organization_members to app_user;
  grant select, insert, update, delete on public.invoices to app_user;
  create policy own on public.users for select to app_user using (id = (select app.user_id()) or (select app.is_superadmin()));
  create policy own on public.organizations for select to app_user using (id = (select app.org_id()) or (select app.is_superadmin()));
  create policy own on public.organization_members for select to app_user using (organization_id = (select app.org_id()) or (select app.is_superadmin()));
  create policy own on public.invoices to app_user using (organization_id = (select app.org_id()) or (select app.is_superadmin()))
    with check (organization_id = (select app.org_id()) or (select app.is_superadmin()));
`;
