import type { Session } from './database.ts';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';

/**
 * Exact row counts of every table outside PostgreSQL's own schemas, the migration history's and pg_net's, by `schema.table`. The
 * rows of partitions count for the table that they are partitions of. Two round trips: within one statement only XML
 * functions can count tables whose names were just read, and they take a hundred times as long.
 * @throws DatabaseError, e.g. `42501` if the session may not read a table
 */
export async function countRows(session: Session): Promise<Record<string, number>> {
  const tables = await session.query<{ schema: string; name: string }>(`
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      -- What pg_net is to send is nobody's data.
      AND n.nspname NOT IN ('information_schema', 'muse', 'net') AND n.nspname !~ '^pg_'
    ORDER BY 1, 2`);
  if (tables.rows.length === 0) return {};
  const counts = tables.rows.map(
    ({ schema, name }) =>
      `SELECT ${quoteLiteral(`${schema}.${name}`)} AS name, count(*) AS count FROM ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
  );
  const { rows } = await session.query<{ name: string; count: string }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
}
