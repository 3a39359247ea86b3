-- 018 administration: what the administrators of the product (user_roles) see of all organizations.
-- Functions and not policies: with "or has_role('admin')" in a policy, no index could serve the queries of everyone else.

create or replace function public.admin_organizations(search text default '', page_size integer default 50, page integer default 1)
returns table (
  organization_id uuid,
  name text,
  slug text,
  members bigint,
  plan text,
  created_at timestamptz,
  deleted_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not private.has_role('admin') then
    raise exception 'Only administrators of the product see all organizations.' using errcode = 'insufficient_privilege';
  end if;
  return query
    select
      organizations.id,
      organizations.name,
      organizations.slug,
      (select count(*) from public.organization_members as people where people.organization_id = organizations.id),
      (select products.slug from public.products where products.id = private.current_product_id(organizations.id)),
      organizations.created_at,
      organizations.deleted_at
    from public.organizations
    where starts_with(lower(organizations.name), lower(trim(coalesce(admin_organizations.search, ''))))
      or starts_with(organizations.slug, lower(trim(coalesce(admin_organizations.search, ''))))
    order by organizations.created_at desc, organizations.id
    limit least(greatest(admin_organizations.page_size, 1), 200)
    offset (greatest(admin_organizations.page, 1) - 1) * least(greatest(admin_organizations.page_size, 1), 200);
end;
$$;
comment on function public.admin_organizations(text, integer, integer) is 'For administrators of the product: the organizations whose name or slug begins with a text, newest first, closed ones included.';
revoke all on function public.admin_organizations(text, integer, integer) from public, anon, authenticated, service_role;
grant execute on function public.admin_organizations(text, integer, integer) to authenticated;

create or replace function public.admin_subscriptions(organization uuid)
returns setof public.subscriptions
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not private.has_role('admin') then
    raise exception 'Only administrators of the product see all subscriptions.' using errcode = 'insufficient_privilege';
  end if;
  return query
    select subscriptions.*
    from public.subscriptions
    where subscriptions.organization_id = admin_subscriptions.organization
    order by subscriptions.created_at desc, subscriptions.id;
end;
$$;
comment on function public.admin_subscriptions(uuid) is 'For administrators of the product: the subscriptions of an organization, newest first.';
revoke all on function public.admin_subscriptions(uuid) from public, anon, authenticated, service_role;
grant execute on function public.admin_subscriptions(uuid) to authenticated;

create or replace function public.admin_audit_logs(
  organization uuid,
  before timestamptz default now(),
  page_size integer default 100
)
returns setof public.audit_logs
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not private.has_role('admin') then
    raise exception 'Only administrators of the product see all audit rows.' using errcode = 'insufficient_privilege';
  end if;
  return query
    select audit_logs.*
    from public.audit_logs
    where audit_logs.organization_id = admin_audit_logs.organization and audit_logs.created_at <= admin_audit_logs.before
    order by audit_logs.created_at desc, audit_logs.id
    limit least(greatest(admin_audit_logs.page_size, 1), 1000);
end;
$$;
comment on function public.admin_audit_logs(uuid, timestamptz, integer) is 'For administrators of the product: the audit rows of an organization up to a time, newest first.';
revoke all on function public.admin_audit_logs(uuid, timestamptz, integer) from public, anon, authenticated, service_role;
grant execute on function public.admin_audit_logs(uuid, timestamptz, integer) to authenticated;
