-- 011 audit_logs: who did what, in rows that no one can change or delete, not even the owner of the table.
-- Triggers write them for every change of access rights; the app adds its own with write_audit(). The table is partitioned by
-- month, and old rows leave as whole months: no row is ever deleted.

-- No foreign keys: an audit row outlives the user and the organization that it is about. No updated_at: a row does not change.
create table if not exists public.audit_logs (
  id uuid not null default gen_random_uuid(),
  organization_id uuid,
  user_id uuid,
  actor_role text not null default 'unknown',
  action text not null check (char_length(action) between 1 and 100),
  entity_type text check (char_length(entity_type) <= 100),
  entity_id text check (char_length(entity_id) <= 200),
  details jsonb not null default '{}'::jsonb check (octet_length(details::text) <= 16384),
  origin text not null default 'application' check (origin in ('application', 'database')),
  created_at timestamptz not null default now(),
  primary key (id, created_at)
) partition by range (created_at);
comment on table public.audit_logs is 'What was done, by whom. Rows are only added; purge_audit_logs() is the only way to delete old ones.';
comment on column public.audit_logs.organization_id is 'The organization that it belongs to; null for none.';
comment on column public.audit_logs.user_id is 'Who did it; null for a job of the backend.';
comment on column public.audit_logs.actor_role is 'The database role that did it.';
comment on column public.audit_logs.action is 'What was done, e.g. organization_members.update.';
comment on column public.audit_logs.details is 'Details: names of changed columns, old and new roles; never personal data or secrets.';
comment on column public.audit_logs.origin is 'database: written by a trigger; application: by write_audit() or the backend.';
create index if not exists audit_logs_organization_id_idx on public.audit_logs (organization_id, created_at desc);
create index if not exists audit_logs_user_id_idx on public.audit_logs (user_id, created_at desc);
create index if not exists audit_logs_created_at_idx on public.audit_logs (created_at);

alter table public.audit_logs enable row level security;
revoke all on table public.audit_logs from public, anon, authenticated, service_role;
grant select on table public.audit_logs to authenticated;
grant select, insert on table public.audit_logs to service_role;

drop policy if exists "Owners and admins read the audit log" on public.audit_logs;
create policy "Owners and admins read the audit log" on public.audit_logs
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

create or replace function private.refuse_audit_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'Audit rows cannot be changed or deleted (%).', lower(tg_op)
    using errcode = 'insufficient_privilege', hint = 'Old rows leave through private.purge_audit_logs().';
end;
$$;
comment on function private.refuse_audit_change() is 'Trigger: refuses every change of an audit row, by any role.';
revoke all on function private.refuse_audit_change() from public, anon, authenticated, service_role;

create or replace trigger refuse_change
  before update or delete on public.audit_logs
  for each row execute function private.refuse_audit_change();
create or replace trigger refuse_truncate
  before truncate on public.audit_logs
  for each statement execute function private.refuse_audit_change();
-- ALWAYS: also while session_replication_role is replica, which disables ordinary triggers.
alter table public.audit_logs enable always trigger refuse_change;
alter table public.audit_logs enable always trigger refuse_truncate;

