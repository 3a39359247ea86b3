/** What a second run of every file changed, although nothing failed. */
import type { Finding } from '../shared/finding.ts';
import { relationName, tableOf } from '../sql/names.ts';
import { allOf, fieldsOf, open, type RangeVar } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { cutText, longestName } from '../shared/quote.ts';
import { repeatableForm } from './repeatable.ts';
import type { SchemaChange } from './snapshot.ts';
import { lineText, positionAt } from '../shared/text.ts';
import type { Place, ParsedFiles } from './parsed-files.ts';

/** Statements that can insert rows. */
const mayInsert = new Set(['InsertStmt', 'DoStmt', 'SelectStmt', 'CallStmt', 'CopyStmt']);

function kindOf({ statement }: Place): string {
  return statement.tree === undefined ? '' : open(statement.tree)[0];
}

function whereIs({ migration, statement }: Place): Pick<Finding, 'file' | 'line' | 'column' | 'snippet'> {
  return {
    file: migration.file,
    ...positionAt(migration.sql, statement.start),
    snippet: lineText(migration.sql, statement.line),
  };
}

/** A warning in the kit's own files, which also run once: where the place is not found, if no other file does anything. */
function severityOf(place: Place | undefined, { places }: ParsedFiles): Finding['severity'] {
  const suspects = place === undefined ? places() : [place];
  return suspects.every(({ migration }) => migration.layer === 'core') ? 'warning' : 'error';
}

/**
 * The statements that insert rows into the table: its INSERTs without ON CONFLICT, or else others that contain its
 * name.
 */
function inserters(places: readonly Place[], table: string): Place[] {
  const inserts = places.filter((place) => kindOf(place) === 'InsertStmt' && tableOf(place.statement.tree!) === table);
  const bare = inserts.filter((place) => fieldsOf(place.statement.tree, 'InsertStmt')?.onConflictClause === undefined);
  if (bare.length > 0 || inserts.length > 0) return bare.length > 0 ? bare : inserts;
  const name = table.slice(table.indexOf('.') + 1);
  return places.filter((place) => mayInsert.has(kindOf(place)) && place.statement.sql.includes(name));
}

/**
 * A `seed-not-idempotent` for each table whose row count differs, at the statement that inserts its rows; if
 * several do, at the first, and the message names the others.
 * @param counts rows by `schema.name`, after the first run and after the second
 */
export function seedFindings(
  counts: { once: ReadonlyMap<string, number>; twice: ReadonlyMap<string, number> },
  parsedFiles: ParsedFiles,
): Finding[] {
  const changed = [...counts.twice].filter(([table, rows]) => rows !== (counts.once.get(table) ?? 0));
  return changed.map(([table, rows]): Finding => {
    const [first, ...others] = inserters(parsedFiles.places(), table);
    const also =
      others.length === 0
        ? ''
        : ` (or ${others.map(({ migration, statement }) => `${migration.file}:${statement.line}`).join(', ')})`;
    return {
      rule: 'seed-not-idempotent',
      severity: severityOf(first, parsedFiles),
      ...(first === undefined ? {} : whereIs(first)),
      object: table,
      message:
        `${table} has ${counts.once.get(table) ?? 0} rows after the first run and ${rows} after the second: a row ` +
        `is inserted again${also}.`,
      suggestion:
        'INSERT … ON CONFLICT DO NOTHING if a unique key tells the rows apart; else INSERT … SELECT … WHERE NOT ' +
        "EXISTS on the row's own values.",
    };
  });
}

/**
 * A `not-idempotent` for each object that differs after the second run: at the last statement that contains its name,
 * also in a body; or else, because PostgreSQL generates the names of unnamed indexes and constraints, at the last one that
 * makes an unnamed index of such columns, or that alters its table.
 */
export function changeFindings(changed: readonly SchemaChange[], parsedFiles: ParsedFiles): Finding[] {
  return changed.map(({ object, table, what }): Finding => {
    const place = creatorOf(parsedFiles.places(), object, table);
    return {
      rule: 'not-idempotent',
      severity: severityOf(place, parsedFiles),
      ...(place === undefined ? {} : whereIs(place)),
      object,
      message: `Running every file a second time changes the schema: ${what}.`,
      suggestion:
        place === undefined
          ? 'Find the statement that creates it, and make it check first.'
          : repeatableForm(place.statement),
    };
  });
}

