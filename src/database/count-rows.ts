import type { Session } from './database.ts';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';

/**
 * Exact row counts of every table outside PostgreSQL's own schemas, the migration history's and pg_net's, by `schema.table`. The
 * rows of partitions count for the table that they are partitions of. Two round trips: within one statement only XML
 * functions can count tables whose names were just read, and they take a hundred times as long. A table without a page has no row:
 * most tables of a new database are not asked.
 * @throws DatabaseError, e.g. `42501` if the session may not read a table that may have rows
 */
export async function countRows(session: Session): Promise<Record<string, number>> {
  const { rows: tables } = await session.query<{ schema: string; name: string; empty: boolean }>(`
    SELECT n.nspname AS schema, c.relname AS name,
      -- Others than heap may keep their rows elsewhere, and a table with children counts theirs.
      c.relkind = 'r' AND NOT c.relhassubclass AND a.amname IS NOT DISTINCT FROM 'heap'
        AND pg_catalog.pg_relation_size(c.oid) IS NOT DISTINCT FROM 0 AS empty
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      -- What pg_net is to send is nobody's data.
      AND n.nspname NOT IN ('information_schema', 'muse', 'net') AND n.nspname !~ '^pg_'
    ORDER BY 1, 2`);
  const asked = tables.flatMap(({ schema, name, empty }) =>
    empty
      ? []
      : `SELECT ${quoteLiteral(`${schema}.${name}`)} AS name, count(*) AS count FROM ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
  );
  const { rows } =
    asked.length === 0 ? { rows: [] } : await session.query<{ name: string; count: string }>(asked.join(' UNION ALL '));
  const counts = new Map(rows.map(({ name, count }) => [name, Number(count)]));
  return Object.fromEntries(
    tables.map(({ schema, name }) => [`${schema}.${name}`, counts.get(`${schema}.${name}`) ?? 0]),
  );
}
