-- 012 feature flags: definitions (feature_flag_definitions), overrides of single organizations
-- (organization_feature_flags), and feature_enabled(), which evaluates them.

-- muse: service-only
create table if not exists public.feature_flag_definitions (
  id uuid primary key default gen_random_uuid(),
  key text not null unique check (char_length(key) between 1 and 100),
  description text not null default '',
  enabled boolean,
  rollout_percentage numeric(5, 2) not null default 100 check (rollout_percentage between 0 and 100),
  allowed_organizations uuid[] not null default '{}',
  starts_at timestamptz,
  ends_at timestamptz,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.feature_flag_definitions is 'The flags of the product. For the backend only; users call feature_enabled().';
comment on column public.feature_flag_definitions.key is 'Its name in code, e.g. new_dashboard.';
comment on column public.feature_flag_definitions.enabled is 'true: on for the percentage; false: off, regardless of the plan; null: as in the plan.';
comment on column public.feature_flag_definitions.rollout_percentage is 'Share of organizations that have it while it is enabled; a higher value takes it from no one.';
comment on column public.feature_flag_definitions.allowed_organizations is 'Organizations that always have it, unless it is off.';
comment on column public.feature_flag_definitions.starts_at is 'Off before that time; null for no start.';
comment on column public.feature_flag_definitions.ends_at is 'Off from that time on; null for no end.';
comment on column public.feature_flag_definitions.archived_at is 'The flag is archived: off for everyone, including overrides.';

alter table public.feature_flag_definitions enable row level security;
revoke all on table public.feature_flag_definitions from public, anon, authenticated, service_role;
grant all on table public.feature_flag_definitions to service_role;

create or replace trigger set_updated_at
  before update on public.feature_flag_definitions
  for each row execute function private.set_updated_at();

create table if not exists public.organization_feature_flags (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  flag_id uuid not null references public.feature_flag_definitions (id) on delete cascade,
  enabled boolean not null,
  reason text not null default '',
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, flag_id)
);
comment on table public.organization_feature_flags is 'Overrides of a flag for one organization. Members read it; the backend writes it.';
comment on column public.organization_feature_flags.reason is 'Why the override exists.';
comment on column public.organization_feature_flags.expires_at is 'When the definition applies again; null for never.';
create index if not exists organization_feature_flags_flag_id_idx on public.organization_feature_flags (flag_id);

alter table public.organization_feature_flags enable row level security;
revoke all on table public.organization_feature_flags from public, anon, authenticated, service_role;
grant select on table public.organization_feature_flags to authenticated;
grant all on table public.organization_feature_flags to service_role;

drop policy if exists "Members read the flags of their organizations" on public.organization_feature_flags;
create policy "Members read the flags of their organizations" on public.organization_feature_flags
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

create or replace trigger set_updated_at
  before update on public.organization_feature_flags
  for each row execute function private.set_updated_at();
create or replace trigger audit_change
  after insert or update or delete on public.feature_flag_definitions
  for each row execute function private.audit_row_change('key', 'enabled', 'rollout_percentage', 'archived_at');
create or replace trigger audit_change
  after insert or update or delete on public.organization_feature_flags
  for each row execute function private.audit_row_change('flag_id', 'enabled', 'expires_at');

-- md5 and not hashtext(): PostgreSQL may change hashtext() from one major version to the next, and with it which organizations have a flag.
create or replace function private.rollout_bucket(flag text, organization uuid)
returns integer
language sql
immutable
strict
set search_path = ''
as $$
  select ((('x' || left(md5(flag || ':' || organization::text), 8))::bit(32)::bigint) % 10000)::integer
$$;
comment on function private.rollout_bucket(text, uuid) is 'A number from 0 to 9999, evenly spread and stable for a flag and an organization.';
revoke all on function private.rollout_bucket(text, uuid) from public, anon, authenticated, service_role;

-- Each step can override the one before: the plan, the definition, the override of the organization.
create or replace function private.evaluate_feature(flag text, organization uuid, at_time timestamptz)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  definition public.feature_flag_definitions;
  override boolean;
  answer boolean;
begin
  select definitions.* into definition
  from public.feature_flag_definitions as definitions
  where definitions.key = evaluate_feature.flag;
  if not found or definition.archived_at is not null then
    return false;
  end if;

  select flags.enabled into override
  from public.organization_feature_flags as flags
  where flags.organization_id = evaluate_feature.organization
    and flags.flag_id = definition.id
    and (flags.expires_at is null or flags.expires_at > at_time);
  if found then
    return override;
  end if;

  if definition.enabled = false
    or definition.starts_at > at_time
    or definition.ends_at <= at_time
  then
    return false;
  end if;
  if organization = any (definition.allowed_organizations) then
    return true;
  end if;
  if definition.enabled and private.rollout_bucket(flag, organization) < definition.rollout_percentage * 100 then
    return true;
  end if;

  select products.feature_defaults -> flag = 'true'::jsonb into answer
  from public.products
  where products.id = private.current_product_id(organization, at_time);
  return coalesce(answer, false);
end;
$$;
comment on function private.evaluate_feature(text, uuid, timestamptz) is 'Evaluates a flag for an organization at a time, without checking the caller.';
revoke all on function private.evaluate_feature(text, uuid, timestamptz) from public, anon, authenticated, service_role;

-- For an organization that the caller does not belong to, every feature is off.
create or replace function public.feature_enabled(flag text, organization uuid)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select case
    when private.caller_sees_organization(organization) then private.evaluate_feature(flag, organization, now())
    else false
  end
$$;
comment on function public.feature_enabled(text, uuid) is 'Says whether an organization has a feature: its plan, then the flag''s definition (window, allow-list, percentage), then its own override.';
revoke all on function public.feature_enabled(text, uuid) from public, anon, authenticated, service_role;
grant execute on function public.feature_enabled(text, uuid) to authenticated, service_role;
