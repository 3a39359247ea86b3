/** Errors that only a query shows: each table with policies is queried once per verb, as the Data API's roles. */
import { DatabaseError, type Session } from '../database/database.ts';

/** A query that failed with one of the errors that policies cause. */
export interface AccessFailure {
  schema: string;
  table: string;
  role: string;
  verb: 'select' | 'insert' | 'update' | 'delete';
  /** SQLSTATE: 42P17 or 42501. */
  code: string;
  message: string;
}

/**
 * The SQLSTATE with which the probe ends on purpose: its message is the result, and everything that it did is rolled
 * back.
 */
const resultState = 'MUSE1';

/**
 * One block, so one round trip. It grants the verbs first, because without a grant the query fails before its policies
 * apply. No query touches an existing row, and the INSERT inserts none: PostgreSQL applies the policies, and checks
 * what they read, before it looks for rows.
 */
const probe = `
do $probe$
declare
  result jsonb := '[]';
  before text := pg_catalog.current_setting('role');
  target record;
  who record;
  attempt record;
begin
  create temporary table muse_probe on commit drop as
    select c.oid, n.nspname as schema, c.relname as name, a.attname as col, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join lateral (select attname, atttypid, atttypmod from pg_catalog.pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''
        order by attnum limit 1) a on true
    where c.relkind in ('r', 'p') and c.relrowsecurity and n.nspname <> 'muse'
      and exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid);
  grant select on muse_probe to public;
  for target in select * from muse_probe order by oid loop
    begin
      execute pg_catalog.format('grant usage on schema %I to anon, authenticated', target.schema);
      execute pg_catalog.format('grant select, insert, update, delete on %I.%I to anon, authenticated', target.schema, target.name);
    exception when others then null; -- owned by another role, which has granted what it means to
    end;
  end loop;
  for who in
    select rolname as name from pg_catalog.pg_roles r
    where not r.rolbypassrls and not r.rolsuper
      and (rolname in ('anon', 'authenticated') or exists (select from pg_catalog.pg_policy p where r.oid = any (p.polroles)))
    order by rolname
  loop
    perform pg_catalog.set_config('request.jwt.claims', pg_catalog.jsonb_build_object('role', who.name, 'sub',
      case when who.name = 'anon' then null else '00000000-0000-4000-8000-000000000000' end)::text, true);
    for target in select * from muse_probe order by oid loop
      for attempt in select * from (values
        ('select', 'select 1 from %1$I.%2$I limit 1'),
        ('insert', 'insert into %1$I.%2$I (%3$I) select null::%4$s where false'),
        ('update', 'update %1$I.%2$I set %3$I = null where false'),
        ('delete', 'delete from %1$I.%2$I where false')) as v (verb, query)
      loop
        begin
          execute pg_catalog.format('set local role %I', who.name);
          execute pg_catalog.format(attempt.query, target.schema, target.name, target.col, target.type);
          execute pg_catalog.format('set local role %I', before);
        exception when others then
          if sqlstate in ('42P17', '42501') then
            result := result || pg_catalog.jsonb_build_object('schema', target.schema, 'table', target.name,
              'role', who.name, 'verb', attempt.verb, 'code', sqlstate, 'message', sqlerrm);
          end if;
        end;
      end loop;
    end loop;
  end loop;
  raise exception using errcode = '${resultState}', message = result::text;
end
$probe$`;

/**
 * Queries every table that has policies, as `anon`, as a user, and as each role that a policy names. Makes no changes.
 */
export async function probeAccess(session: Session): Promise<AccessFailure[]> {
  try {
    await session.script(probe);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === resultState)
      return JSON.parse(error.message) as AccessFailure[];
    throw error;
  }
  return [];
}
