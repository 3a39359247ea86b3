-- 017 accounts: users delete their account, and export their data; the backend exports what is stored about a user or an
-- organization.

-- Every table with a foreign key to one of the targets, extensions included, in the columns that users can read: neither hashes
-- nor what only the backend knows. It runs with the caller's rights: row-level security decides which rows a user gets.
create or replace function private.rows_that_reference(targets regclass[], key uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  source record;
  rows_found jsonb;
  everything jsonb := '{}'::jsonb;
begin
  for source in
    select
      relations.relname as name,
      format('%I.%I', namespaces.nspname, relations.relname) as qualified,
      (
        select string_agg(format('%I', columns.attname), ', ' order by columns.attnum)
        from pg_catalog.pg_attribute as columns
        where columns.attrelid = relations.oid
          and columns.attnum > 0
          and not columns.attisdropped
          and has_column_privilege('authenticated', relations.oid, columns.attnum, 'select')
          and has_column_privilege(relations.oid, columns.attnum, 'select')
      ) as readable,
      string_agg(format('%I = $1', keys.attname), ' or ' order by keys.attnum) as condition
    from pg_catalog.pg_constraint as constraints
    join pg_catalog.pg_class as relations on relations.oid = constraints.conrelid and not relations.relispartition
    join pg_catalog.pg_namespace as namespaces on namespaces.oid = relations.relnamespace and namespaces.nspname = 'public'
    join pg_catalog.pg_attribute as keys on keys.attrelid = relations.oid and keys.attnum = constraints.conkey[1]
    where constraints.contype = 'f' and constraints.confrelid = any (targets) and cardinality(constraints.conkey) = 1
      and has_column_privilege('authenticated', relations.oid, keys.attnum, 'select')
      and has_column_privilege(relations.oid, keys.attnum, 'select')
    group by relations.oid, relations.relname, namespaces.nspname
    order by relations.relname
  loop
    execute format(
      'select coalesce(jsonb_agg(to_jsonb(found)), ''[]''::jsonb) from (select %s from %s where %s) as found',
      source.readable,
      source.qualified,
      source.condition
    )
    into rows_found
    using key;
    everything := everything || jsonb_build_object(source.name, rows_found);
  end loop;
  return everything;
end;
$$;
comment on function private.rows_that_reference(regclass[], uuid) is 'The rows that reference a key, by table.';
revoke all on function private.rows_that_reference(regclass[], uuid) from public, anon, authenticated, service_role;
grant execute on function private.rows_that_reference(regclass[], uuid) to authenticated, service_role;

create or replace function public.export_own_data()
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  if auth.uid() is null then
    raise exception 'Only a signed-in user can export their data.' using errcode = 'insufficient_privilege';
  end if;
  return private.rows_that_reference(array['auth.users', 'public.profiles']::regclass[], auth.uid());
end;
$$;
comment on function public.export_own_data() is 'The rows that are about the signed-in user, by table, as far as they may read them.';
revoke all on function public.export_own_data() from public, anon, authenticated, service_role;
grant execute on function public.export_own_data() to authenticated;

-- Jobs of the backend, as there may be more rows than a request of a user has time for.

create or replace function public.export_user_data(account uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.rows_that_reference(array['auth.users', 'public.profiles']::regclass[], export_user_data.account)
$$;
comment on function public.export_user_data(uuid) is 'For the backend: the rows that are about a user, by table.';
revoke all on function public.export_user_data(uuid) from public, anon, authenticated, service_role;
grant execute on function public.export_user_data(uuid) to service_role;

create or replace function public.export_organization_data(organization uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.rows_that_reference(array['public.organizations']::regclass[], export_organization_data.organization)
$$;
comment on function public.export_organization_data(uuid) is 'For the backend: the rows of an organization, by table.';
revoke all on function public.export_organization_data(uuid) from public, anon, authenticated, service_role;
grant execute on function public.export_organization_data(uuid) to service_role;

-- Everything with a foreign key to the user goes with them; audit rows stay. Files are deleted through the Storage API first.
-- A role for the whole app is removed before: deleting the account must not be a way to leave the product without an admin.
-- For an organization whose last owner this was, see private.replace_last_owner().
create or replace function public.delete_account()
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if auth.uid() is null then
    raise exception 'Only a signed-in user can delete an account.' using errcode = 'insufficient_privilege';
  end if;
  if exists (select 1 from public.user_roles where user_roles.user_id = auth.uid()) then
    raise exception 'This account has a role for the whole app.'
      using errcode = 'insufficient_privilege', hint = 'The backend removes the role first.';
  end if;
  insert into public.audit_logs (user_id, actor_role, action, entity_type, entity_id, origin)
  values (auth.uid(), private.caller_role(), 'users.delete', 'users', auth.uid()::text, 'database');
  delete from auth.users where users.id = auth.uid();
end;
$$;
comment on function public.delete_account() is 'Deletes the account of the signed-in user with all of its rows. This cannot be undone.';
revoke all on function public.delete_account() from public, anon, authenticated, service_role;
grant execute on function public.delete_account() to authenticated;
