import {
  groupBy,
  keyOf,
  type ColumnPairs,
  type ComputedRelationship,
  type JunctionRelationship,
  type KeyRelationship,
  type Qualified,
  type Relationship,
  type Table,
} from './catalog.ts';
import type { ViewKeys } from '../../database/schema/view-keys.ts';

/** A foreign key of a table. */
export interface ForeignKey {
  table: Qualified;
  foreign: Qualified;
  constraint: string;
  columns: ColumnPairs;
  /** Its columns are a primary or unique key. */
  unique: boolean;
  /** Of its table. */
  primaryKey: readonly string[];
}

interface Sources {
  keys: readonly ForeignKey[];
  computed: readonly ComputedRelationship[];
  viewKeys: ViewKeys;
  tables: ReadonlyMap<string, Table>;
  schemas: readonly string[];
}

/** The relationships between exposed tables and views, by {@link keyOf} of the table that embeds. */
export function buildRelationships(sources: Sources): Map<string, Relationship[]> {
  const { keys, computed, viewKeys, tables, schemas } = sources;
  const direct = keys.flatMap((key) => [fromKey(key), ...throughViews(key, viewKeys)]);
  const primaryKeys = new Map(keys.map((key) => [keyOf(key.table), key.primaryKey]));
  for (const table of tables.values()) primaryKeys.set(keyOf(table), table.primaryKey);
  const found: Relationship[] = [...direct, ...direct.map(invert), ...throughJunctions(direct, primaryKeys)];
  const exposed = found.filter(
    (relationship) =>
      [relationship.table, relationship.foreign].every(({ schema }) => schemas.includes(schema)) &&
      (relationship.kind !== 'many-to-many' || schemas.includes(relationship.junction.table.schema)),
  );
  // A function with the name of a table takes the place of what was found to that table.
  const overridden = new Set(computed.map((own) => pairId(own.table, own.function)));
  const kept = exposed.filter((relationship) => !overridden.has(pairId(relationship.table, relationship.foreign)));
  const all: Relationship[] = [...kept, ...computed];
  all.sort((a, b) => compare(sortKey(a), sortKey(b)));
  return groupBy(all, (relationship) => keyOf(relationship.table));
}

function pairId(table: Qualified, other: Qualified): string {
  return `${keyOf(table)} ${keyOf(other)}`;
}

/** The order in which PostgREST lists candidates. */
function sortKey(relationship: Relationship): string {
  const { kind, table, foreign } = relationship;
  const rank = ['one-to-many', 'many-to-one', 'one-to-one', 'many-to-many', 'computed'].indexOf(kind);
  const own =
    relationship.kind === 'computed'
      ? keyOf(relationship.function)
      : relationship.kind === 'many-to-many'
        ? JSON.stringify(relationship.junction)
        : relationship.constraint;
  return JSON.stringify([table.schema, table.name, foreign.schema, foreign.name, relationship.self, rank, own]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fromKey({ table, foreign, constraint, columns, unique }: ForeignKey): KeyRelationship {
  return {
    kind: unique ? 'one-to-one' : 'many-to-one',
    table,
    foreign,
    self: keyOf(table) === keyOf(foreign),
    constraint,
    columns,
    inverse: false,
    tableIsView: false,
    foreignIsView: false,
  };
}

/** A foreign key from views that show it, to views that show what it refers to, and both. */
function throughViews(key: ForeignKey, viewKeys: ViewKeys): KeyRelationship[] {
  const relationship = fromKey(key);
  const own = viewKeys.ofForeignKey(key.table, key.constraint).flatMap(expand);
  const other = viewKeys.ofReference(key.foreign, key.constraint).flatMap(expand);
  const ownNames = key.columns.map(([name]) => name);
  const otherNames = key.columns.map(([, name]) => name);
  const build = (from: Shown | undefined, to: Shown | undefined): KeyRelationship => {
    const table = from?.view ?? key.table;
    const foreign = to?.view ?? key.foreign;
    return {
      ...relationship,
      table,
      foreign,
      self: from !== undefined && to !== undefined && keyOf(table) === keyOf(foreign),
      columns: ownNames.map((name, nr) => [from?.columns[nr] ?? name, to?.columns[nr] ?? (otherNames[nr] as string)]),
      tableIsView: from !== undefined,
      foreignIsView: to !== undefined,
    };
  };
  return [
    ...own.map((from) => build(from, undefined)),
    ...other.map((to) => build(undefined, to)),
    ...own.flatMap((from) => other.map((to) => build(from, to))),
  ];
}

interface Shown {
  view: Qualified;
  columns: readonly string[];
}

/** One for each choice among the names that a view has for the same column. */
function expand({ view, columns }: { view: Qualified; columns: readonly (readonly string[])[] }): Shown[] {
  let choices: string[][] = [[]];
  for (const names of columns) choices = choices.flatMap((chosen) => names.map((name) => [...chosen, name]));
  return choices.map((chosen) => ({ view, columns: chosen }));
}

function swap(columns: ColumnPairs): ColumnPairs {
  return columns.map(([own, other]) => [other, own]);
}

function invert(relationship: KeyRelationship): KeyRelationship {
  return {
    ...relationship,
    kind: relationship.kind === 'many-to-one' ? 'one-to-many' : 'one-to-one',
    table: relationship.foreign,
    foreign: relationship.table,
    columns: swap(relationship.columns),
    inverse: true,
    tableIsView: relationship.foreignIsView,
    foreignIsView: relationship.tableIsView,
  };
}

/** Between two tables that a third refers to by two keys, which are in its primary key. */
function throughJunctions(
  direct: readonly KeyRelationship[],
  primaryKeys: ReadonlyMap<string, readonly string[]>,
): JunctionRelationship[] {
  const byTable = groupBy(
    direct.filter(({ kind }) => kind === 'many-to-one'),
    ({ table }) => keyOf(table),
  );
  return [...byTable].flatMap(([id, keys]) => {
    const primaryKey = primaryKeys.get(id) ?? [];
    const inside = keys.filter(({ columns }) => columns.every(([own]) => primaryKey.includes(own)));
    return inside.flatMap((one) =>
      inside
        .filter((two) => two.constraint !== one.constraint)
        .map((two): JunctionRelationship => ({
          kind: 'many-to-many',
          table: one.foreign,
          foreign: two.foreign,
          self: keyOf(one.foreign) === keyOf(two.foreign),
          junction: {
            table: one.table,
            constraint1: one.constraint,
            constraint2: two.constraint,
            source: swap(one.columns),
            target: swap(two.columns),
          },
        })),
    );
  });
}
