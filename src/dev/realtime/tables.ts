import type { Session } from '../../database/database.ts';
import type { ApiRole } from '../service.ts';
import type { TableName } from './queue.ts';

/** What must be known of a table to tell of its changes to one role. */
export interface WatchedTable extends TableName {
  rowSecurity: boolean;
  columns: readonly { name: string; type: string; sqlType: string; selectable: boolean }[];
  primaryKey: readonly string[];
  /** What an UPDATE or DELETE tells of the old row: the key, or all columns with `REPLICA IDENTITY FULL`. */
  identity: readonly string[];
}

/** A table as the catalog has it; undefined where it is gone. */
export async function readTable(
  session: Session,
  { schema, table }: TableName,
  role: ApiRole,
): Promise<WatchedTable | undefined> {
  const { rows } = await session.query<{
    relrowsecurity: boolean;
    relreplident: string;
    name: string;
    type: string;
    sql_type: string;
    selectable: boolean;
    in_primary_key: boolean;
    in_identity_index: boolean;
  }>(
    `SELECT c.relrowsecurity, c.relreplident, a.attname AS name, t.typname AS type,
       format_type(a.atttypid, a.atttypmod) AS sql_type,
       has_column_privilege($3, c.oid, a.attnum, 'SELECT') AS selectable,
       coalesce(a.attnum = ANY (p.indkey), false) AS in_primary_key,
       coalesce(a.attnum = ANY (i.indkey), false) AS in_identity_index
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_catalog.pg_index p ON p.indrelid = c.oid AND p.indisprimary
     LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisreplident
     WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum`,
    [schema, table, role],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const named = (keep: (row: (typeof rows)[number]) => boolean): string[] => rows.filter(keep).map(({ name }) => name);
  const primaryKey = named((row) => row.in_primary_key);
  const identities: Readonly<Record<string, string[]>> = {
    d: primaryKey,
    f: named(() => true),
    i: named((row) => row.in_identity_index),
  };
  return {
    schema,
    table,
    rowSecurity: first.relrowsecurity,
    columns: rows.map(({ name, type, sql_type: sqlType, selectable }) => ({ name, type, sqlType, selectable })),
    primaryKey,
    identity: identities[first.relreplident] ?? [],
  };
}
