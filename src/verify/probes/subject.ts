import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import type { Model } from '../catalog/model.ts';
import type { Person } from '../fixtures/people.ts';
import { actingEmail, actingUser, keyOf, type Row, type Rows, valuesOf } from '../fixtures/rows.ts';
import { stateLabels } from './labels.ts';
import type { Scope } from '../catalog/scope.ts';
import { relation } from '../../rules/engine/live/catalog.ts';

/** A row of the world as the probes know it. */
export interface KnownRow {
  /** What is special about it, as a condition: `deleted_at is set`; undefined for an ordinary row. */
  state?: string;
  values: ReadonlyMap<string, string>;
  key: [string, string][];
}

/** Something that is read and written as a table: a table, a view over one, a bucket of the storage. */
export interface Subject {
  /** As the report names it. */
  name: string;
  kind: 'table' | 'view' | 'bucket';
  /** Quoted, for SQL. */
  into: string;
  /** The table behind it. */
  table: RelationRow;
  /** What is written to: where privileges, rules and triggers are looked up. */
  grants: Pick<RelationRow, 'grants' | 'columnGrants' | 'rules' | 'triggers'>;
  /** Columns that it has, of those of the table behind it. */
  columns: ColumnRow[];
  scope: Scope;
  /** Name of the state that tells which rows changed. */
  state: string;
  /**
   * A's row and B's; where there are such, one that is partly A's and partly B's (m), some of A's in other states, and two
   * in A's organization that were made by those who are in B's as well (k, l).
   */
  rows: {
    a: KnownRow;
    b: KnownRow;
    m: KnownRow | undefined;
    states: KnownRow[];
    k: KnownRow | undefined;
    l: KnownRow | undefined;
  };
  /** New rows of the one who acts: among A's rows, among B's. */
  fresh: { a: KnownRow; b: KnownRow };
  /** The columns that say whose a row is: what they are for A and for B, and for whoever acts where that can be said. */
  belongs: { column: string; a: string; b: string; own: string | undefined }[];
  /** SQL of the ids of A, of B, and of a user who has no row in the memberships yet. */
  users: { a: string; b: string; newcomer: string };
  /** Of a bucket: SQL of the name of another one, to which an object might be moved. */
  elsewhere: string | undefined;
  /** SQL that makes room before a statement without WHERE, which would meet rows of other subjects too. */
  prepare: string | undefined;
  /** It can only be read: a view that PostgreSQL cannot write through. */
  isReadOnly: boolean;
  /** It is the table of organizations. */
  isTenants: boolean;
  /** The table is too large to be changed as a whole. */
  isLarge: boolean;
}

/** Tables with more rows than this are not read or changed as a whole: it would be undone, but it would take its time. */
export const largeTable = 10_000;

/** Makes the subject of a table; undefined where the world has no row of it. */
export function subjectOf(
  table: RelationRow,
  scope: Scope,
  rows: Rows,
  people: readonly Person[],
  model: Model,
): Subject | undefined {
  const name = `${table.schema}.${table.name}`;
  const known = (label: string): KnownRow | undefined => {
    const row = rows.get(name)?.find((one: Row) => one.label === label);
    if (row === undefined) return undefined;
    const values = valuesOf(row, rows);
    return { values, key: keyOf(row, values), ...(row.state === undefined ? {} : { state: row.state }) };
  };
  const idOf = (index: number): string => quoteLiteral(people[index]!.user);
  const [a, b, freshA, freshB] = [known('a'), known('b'), known('fresh:a'), known('fresh:b')];
  if (a === undefined || b === undefined || freshA === undefined || freshB === undefined) return undefined;
  const isDirect = scope.owner === 'user' && scope.parent === undefined;
  return {
    name,
    kind: 'table',
    into: relation(table),
    table,
    grants: table,
    columns: table.columns.filter((column) => !column.generated),
    scope,
    state: name,
    rows: {
      a,
      b,
      m: known('m'),
      states: stateLabels.flatMap((label) => known(label) ?? []),
      k: made(known('k')),
      l: made(known('l')),
    },
    fresh: { a: freshA, b: freshB },
    belongs: scope.columns.map((column) => ({
      column,
      a: a.values.get(column) ?? 'NULL',
      b: b.values.get(column) ?? 'NULL',
      own: isDirect ? ownValue(table, column, model) : undefined,
    })),
    users: { a: idOf(0), b: idOf(1), newcomer: idOf(2) },
    elsewhere: undefined,
    prepare: undefined,
    isReadOnly: false,
    isTenants: table === model.tenancy.organizations,
    isLarge: table.rows > largeTable,
  };
}

