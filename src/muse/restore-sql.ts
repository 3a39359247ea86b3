import type { Session } from '../database/database.ts';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import type { BackupHeader, BackupLine, BackupTable } from './backup-format.ts';
import { exactSettings, nameOf } from './backup-read.ts';

/** What a restore has to know about its target database. */
export interface RestorePlace {
  /** Whether `session_replication_role` may be set: while it is `replica`, no trigger fires and no foreign key is checked. */
  replica: boolean;
  /** Tables of the backup that may be written, as `schema.name` in SQL. */
  tables: { name: string; owned: boolean }[];
  /** Those of partitions too: TRUNCATE of their root fires them. `of` is the root, or the table itself. */
  triggers: { of: string; table: string; name: string; state: 'O' | 'A' | 'R' }[];
  /** `inside`: the referenced table is restored as well. */
  keys: { table: string; name: string; definition: string; inside: boolean; broken: string }[];
  views: string[];
  /** Sequences that may be set. */
  sequences: string[];
}

const placeQuery = `
WITH path AS MATERIALIZED (SELECT pg_catalog.current_setting('search_path') AS was, pg_catalog.set_config('search_path', '', true) AS now),
wanted AS MATERIALIZED (
  SELECT c.oid, w.name, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned FROM path, pg_catalog.unnest($1::text[]) AS w (name)
  JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)
  WHERE pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
)
SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET') AS replica,
  (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', w.name, 'owned', w.owned)), '[]') FROM wanted w) AS tables,
  (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('of', w.name,
    'table', CASE WHEN g.tgrelid = w.oid THEN w.name ELSE g.tgrelid::pg_catalog.regclass::pg_catalog.text END,
    'name', pg_catalog.quote_ident(g.tgname), 'state', g.tgenabled)), '[]')
    FROM wanted w JOIN pg_catalog.pg_trigger g ON (g.tgrelid = w.oid OR g.tgparentid = 0
      AND g.tgrelid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(w.oid) t)) WHERE w.owned AND NOT g.tgisinternal
      AND g.tgenabled <> 'D') AS triggers,
  (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', w.name, 'name', pg_catalog.quote_ident(k.conname),
      'definition', pg_catalog.pg_get_constraintdef(k.oid), 'inside', k.confrelid IN (SELECT i.oid FROM wanted i),
      'broken', pg_catalog.format('SELECT 1 FROM %s AS a LEFT JOIN %s AS b ON %s WHERE b.tableoid IS NULL AND %s LIMIT 1',
        w.name, k.confrelid::pg_catalog.regclass,
        (SELECT pg_catalog.string_agg(pg_catalog.format('a.%I = b.%I', f.attname, t.attname), ' AND ')
          FROM unnest(k.conkey, k.confkey) AS p (own, other)
          JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = p.own
            JOIN pg_catalog.pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = p.other),
        (SELECT pg_catalog.string_agg(pg_catalog.format('a.%I IS NOT NULL', f.attname), ' AND ') FROM pg_catalog.unnest(k.conkey) AS p (own)
          JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = p.own)))), '[]')
    FROM wanted w JOIN pg_catalog.pg_constraint k ON k.conrelid = w.oid AND k.contype = 'f' AND k.conparentid = 0) AS keys,
  (SELECT coalesce(pg_catalog.jsonb_agg(c.oid::pg_catalog.regclass::pg_catalog.text ORDER BY c.oid), '[]') FROM pg_catalog.pg_class c
    WHERE c.relkind = 'm' AND c.relispopulated AND pg_catalog.pg_has_role(c.relowner, 'USAGE')) AS views,
  (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)), '[]')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') END) AS sequences,
  (SELECT pg_catalog.set_config('search_path', path.was, true) FROM path) AS path`;

