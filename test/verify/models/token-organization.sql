-- The organization of a user is in its token, put there by the server: app_metadata.org_id, and its role beside it.
create table public.orgs (
  id uuid primary key default gen_random_uuid(),
  name text not null
);
create table public.customers (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  name text not null,
  email text
);
create index on public.customers (org_id);
create table public.tickets (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  customer_id uuid references public.customers (id) on delete cascade,
  assignee_id uuid references auth.users (id) on delete set null,
  subject text not null
);
create index on public.tickets (org_id);
create index on public.tickets (customer_id);
create index on public.tickets (assignee_id);
create table public.org_secrets (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  hint text not null
);
create index on public.org_secrets (org_id);

alter table public.orgs enable row level security;
alter table public.customers enable row level security;
alter table public.tickets enable row level security;
alter table public.org_secrets enable row level security;
create policy orgs_read on public.orgs for select to authenticated using (id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid));
create policy customers_all on public.customers for all to authenticated
  using (org_id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid)) with check (org_id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid));
create policy tickets_all on public.tickets for all to authenticated
  using (org_id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid)) with check (org_id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid));
create policy secrets_read on public.org_secrets for select to authenticated
  using (org_id = (select (auth.jwt() -> 'app_metadata' ->> 'org_id')::uuid) and (select auth.jwt() -> 'app_metadata' ->> 'org_role') = 'admin');
grant select on public.orgs, public.org_secrets to authenticated;
grant select, insert, update, delete on public.customers, public.tickets to authenticated;
grant all on all tables in schema public to service_role;
