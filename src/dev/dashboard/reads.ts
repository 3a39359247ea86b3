import { quoteIdentifier } from '../../shared/quote.ts';
import type { DevDatabase } from '../service.ts';
import { identityOf, service } from './identities.ts';

/** A table or view of the exposed schema. */
interface Table {
  /** OID, as text. */
  id: string;
  name: string;
  view: boolean;
  rls: boolean;
  columns: { name: string; type: string }[];
  policies: { name: string; command: string; roles: string[]; using: string | null; check: string | null }[];
}

/** All tables and views of `public` with their policies, as the server sees them. */
export async function readTables(database: DevDatabase): Promise<Table[]> {
  return database.actAs(
    service,
    async (session) => {
      const { rows } = await session.query<Table>(tablesSql);
      return rows;
    },
    { readOnly: true },
  );
}

const tablesSql = `
  SELECT c.oid::text AS id, c.relname::text AS name, c.relkind IN ('v', 'm') AS view, c.relrowsecurity AS rls,
    (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod))
        ORDER BY a.attnum), '[]')
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT coalesce(json_agg(json_build_object('name', p.policyname, 'command', p.cmd, 'roles', p.roles::text[],
        'using', p.qual, 'check', p.with_check) ORDER BY p.cmd, p.policyname), '[]')
      FROM pg_catalog.pg_policies p WHERE p.schemaname = 'public' AND p.tablename = c.relname) AS policies
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  ORDER BY c.relname`;

/** Rows on one page. */
const pageSize = 50;
/** How much of a value is shown, in characters. */
const longestValue = 200;

/** One page of a table's rows: each value as PostgreSQL prints it, cut where it is long. */
interface Rows {
  columns: string[];
  rows: (string | null)[][];
  /** There are more of them. */
  more: boolean;
}

/**
 * The rows that someone may see.
 * @param query `table` is an OID, `as` is `service`, `anon` or a user's id, `page` counts from 0
 * @throws DatabaseError what PostgreSQL says, a refusal among it
 */
export async function readRows(database: DevDatabase, query: URLSearchParams): Promise<Rows> {
  const page = Math.max(0, Math.trunc(Number(query.get('page') ?? 0)) || 0);
  const table = (await readTables(database)).find(({ id }) => id === query.get('table'));
  if (table === undefined) return { columns: [], rows: [], more: false };
  const identity = await identityOf(database, query.get('as') ?? 'service');
  const columns = table.columns.map(({ name }) => name);
  const values = columns.map((name) => `pg_catalog.left(t.${quoteIdentifier(name)}::text, ${longestValue + 1})`);
  const sql =
    `SELECT pg_catalog.json_build_array(${values.join(', ')}) AS row FROM public.${quoteIdentifier(table.name)} AS t ` +
    `LIMIT ${pageSize + 1} OFFSET ${page * pageSize}`;
  const { rows } = await database.actAs(identity, (session) => session.query<{ row: (string | null)[] }>(sql), {
    readOnly: true,
  });
  return {
    columns,
    rows: rows.slice(0, pageSize).map(({ row }) => row.map(cut)),
    more: rows.length > pageSize,
  };
}

const cut = (value: string | null): string | null =>
  value !== null && value.length > longestValue ? `${value.slice(0, longestValue)}…` : value;