/** Reads what a restore has to know about the target database; changes nothing. */
export async function readPlace(session: Session, { tables }: BackupHeader): Promise<RestorePlace> {
  const { rows } = await session.query<RestorePlace>(placeQuery, [tables.map(nameOf)]);
  const place = rows[0]!;
  // Without `replica`, only the owner of a table can drop its foreign keys for the time of the restore.
  return place.replica ? place : { ...place, tables: place.tables.filter(({ owned }) => owned) };
}

/**
 * The statements that replace the tables' rows with the backup's, for one transaction, in this order. Triggers
 * do not fire, and every foreign key that this could break is checked at the end.
 */
export async function* restoreStatements(
  header: BackupHeader,
  lines: AsyncIterable<BackupLine>,
  place: RestorePlace,
): AsyncGenerator<string> {
  const restored = new Set(place.tables.map(({ name }) => name));
  const { triggers, keys } = silenced(place);
  yield* exactSettings();
  yield "set local search_path = '$user', public, extensions";
  yield 'set local row_security = off';
  if (place.replica) yield 'set local session_replication_role = replica';
  for (const { table, name } of triggers) yield `alter table ${table} disable trigger ${name}`;
  for (const { table, name } of keys) yield `alter table ${table} drop constraint ${name}`;
  const owned = place.tables.filter((table) => table.owned).map(({ name }) => name);
  if (owned.length > 0) yield `truncate ${owned.join(', ')}`;
  for (const table of place.tables) if (!table.owned) yield `delete from ${table.name}`;
  let last: number | undefined;
  for await (const line of lines) {
    if ('sequences' in line) {
      for (const { name, value, called } of line.sequences) {
        if (place.sequences.includes(name))
          yield `select pg_catalog.setval(${quoteLiteral(name)}, ${quoteLiteral(value)}, ${called})`;
      }
    } else if ('table' in line) {
      const table = header.tables[line.table]!;
      if (!restored.has(nameOf(table))) continue;
      if (last !== line.table) yield rowType(table, line.table);
      last = line.table;
      yield insert(table, line.table, line.rows);
    }
  }
  for (const { table, name, definition } of keys) yield `alter table ${table} add constraint ${name} ${definition}`;
  for (const { table, name, state } of triggers)
    yield `alter table ${table} enable ${{ O: '', A: 'always ', R: 'replica ' }[state]}trigger ${name}`;
  for (const { table, name, broken, inside } of place.keys) {
    if (place.replica && !inside) yield check(table, name, broken);
  }
  for (const view of place.views) yield `refresh materialized view ${view}`;
}

/** The triggers and foreign keys to disable one by one; with `replica`, only the triggers that fire even then. */
function silenced({ replica, tables, triggers, keys }: RestorePlace): Pick<RestorePlace, 'triggers' | 'keys'> {
  if (replica) return { triggers: triggers.filter(({ state }) => state !== 'O'), keys: [] };
  const restored = new Set(tables.map(({ name }) => name));
  return {
    triggers: triggers.filter((trigger) => restored.has(trigger.of)),
    keys: keys.filter(({ table }) => restored.has(table)),
  };
}

/** A row type with the backup's order of columns, which may differ from the table's. */
function rowType({ columns }: BackupTable, index: number): string {
  return (
    `create temporary table muse_restore_${index} ` +
    `(${columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')}) on commit drop`
  );
}

function insert(table: BackupTable, index: number, rows: readonly string[]): string {
  const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => quoteIdentifier(name));
  // OFFSET 0: without it, the text is read once for each column.
  return (
    `insert into ${nameOf(table)} (${columns.join(', ')}) overriding system value select ` +
    `${columns.map((name) => `(r.v).${name}`).join(', ')} ` +
    `from (select x.v::pg_temp.muse_restore_${index} as v from ` +
    `unnest(array[${rows.map(quoteLiteral).join(', ')}]::text[]) as x (v) offset 0) as r`
  );
}

function check(table: string, name: string, broken: string): string {
  const said = quoteLiteral(`rows of ${table} reference rows that do not exist: ${name}`);
  return `do ${quoteLiteral(`begin if exists (${broken}) then raise foreign_key_violation using message = ${said}; end if; end`)}`;
}
