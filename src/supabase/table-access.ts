import type { Session } from '../database/database.ts';

/** What the catalog says about a table: how an anonymous visitor's insert can be tried, and what its policies mean a user to do. */
export interface TableAccess {
  /**
   * Columns of which each refuses NULL, whatever the rest of the row: a row of NULLs is never stored, and whether NOT NULL or
   * a policy refuses it tells whether the policies let it through. Empty where there is no such column.
   */
  required: string[];
  /** There is a policy that may let an anonymous visitor insert, or none is needed. */
  mayInsert: boolean;
  /** What some policy lets a signed-in user do, or what none has to. Who has the privileges is not asked: a missing one is a fault. */
  userMay: { select: boolean; update: boolean };
}

/** Whether a permissive policy of the table is for the role and the command, or row-level security is off. */
const permits = (role: string, command: string): string => `(not c.relrowsecurity or exists (
    select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polcmd in ('${command}', '*') and p.polpermissive
      and exists (select from unnest(p.polroles) as holder where case when holder = 0 then true
        else pg_catalog.pg_has_role('${role}', holder, 'MEMBER') end)))`;

/**
 * Left out are columns that refuse NULL before the policies are asked (of domains, GENERATED ALWAYS), those that the visitor may
 * not set, and all of a table in which a trigger or rule may put something else in their place, or which looks for a partition
 * first. PostgreSQL asks in this order: BEFORE triggers, policies, NOT NULL and CHECK (ExecInsert in nodeModifyTable.c).
 */
const query = `
select n.nspname || '.' || c.relname as "table",
  case when c.relkind = 'r' and not c.relispartition
    and not exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal
      and g.tgenabled <> 'D' and g.tgtype & 7 = 7)
    and not exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type = '3')
  then (select coalesce(json_agg(a.attname::text order by a.attnum), '[]'::json) from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attnotnull and a.attidentity <> 'a' and a.attgenerated = ''
      and t.typtype <> 'd' and pg_catalog.has_column_privilege('anon', c.oid, a.attnum, 'INSERT'))
  else '[]'::json end as required,
  ${permits('anon', 'a')} as "mayInsert", ${permits('authenticated', 'r')} as "maySelect", ${permits('authenticated', 'w')} as "mayUpdate"
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v') and n.nspname !~ '^pg_'`;

/** Reads what the catalog says about all tables, by `schema.name`. */
export async function readTableAccess(session: Session): Promise<ReadonlyMap<string, TableAccess>> {
  const { rows } = await session.query<{
    table: string;
    required: string[] | string;
    mayInsert: boolean;
    maySelect: boolean;
    mayUpdate: boolean;
  }>(query);
  // Over HTTPS a JSON column may arrive as its text.
  return new Map(
    rows.map(({ table, required, mayInsert, maySelect, mayUpdate }) => [
      table,
      {
        required: typeof required === 'string' ? (JSON.parse(required) as string[]) : required,
        mayInsert,
        userMay: { select: maySelect, update: mayUpdate },
      },
    ]),
  );
}