/** What whoever acts puts into the column that says whose a row is. */
function ownValue(table: RelationRow, name: string, model: Model): string {
  const column = table.columns.find((one) => one.name === name);
  return column !== undefined && model.meaningOf(table, column) === 'email' ? actingEmail : `'${actingUser}'`;
}

function made(row: KnownRow | undefined): KnownRow | undefined {
  return row === undefined ? undefined : { ...row, state: 'a member of both organizations made it' };
}

/** The query from which a change of the subject's rows can be told: where each row is, and how many A has in all. */
export function stateQuery(subject: Subject): string {
  const into = relation(subject.table);
  const labels = labelledRows(subject);
  const where = labels.map(([, row]) => `(${condition(row.key)})`).join(' or ');
  const owned =
    subject.belongs.length === 0 || subject.isLarge
      ? 'true'
      : condition(subject.belongs.map(({ column, a }) => [column, a]));
  const count = subject.isLarge ? '' : `|| '#' || (select count(*) from ${into} where ${owned})`;
  return `select coalesce((select string_agg(label || place, ';' order by label) from (select ${labelCase(labels)} as label, ctid::text as place from ${into} where ${where}) as r), '') ${count}`;
}

/** The rows that every look at the subject tells apart, with their one-letter names. */
export function labelledRows(subject: Subject): [string, KnownRow][] {
  const { a, b, m, states, k, l } = subject.rows;
  const extras: [string, KnownRow | undefined][] = [
    ['m', m],
    ...states.map((row, index): [string, KnownRow] => [stateLabels[index]!, row]),
    ['k', k],
    ['l', l],
  ];
  return [['a', a], ['b', b], ...extras.filter((one): one is [string, KnownRow] => one[1] !== undefined)];
}

/** CASE that gives a row its letter. */
export function labelCase(labels: readonly [string, KnownRow][]): string {
  return `case ${labels.map(([label, row]) => `when ${condition(row.key)} then '${label}'`).join(' ')} end`;
}

/** A condition over quoted columns. */
export function condition(pairs: readonly [string, string][]): string {
  return pairs.length === 0
    ? 'false'
    : pairs.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(' and ');
}

/** Letters of the rows that are not where they were. */
export function changedRows(before: string, after: string): string {
  if (before === after) return '';
  const parse = (state: string): Map<string, string> =>
    new Map(
      (state.split('#')[0] ?? '')
        .split(';')
        .filter((part) => part !== '')
        .map((part) => [part[0]!, part.slice(1)]),
    );
  const [then, now] = [parse(before), parse(after)];
  return [...then]
    .filter(([label, place]) => now.get(label) !== place)
    .map(([label]) => label)
    .join('');
}

/** Says whether A (or X) has another number of rows than before. */
export function countChanged(before: string, after: string): boolean {
  return before.split('#')[1] !== after.split('#')[1];
}

/** The columns on which the role has a privilege. */
export function grantedColumns(subject: Subject, role: string, letter: 'S' | 'I' | 'U', model: Model): ColumnRow[] {
  if (subject.grants.grants[role]?.includes(letter) === true || model.catalog.roles[role]?.superuser === true)
    return subject.columns;
  const names = subject.grants.columnGrants[role]?.[letter] ?? [];
  return subject.columns.filter((column) => names.includes(column.name));
}