/** The last of the places that is about a thing: it names the thing, makes an index that PostgreSQL names so, or alters its table. */
export function creatorOf(places: readonly Place[], object: string, table: string | undefined): Place | undefined {
  // `column public.t.c`, `constraint c on public.t`, `function public.f(integer)`: the thing's own name.
  const own = object
    .replace(/^.*? /, '')
    .replace(/\(.*$| on [^ ]+$/, '')
    .split('.')
    .at(-1)!
    .replaceAll('"', '');
  const said = places.findLast(({ statement }) => statement.sql.includes(own));
  // What is made on a partitioned table is made on its partitions, too.
  const tables = table === undefined ? [] : [table, ...partitionedAbove(table, places)];
  return (
    said ??
    (object.startsWith('index ')
      ? places.findLast(({ statement }) => mayMakeIndex(statement, own, tables))
      : undefined) ??
    places.findLast(
      ({ statement }) =>
        fieldsOf(statement.tree, 'AlterTableStmt') !== undefined && tables.includes(tableOf(statement.tree!) ?? ''),
    )
  );
}

/** The tables that a table is a partition of, the nearest first. */
function partitionedAbove(table: string, places: readonly Place[]): string[] {
  const parents = partitioned.get(places) ?? partitionsIn(places);
  partitioned.set(places, parents);
  const above: string[] = [];
  for (let next = parents.get(table); next !== undefined && !above.includes(next); next = parents.get(next))
    above.push(next);
  return above;
}

/** By places, as many changes may be looked for in the same ones. */
const partitioned = new WeakMap<readonly Place[], ReadonlyMap<string, string>>();

/** The tables that places make partitions of another, with that one. */
function partitionsIn(places: readonly Place[]): Map<string, string> {
  const parents = new Map<string, string>();
  for (const { statement } of places) {
    const created = fieldsOf(statement.tree, 'CreateStmt');
    const [parent] = allOf(created?.inhRelations, 'RangeVar');
    if (created?.partbound !== undefined && parent !== undefined)
      parents.set(relationName(created.relation), relationName(parent));
    const altered = fieldsOf(statement.tree, 'AlterTableStmt');
    for (const { def } of allOf(altered?.cmds, 'AlterTableCmd')) {
      const attached = fieldsOf(def, 'PartitionCmd');
      if (attached?.bound !== undefined && attached.name !== undefined && altered?.relation !== undefined)
        parents.set(relationName(attached.name as RangeVar), relationName(altered.relation));
    }
  }
  return parents;
}

/** Says whether the statement makes an index without a name, for which PostgreSQL may have chosen this one. */
function mayMakeIndex({ tree }: Statement, name: string, tables: readonly string[]): boolean {
  const index = fieldsOf(tree, 'IndexStmt');
  if (index === undefined || index.idxname !== undefined || !tables.includes(relationName(index.relation)))
    return false;
  const columns = allOf([...(index.indexParams ?? []), ...(index.indexIncludingParams ?? [])], 'IndexElem').map(
    (element) => element.name,
  );
  // The name that PostgreSQL gives an expression depends on what it does.
  if (columns.includes(undefined)) return true;
  const label = /idx\d*$/.exec(name)?.[0] ?? 'idx';
  const [on = ''] = tables;
  return generatedName(on.slice(on.indexOf('.') + 1), columns.join('_'), label) === name;
}

/** The name that PostgreSQL generates of three parts (its `makeObjectName`): too long, it cuts the longer of the first two. */
function generatedName(first: string, second: string, label: string): string {
  let [one, two] = [Buffer.byteLength(first), Buffer.byteLength(second)];
  while (one + two + label.length + 2 > longestName)
    if (one > two) one -= 1;
    else two -= 1;
  return `${cutText(first, one)}_${cutText(second, two)}_${label}`;
}
