-- 011 audit_logs: who did what, in rows that no one can change or delete, not even the owner of the table.
-- Triggers write them for every change of access rights; the app adds its own with write_audit().

-- No foreign keys: an audit row outlives the user and the organization that it is about.
create table if not exists public.audit_logs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid,
  user_id uuid,
  actor_role text not null default 'unknown',
  action text not null check (char_length(action) between 1 and 100),
  entity_type text,
  entity_id text,
  details jsonb not null default '{}'::jsonb,
  origin text not null default 'application' check (origin in ('application', 'database')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.audit_logs is 'What was done, by whom. Rows are only added; purge_audit_logs() is the only way to delete old ones.';
comment on column public.audit_logs.organization_id is 'The organization that it belongs to; null for none.';
comment on column public.audit_logs.user_id is 'Who did it; null for a job of the backend.';
comment on column public.audit_logs.actor_role is 'The database role that did it.';
comment on column public.audit_logs.action is 'What was done, e.g. organization_members.update.';
comment on column public.audit_logs.details is 'Details: names of changed columns, old and new roles; never personal data or secrets.';
comment on column public.audit_logs.origin is 'database: written by a trigger; application: by write_audit() or the backend.';
comment on column public.audit_logs.updated_at is 'Always the time of the insert: an audit row does not change.';
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
  if organization is not null and not private.caller_sees_organization(organization) then
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
comment on function public.write_audit(text, text, text, uuid, jsonb) is 'Adds an audit row for the caller.';
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

-- The trigger is disabled inside this transaction, under a lock that keeps others from writing in the meantime:
-- others could set a setting that allows deletes.
create or replace function private.purge_audit_logs(keep interval)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  purged bigint;
begin
  if keep is null or keep < interval '30 days' then
    raise exception 'Audit rows are kept for at least 30 days.' using errcode = 'invalid_parameter_value';
  end if;
  alter table public.audit_logs disable trigger refuse_change;
  delete from public.audit_logs where created_at < now() - keep;
  get diagnostics purged = row_count;
  alter table public.audit_logs enable always trigger refuse_change;
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
comment on function private.purge_audit_logs(interval) is 'Retention: deletes audit rows older than the interval (at least 30 days) and logs that; returns how many.';
revoke all on function private.purge_audit_logs(interval) from public, anon, authenticated, service_role;
grant execute on function private.purge_audit_logs(interval) to service_role;
