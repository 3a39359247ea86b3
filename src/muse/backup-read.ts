import { services } from '../database/schema/parts.ts';
import { type Database, DatabaseError, type Session } from '../database/database.ts';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import { MuseError } from '../shared/error.ts';
import type { BackupLine, BackupSequence, BackupTable } from './backup-format.ts';

/** With these settings the text of every value is exact, and reads back the same in any database. */
const settings: readonly [name: string, value: string][] = [
  ['search_path', ''],
  ['datestyle', 'ISO, YMD'],
  ['intervalstyle', 'postgres'],
  ['timezone', 'UTC'],
  ['extra_float_digits', '3'],
  ['bytea_output', 'hex'],
  ['xmloption', 'content'],
  ['lc_monetary', 'C'],
];

/** The settings under which values are written and read; `search_path` only when they are written. */
export function exactSettings(): string[] {
  return settings.slice(1).map(([name, value]) => `set local ${name} = ${quoteLiteral(value)}`);
}

const settingCalls = [...settings, ['row_security', 'off'] as const]
  .map(([name, value]) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true)`)
  .join(' || ');

/** A table's or sequence's name as SQL. */
export function nameOf({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * Schemas whose rows a backup leaves out: PostgreSQL's, the migration history's (it is in the header), and those of Supabase's
 * services, except for the users in `auth`. The files in Storage are not in the database.
 */
const leftOut = ['information_schema', 'muse', 'extensions', ...services.filter((name) => name !== 'auth')]
  .map(quoteLiteral)
  .join(', ');

const ours = `n.nspname !~ '^pg_' AND n.nspname NOT IN (${leftOut}) AND c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid = c.oid AND d.deptype = 'e')`;

// The first row sets the settings for the others: the parts of a UNION ALL run one after the other.
const tablesQuery = `
SELECT '' AS schema, '' AS name, (${settingCalls} IS NULL) AS partitioned, true AS readable, '[]'::pg_catalog.jsonb AS columns
UNION ALL
SELECT n.nspname, c.relname, c.relkind = 'p', pg_catalog.has_table_privilege(c.oid, 'SELECT'),
  (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname,
      'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> '') ORDER BY a.attnum), '[]')
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND ${ours} AND NOT (n.nspname = 'auth' AND c.relname = 'schema_migrations')`;

/**
 * The tables that a backup holds, sorted by name.
 * @throws MuseError `backup-incomplete` where the connection may not read one of them
 */
export async function readTables(session: Session): Promise<BackupTable[]> {
  const { rows } = await session.query<BackupTable & { readable: boolean }>(tablesQuery);
  const tables = rows.filter(({ name }) => name !== '');
  const closed = tables.filter(({ readable, schema }) => !readable && schema !== 'auth');
  if (closed.length > 0) throw incomplete(`the connection's role may not read ${closed.map(nameOf).join(', ')}`);
  return tables
    .filter(({ readable }) => readable)
    .map(({ schema, name, partitioned, columns }) => ({ schema, name, partitioned, columns }))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

const rowsOf = (table: BackupTable): string =>
  `(x.*)::pg_catalog.text AS row FROM ${table.partitioned ? '' : 'ONLY '}${nameOf(table)} AS x`;
/** Rows are fetched in batches such that a line of the backup, and the statement that restores it, is about this long. */
const lineLength = 2_000_000;

/**
 * The rows of the tables, as lines of a backup. In a transaction a cursor reads them in batches; over HTTPS one statement
 * reads all of them, because only a single statement sees one state of the database there.
 */
export async function* readRows(
  database: Database | undefined,
  session: Session,
  tables: readonly BackupTable[],
): AsyncGenerator<BackupLine> {
  if (database?.kind === 'https') {
    const parts = tables.map((table, index) => `SELECT ${index}, ${rowsOf(table)}`);
    const { rows } = await guarded(
      session.query<{ t: number; row: string }>(
        [`SELECT -1 AS t, ${settingCalls} AS row`, ...parts].join('\nUNION ALL\n'),
      ),
    );
    for (const [index] of tables.entries()) {
      const own = rows.filter(({ t }) => t === index).map(({ row }) => row);
      if (own.length > 0) yield { table: index, rows: own };
    }
    return;
  }
  for (const [index, table] of tables.entries()) {
    await guarded(session.query(`DECLARE muse_backup NO SCROLL CURSOR FOR SELECT ${rowsOf(table)}`));
    for (let count = 20; ;) {
      const { rows } = await session.query<{ row: string }>(`FETCH ${count} FROM muse_backup`);
      if (rows.length > 0) yield { table: index, rows: rows.map(({ row }) => row) };
      if (rows.length < count) break;
      const length = rows.reduce((sum, { row }) => sum + row.length, 0) / count;
      count = Math.max(1, Math.min(2000, Math.floor(lineLength / length)));
    }
    await session.query('CLOSE muse_backup');
  }
}

/** The position of every sequence in those schemas; read after the rows, so that none lags behind its table. */
export async function readSequences(session: Session): Promise<BackupSequence[]> {
  const { rows } = await session.query<{ schema: string; name: string }>(`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END AND ${ours} ORDER BY 1, 2`);
  if (rows.length === 0) return [];
  const parts = rows.map(
    (row) =>
      `SELECT ${quoteLiteral(nameOf(row))} AS name, last_value::pg_catalog.text AS value, is_called AS called FROM ${nameOf(row)}`,
  );
  return (await session.query<BackupSequence>(parts.join(' UNION ALL '))).rows;
}

async function guarded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42501') throw incomplete(error.message);
    throw error;
  }
}

function incomplete(why: string): MuseError {
  return new MuseError({
    code: 'backup-incomplete',
    message: `No backup was taken, because it would be incomplete: ${why}. Nothing was changed.`,
    suggestion: 'Connect as the owner of the tables, or as a role with BYPASSRLS and pg_read_all_data.',
  });
}
