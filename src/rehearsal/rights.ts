/**
 * Reads who can do what from a database's catalog: privileges by every route, and the policies that apply to the role.
 */
import type { Session } from '../database/database.ts';
import type { AccessCell, AccessVerb, Access } from '../rules/engine/fix/access.ts';
import { platformSchemas } from '../rules/engine/live/catalog.ts';

interface Row {
  actor: string;
  verb: AccessVerb;
  object: string;
  whole: boolean;
  columns: string[] | null;
  secured: boolean;
  policies: { permissive: boolean; condition: string | null }[] | null;
}

/** Roles that belong to the platform or bypass policies: what they can do is not the app's. */
const platformRoles = ['authenticator', 'dashboard_user', 'pgbouncer', 'service_role', 'postgres'];

/** The platform's own tables are not read, except those of Supabase's storage. */
const foreign = [...platformSchemas]
  .filter((schema) => schema !== 'storage')
  .map((schema) => `'${schema}'`)
  .join(', ');

const actors = `
  select r.rolname::text as actor, r.oid from pg_catalog.pg_roles r
  where not r.rolsuper and not r.rolbypassrls and r.rolname !~ '^(pg_|supabase_)'
    and r.rolname not in (${platformRoles.map((role) => `'${role}'`).join(', ')})
  union all select 'public', 0`;

const isOurs = `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', ${foreign})`;

const tables = `
  select a.actor, v.verb, n.nspname || '.' || c.relname as object,
    p.whole, case when not p.whole and v.verb in ('select', 'insert', 'update') then (
      select pg_catalog.json_agg(t.attname order by t.attnum) from pg_catalog.pg_attribute t
      where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
        and pg_catalog.has_column_privilege(a.actor, c.oid, t.attnum, v.verb)) end as columns,
    c.relrowsecurity and (c.relforcerowsecurity or c.relowner <> a.oid) as secured,
    (select pg_catalog.json_agg(pg_catalog.json_build_object('permissive', y.polpermissive, 'condition',
        case when v.verb = 'insert' then pg_catalog.pg_get_expr(coalesce(y.polwithcheck, y.polqual), y.polrelid)
          else pg_catalog.pg_get_expr(y.polqual, y.polrelid) end) order by y.polname)
      from pg_catalog.pg_policy y
      where y.polrelid = c.oid and y.polcmd in ('*', v.letter)
        and (0 = any (y.polroles) or (a.oid <> 0 and exists (select from pg_catalog.unnest(y.polroles) as o(oid)
          where o.oid <> 0 and pg_catalog.pg_has_role(a.oid, o.oid, 'MEMBER'))))) as policies
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join (${actors}) a
  cross join (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd'), ('truncate', '-')) as v (verb, letter)
  cross join lateral (select pg_catalog.has_table_privilege(a.actor, c.oid, v.verb) as whole) p
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isOurs} and pg_catalog.has_schema_privilege(a.actor, n.oid, 'USAGE')`;

const functions = `
  select a.actor, 'execute', n.nspname || '.' || f.proname || '(' || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')',
    true, null::json, false, null::json
  from pg_catalog.pg_proc f
  join pg_catalog.pg_namespace n on n.oid = f.pronamespace
  cross join (${actors}) a
  where ${isOurs} and n.nspname <> 'storage' and f.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
    and not exists (select from pg_catalog.pg_depend d where d.objid = f.oid and d.deptype = 'e')
    and pg_catalog.has_schema_privilege(a.actor, n.oid, 'USAGE') and pg_catalog.has_function_privilege(a.actor, f.oid, 'EXECUTE')`;

const objects = `
  select n.nspname || '.' || c.relname as object from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isOurs}
  union all
  select n.nspname || '.' || f.proname || '(' || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')' from pg_catalog.pg_proc f
  join pg_catalog.pg_namespace n on n.oid = f.pronamespace where ${isOurs} and n.nspname <> 'storage'`;

/**
 * Reads who can do what with the tables and functions of a muse: `anon`, `authenticated`, the app's own roles, and
 * everyone.
 */
export async function readAccess(session: Session): Promise<Access> {
  const { rows } = await session.query<Row>(
    `select * from (${tables}) t where whole or columns is not null union all ${functions} order by 1, 2, 3`,
  );
  const named = await session.query<{ object: string }>(objects);
  return { cells: rows.flatMap((row) => cellOf(row) ?? []), objects: new Set(named.rows.map(({ object }) => object)) };
}

function cellOf({ actor, verb, object, whole, columns, secured, policies }: Row): AccessCell | undefined {
  const cell = { actor, verb, object, ...(whole || columns === null ? {} : { columns }) };
  // Policies do not apply to TRUNCATE.
  if (!secured || verb === 'truncate') return { ...cell, reach: 'all', conditions: [] };
  const clean = (condition: string | null): string => (condition ?? 'true').replaceAll(/\s+/g, ' ');
  const own = policies ?? [];
  const permissive = own.filter((policy) => policy.permissive).map(({ condition }) => clean(condition));
  const restrictive = own
    .filter((policy) => !policy.permissive)
    .map(({ condition }) => clean(condition))
    .filter((condition) => condition !== 'true');
  if (permissive.length === 0) return undefined;
  if (permissive.includes('true') && restrictive.length === 0) return { ...cell, reach: 'all', conditions: [] };
  const limit = restrictive.map((condition) => ` and ${condition}`).join('');
  return { ...cell, reach: 'rows', conditions: permissive.map((condition) => `${condition}${limit}`) };
}