-- Partitions are in the schema `private`: only queries of the table reach them. They inherit the trigger for rows; the one
-- for TRUNCATE must be made for each.
create or replace function private.add_audit_partition(partition_name text, bounds text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  execute format('create table private.%I partition of public.audit_logs %s', partition_name, bounds);
  execute format('alter table private.%I enable row level security', partition_name);
  execute format('revoke all on table private.%I from public, anon, authenticated, service_role', partition_name);
  execute format(
    'create trigger refuse_truncate before truncate on private.%I for each statement execute function private.refuse_audit_change()',
    partition_name
  );
  execute format('alter table private.%I enable always trigger refuse_truncate', partition_name);
end;
$$;
comment on function private.add_audit_partition(text, text) is 'Adds a protected partition to audit_logs; bounds: the end of CREATE TABLE … PARTITION OF.';
revoke all on function private.add_audit_partition(text, text) from public, anon, authenticated, service_role;

-- Rows of months without a partition are in this one. It is empty as long as ensure_audit_partitions() runs.
create table if not exists private.audit_logs_default partition of public.audit_logs default;
comment on table private.audit_logs_default is 'Audit rows of months without a partition of their own.';
alter table private.audit_logs_default enable row level security;
revoke all on table private.audit_logs_default from public, anon, authenticated, service_role;
create or replace trigger refuse_truncate
  before truncate on private.audit_logs_default
  for each statement execute function private.refuse_audit_change();
alter table private.audit_logs_default enable always trigger refuse_truncate;

create or replace function private.add_audit_month(first_day date)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  partition_name constant text := 'audit_logs_' || to_char(first_day, 'YYYY_MM');
begin
  if to_regclass(format('private.%I', partition_name)) is not null then
    return false;
  end if;
  perform private.add_audit_partition(
    partition_name,
    format(
      'for values from (%L) to (%L)',
      to_char(first_day, 'YYYY-MM-DD') || ' 00:00:00+00',
      to_char(first_day + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
    )
  );
  return true;
end;
$$;
comment on function private.add_audit_month(date) is 'Adds the partition of a month, in UTC; says whether it was missing.';
revoke all on function private.add_audit_month(date) from public, anon, authenticated, service_role;

-- As no row can be deleted, the default partition gives its rows up by being replaced. Returns how many were older than
-- `since` and left out.
create or replace function private.empty_audit_default(since timestamptz)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  left_out bigint;
  first_day date;
begin
  lock table public.audit_logs in access exclusive mode;
  select count(*) into left_out from private.audit_logs_default as rows where rows.created_at < since;
  create temporary table moved_audit_rows on commit drop as
    select rows.* from private.audit_logs_default as rows where rows.created_at >= since;
  drop table private.audit_logs_default;
  for first_day in
    select distinct date_trunc('month', moved.created_at, 'UTC')::date from pg_temp.moved_audit_rows as moved
  loop
    perform private.add_audit_month(first_day);
  end loop;
  perform private.add_audit_partition('audit_logs_default', 'default');
  comment on table private.audit_logs_default is 'Audit rows of months without a partition of their own.';
  insert into public.audit_logs select moved.* from pg_temp.moved_audit_rows as moved;
  drop table pg_temp.moved_audit_rows;
  return left_out;
end;
$$;
comment on function private.empty_audit_default(timestamptz) is 'Moves the rows of the default partition to partitions of their months, without those before a time.';
revoke all on function private.empty_audit_default(timestamptz) from public, anon, authenticated, service_role;

create or replace function private.ensure_audit_partitions(months integer default 3)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  this_month constant date := date_trunc('month', now(), 'UTC')::date;
  coming date[];
  first_day date;
  added integer := 0;
begin
  if months is null or months not between 0 and 120 then
    raise exception 'Partitions are made for 0 to 120 coming months.' using errcode = 'invalid_parameter_value';
  end if;
  select array_agg((this_month + n * interval '1 month')::date order by n) into coming from generate_series(0, months) as n;
  -- A partition cannot be added for rows that are in the default one.
  if exists (select 1 from private.audit_logs_default) then
    perform private.empty_audit_default('-infinity');
  end if;
  foreach first_day in array coming loop
    if private.add_audit_month(first_day) then
      added := added + 1;
    end if;
  end loop;
  return added;
end;
$$;
comment on function private.ensure_audit_partitions(integer) is 'Adds the partitions of this month and the coming ones; returns how many were missing. Run it monthly.';
revoke all on function private.ensure_audit_partitions(integer) from public, anon, authenticated, service_role;
grant execute on function private.ensure_audit_partitions(integer) to service_role;

select private.ensure_audit_partitions();

create or replace function public.write_audit(
  action text,
  entity_type text default null,
  entity_id text default null,
  organization uuid default null,
  details jsonb default '{}'::jsonb
)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  new_id uuid;
begin
  if (organization is null and private.caller_role() in ('anon', 'authenticated'))
    or (organization is not null and not private.caller_sees_organization(organization))
  then
    raise exception 'Only members of an organization can write to its audit log.' using errcode = 'insufficient_privilege';
  end if;
  insert into public.audit_logs (organization_id, user_id, actor_role, action, entity_type, entity_id, details)
  values (
    write_audit.organization,
    private.actor_id(),
    private.caller_role(),
    write_audit.action,
    write_audit.entity_type,
    write_audit.entity_id,
    coalesce(write_audit.details, '{}'::jsonb)
  )
  returning id into new_id;
  return new_id;
end;
$$;
comment on function public.write_audit(text, text, text, uuid, jsonb) is 'Adds an audit row for the caller: a member for an organization of theirs, the backend also for none.';
revoke all on function public.write_audit(text, text, text, uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.write_audit(text, text, text, uuid, jsonb) to authenticated, service_role;

-- Takes the names of columns whose values are recorded. Of others only the names are: their values may be personal data.
create or replace function private.audit_row_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  before_row jsonb := case when tg_op = 'INSERT' then '{}'::jsonb else to_jsonb(old) end;
  after_row jsonb := case when tg_op = 'DELETE' then '{}'::jsonb else to_jsonb(new) end;
  row_now jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  changed text[];
  recorded jsonb;
begin
  select
    array_agg(columns.name order by columns.name),
    jsonb_object_agg(columns.name, jsonb_build_object('before', before_row -> columns.name, 'after', after_row -> columns.name))
      filter (where columns.name = any (tg_argv))
  into changed, recorded
  from jsonb_object_keys(before_row || after_row) as columns (name)
  where columns.name <> 'updated_at' and before_row -> columns.name is distinct from after_row -> columns.name;
  if changed is null then
    return null;
  end if;
  insert into public.audit_logs (organization_id, user_id, actor_role, action, entity_type, entity_id, details, origin)
  values (
    (row_now ->> case when tg_table_name = 'organizations' then 'id' else 'organization_id' end)::uuid,
    private.actor_id(),
    private.caller_role(),
    tg_table_name || '.' || lower(tg_op),
    tg_table_name,
    row_now ->> 'id',
    case when tg_op = 'UPDATE' then jsonb_build_object('changed', to_jsonb(changed)) else '{}'::jsonb end
      || coalesce(recorded, '{}'::jsonb),
    'database'
  );
  return null;
end;
$$;
comment on function private.audit_row_change() is 'Trigger: an audit row for each change; its arguments name the columns whose values are recorded.';
revoke all on function private.audit_row_change() from public, anon, authenticated, service_role;

create or replace trigger audit_change
  after insert or update or delete on public.user_roles
  for each row execute function private.audit_row_change('user_id', 'role');
create or replace trigger audit_change
  after insert or update or delete on public.organizations
  for each row execute function private.audit_row_change('deleted_at');
create or replace trigger audit_change
  after insert or update or delete on public.organization_members
  for each row execute function private.audit_row_change('user_id', 'role');
create or replace trigger audit_change
  after insert or update or delete on public.invitations
  for each row execute function private.audit_row_change('role');
create or replace trigger audit_change
  after insert or update or delete on public.subscriptions
  for each row execute function private.audit_row_change('product_id', 'status');
create or replace trigger audit_change
  after insert or update of name, scopes, expires_at, revoked_at or delete on public.api_keys
  for each row execute function private.audit_row_change('prefix', 'scopes', 'revoked_at');

-- Drops the months that are wholly older: what remains of a month is deleted with the rest of it.
create or replace function private.purge_audit_logs(keep interval)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  since constant timestamptz := now() - keep;
  partition_name name;
  rows_in_it bigint;
  purged bigint := 0;
begin
  if keep is null or keep < interval '30 days' then
    raise exception 'Audit rows are kept for at least 30 days.' using errcode = 'invalid_parameter_value';
  end if;
  for partition_name in
    select partitions.relname
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class as partitions on partitions.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = 'public.audit_logs'::regclass
      and partitions.relname ~ '^audit_logs_[0-9]{4}_[0-9]{2}$'
      and partitions.relname < 'audit_logs_' || to_char(since at time zone 'UTC', 'YYYY_MM')
    order by partitions.relname
  loop
    execute format('select count(*) from private.%I', partition_name) into rows_in_it;
    execute format('drop table private.%I', partition_name);
    purged := purged + rows_in_it;
  end loop;
  if exists (select 1 from private.audit_logs_default as rows where rows.created_at < since) then
    purged := purged + private.empty_audit_default(since);
  end if;
  insert into public.audit_logs (user_id, actor_role, action, entity_type, details, origin)
  values (
    private.actor_id(),
    private.caller_role(),
    'audit_logs.purge',
    'audit_logs',
    jsonb_build_object('purged', purged, 'kept', keep::text),
    'database'
  );
  return purged;
end;
$$;
comment on function private.purge_audit_logs(interval) is 'Retention: drops the months before the interval (at least 30 days) and logs that; returns how many rows they had.';
revoke all on function private.purge_audit_logs(interval) from public, anon, authenticated, service_role;
grant execute on function private.purge_audit_logs(interval) to service_role;
