import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { matchesIn, placeAbove } from '../catalog/matched-columns.ts';
import type { JoinedColumn } from '../catalog/joined-by-call.ts';
import type { Model } from '../catalog/model.ts';
import { guestKey, isMember, type Person } from '../fixtures/people.ts';
import { actingEmail, actingUser, memberOf } from '../fixtures/belongings.ts';
import { keyOf, type Row, type Rows, valuesOf } from '../fixtures/rows.ts';
import type { OwnKeys } from '../fixtures/own-keys.ts';
import type { Lookups } from '../fixtures/lookups.ts';
import type { RowState } from '../fixtures/states.ts';
import { seatLabel, stateLabels } from './labels.ts';
import { findSeats } from '../catalog/seats.ts';
import type { Scope } from '../catalog/scope.ts';
import { qualifiedName, relation } from '../../rules/engine/live/catalog.ts';

/** A generated row, as used by the probes. */
export interface KnownRow {
  /** Its state, as a condition: `deleted_at is set`; undefined for an ordinary row. */
  state?: string;
  /** The columns that make the state. */
  columns?: readonly string[];
  /** The columns by which it belongs to a row in a state, if that makes the state. */
  links?: readonly string[];
  /** SQL that puts the row of B's to which B's row belongs by those columns into the state of the one to which this row does. */
  likeParent?: string;
  /** Users may put their own rows there into that state. */
  isParentWritten?: boolean;
  /** A view or a function asks for the state, and may show such rows. */
  isShown?: boolean;
  /** The views and functions that ask for it, by their trees. */
  askedIn?: RowState['askedIn'];
  /** A trigger asks for the state of the row that is written. */
  isFired?: boolean;
  /** The state is that it has no owner, or that the row has none to which it belongs. */
  isOwnerless?: boolean;
  /** The ID of the user whom the row is about, if that user acts too: a member, or a guest. */
  holder?: string;
  values: ReadonlyMap<string, string>;
  key: [string, string][];
}

/** A value of A's for a column that no foreign key holds: it names a row of A to whatever runs with the write. */
export interface AimedValue {
  column: string;
  sql: string;
}

/** Something that is read and written like a table: a table, a view over one, a Storage bucket. */
export interface Subject {
  /** Its name in the report. */
  name: string;
  kind: 'table' | 'view' | 'bucket';
  /** Quoted, for SQL. */
  into: string;
  /** The underlying table. */
  table: RelationRow;
  /** The relation that is written to, whose privileges, rules and triggers count. */
  grants: Pick<RelationRow, 'grants' | 'columnGrants' | 'rules' | 'triggers'>;
  /** The columns of the underlying table that it includes. */
  columns: ColumnRow[];
  scope: Scope;
  /** Name of the state that shows which rows changed. */
  state: string;
  /**
   * A's row and B's; if they exist, one that is partly A's and partly B's (m), some of A's in other states, and two in
   * A's organization that were created by members of both organizations (k, l).
   */
  rows: {
    a: KnownRow;
    b: KnownRow;
    m: KnownRow | undefined;
    states: KnownRow[];
    k: KnownRow | undefined;
    l: KnownRow | undefined;
    /** It lets a guest into what is A's. */
    g: KnownRow | undefined;
  };
  /** New rows of the acting user: on A's side, on B's side. */
  fresh: { a: KnownRow; b: KnownRow };
  /** The owner columns, with their values for A and for B, and for the acting user if that is known. */
  belongs: { column: string; a: string; b: string; own: string | undefined }[];
  /** Values of rows that its columns are compared with: A's, a stranger's own, those that were there before. */
  joined: readonly [column: string, value: string][];
  /** The keys of lookup tables that its columns may refer to, with the texts in the rows of those. */
  lookups: readonly { column: string; value: string; texts: readonly string[] }[];
  /** Values that make its triggers reach for rows of A; and SQL that finds those first that the database made. */
  aims: readonly AimedValue[];
  prepareAims: string | undefined;
  /** SQL of the IDs of A, of B, and of a user who has no membership yet. */
  users: { a: string; b: string; newcomer: string };
  /** SQL of what a membership would join to an organization for the acting user, and for the one who has none yet. */
  members: { acting: string; newcomer: string };
  /** For a bucket: SQL of the name of another bucket, to which an object might be moved. */
  elsewhere: string | undefined;
  /** SQL that removes rows of other subjects before a statement without WHERE, which would affect those too. */
  prepare: string | undefined;
  /** It is read-only: a view that PostgreSQL cannot write through. */
  isReadOnly: boolean;
  /** A view over several tables that triggers write: what is read there is searched as a whole. */
  isWrittenOnly?: true;
  /** It is the table of organizations. */
  isTenants: boolean;
  /** The table is too large to be changed entirely. */
  isLarge: boolean;
}

/**
 * Tables with more rows than this are not read or changed entirely: it would be rolled back, but would take too long.
 */
export const largeTable = 10_000;

/** Creates the subject of a table; undefined if there is no generated row in it. */
export function subjectOf(
  table: RelationRow,
  scope: Scope,
  { rows, people, lookups, ownKeys }: { rows: Rows; people: readonly Person[]; lookups: Lookups; ownKeys: OwnKeys },
  model: Model,
): Subject | undefined {
  const name = `${table.schema}.${table.name}`;
  const known = (label: string): KnownRow | undefined => {
    const row = rows.get(name)?.find((one: Row) => one.label === label);
    return row === undefined
      ? undefined
      : { ...knownRow(row, rows), ...(scope.parent === undefined ? {} : likeParent(row, rows, model)) };
  };
  // A row under the key of another was not made: it would stand for that one.
  const further = (label: string): KnownRow | undefined => {
    const row = known(label);
    const isTaken = [a, b].some((one) => row !== undefined && one !== undefined && isSameKey(one.key, row.key));
    return isTaken ? undefined : row;
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
      m: mixed(further('m'), people),
      states: [...stateLabels.flatMap((label) => further(label) ?? []), ...membersOf(table, rows, model)].slice(
        0,
        stateLabels.length,
      ),
      k: made(further('k')),
      l: made(further('l')),
      g: seat(
        further(seatLabel),
        people,
        findSeats(model).some((one) => one.table === table),
      ),
    },
    fresh: { a: freshA, b: freshB },
    belongs: scope.columns.map((column) => ({
      column,
      a: a.values.get(column) ?? 'NULL',
      b: b.values.get(column) ?? 'NULL',
      own: isDirect ? (ownKeys.get(table)?.get(column) ?? ownValue(table, column, model)) : undefined,
    })),
    joined: joinedValues(table, rows, model),
    lookups: lookupKeys(table, lookups),
    aims: [],
    prepareAims: undefined,
    users: { a: idOf(0), b: idOf(1), newcomer: idOf(2) },
    members: {
      acting: memberOf(quoteLiteral(actingUser), people, model),
      newcomer: quoteLiteral(people[2]!.member),
    },
    elsewhere: undefined,
    prepare: undefined,
    isReadOnly: false,
    isTenants: table === model.tenancy.organizations,
    isLarge: table.rows > largeTable,
  };
}

function isSameKey(one: KnownRow['key'], other: KnownRow['key']): boolean {
  return one.length > 0 && JSON.stringify(one) === JSON.stringify(other);
}

function knownRow(row: Row, rows: Rows): KnownRow {
  const values = valuesOf(row, rows);
  return {
    values,
    key: keyOf(row, values),
    ...(row.state === undefined
      ? {}
      : {
          state: row.state.text,
          columns: row.state.by === 'values' ? [...row.state.values.keys()] : [],
          links: row.state.by === 'parent' ? [...row.state.values.keys()] : [],
          isShown: row.state.isShown,
          askedIn: row.state.askedIn,
          isFired: row.state.isFired,
          isOwnerless: row.state.by === 'no owner' || row.state.isBelowNobody === true,
        }),
  };
}

/** What puts B's parent into the state of the row to which a row in a state belongs, which is a state of values. */
function likeParent({ table, state }: Row, rows: Rows, model: Model): Pick<KnownRow, 'likeParent' | 'isParentWritten'> {
  const b = rows.get(qualifiedName(table))?.find(({ label }) => label === 'b');
  const statements = [...(state?.by === 'parent' ? state.values : [])].flatMap(([column, choice]) => {
    if (b === undefined || !('reference' in choice)) return [];
    const { reference } = choice;
    const parent = rows.get(reference.table)?.find(({ label }) => label === reference.label);
    const value = valuesOf(b, rows).get(column) ?? 'NULL';
    if (parent?.state?.by !== 'values' || value === 'NULL') return [];
    const held = valuesOf(parent, rows);
    const set = [...parent.state.values.keys()].map(
      (name) => `${quoteIdentifier(name)} = ${held.get(name) ?? 'default'}`,
    );
    const { grants, columnGrants } = parent.table;
    const isWritten = [...parent.state.values.keys()].every((name) =>
      (['I', 'U'] as const).some(
        (letter) =>
          grants[model.userRole]?.includes(letter) === true ||
          columnGrants[model.userRole]?.[letter]?.includes(name) === true,
      ),
    );
    const sql = `update ${relation(parent.table)} set ${set.join(', ')} where ${condition([[reference.column, value]])};`;
    return [{ sql, isWritten }];
  });
  return statements.length === 0
    ? {}
    : {
        likeParent: `do $muse_state$ begin ${statements.map(({ sql }) => sql).join(' ')} exception when others then null; end $muse_state$`,
        isParentWritten: statements.every(({ isWritten }) => isWritten),
      };
}

/** The memberships in A's organization with another role than A's: to policies that read the role, those are other states. */
function membersOf(table: RelationRow, rows: Rows, { tenancy: { membership } }: Model): KnownRow[] {
  const role = membership?.role;
  if (table !== membership?.table || role === undefined) return [];
  const all = rows.get(qualifiedName(table)) ?? [];
  const ofA = all.find(({ label }) => label === 'a')?.person.role;
  return all
    .filter(({ label, person }) => label === person.key && isMember(label) && person.role !== ofA)
    .toReversed()
    .map((row) => ({
      ...knownRow(row, rows),
      state: `${role} = ${quoteLiteral(membership.values?.get(row.person.role ?? '') ?? row.person.role ?? '')}`,
      holder: row.person.user,
    }));
}

/** Letters of the rows that are about that user. */
export function heldBy(user: string, subject: Subject): string {
  return labelledRows(subject)
    .filter(([, { holder }]) => holder === user)
    .map(([label]) => label)
    .join('');
}

/** The acting user's value for an owner column. */
function ownValue(table: RelationRow, name: string, model: Model): string {
  const column = table.columns.find((one) => one.name === name);
  return column !== undefined && model.meaningOf(table, column) === 'email' ? actingEmail : `'${actingUser}'`;
}

/** The user of a row that is partly A's and partly B's is B. */
function mixed(row: KnownRow | undefined, people: readonly Person[]): KnownRow | undefined {
  return row === undefined ? undefined : { ...row, holder: people[1]!.user };
}

/** A seat is the guest's; a row that lists its guests is its owner's. */
function seat(row: KnownRow | undefined, people: readonly Person[], isGuests: boolean): KnownRow | undefined {
  const guest = people.find(({ key }) => key === guestKey);
  return row === undefined || guest === undefined
    ? undefined
    : { ...row, state: 'it lets a guest in', ...(isGuests ? { holder: guest.user } : {}) };
}

function made(row: KnownRow | undefined): KnownRow | undefined {
  return row === undefined ? undefined : { ...row, state: 'a member of both organizations created it' };
}

/** The query that detects changes of the subject's rows: each row's location, and the number of A's rows. */
export function stateQuery(subject: Subject): string {
  const into = relation(subject.table);
  const labels = labelledRows(subject);
  const where = labels.map(([, row]) => `(${condition(row.key)})`).join(' or ');
  const owned = subject.belongs.length === 0 || subject.isLarge ? 'true' : ownedByA(subject);
  const count = subject.isLarge ? '' : `|| '#' || (select count(*) from ${into} where ${owned})`;
  return (
    `select coalesce((select string_agg(label || place, ';' order by label) from (select ${labelCase(labels)} as ` +
    `label, ctid::text as place from ${into} where ${where}) as r), '') ${count}`
  );
}

/** The condition that a row is A's: below A's ordinary row, or below one of A's in another state, as a comment on a draft. */
function ownedByA({ belongs, scope, rows }: Subject): string {
  const below =
    scope.parent === undefined ? [] : rows.states.filter((row) => !row.isOwnerless && isBelow(row, belongs));
  const owners = [
    belongs.map(({ column, a }) => [column, a] as [string, string]),
    ...below.map(({ values }) => belongs.map(({ column }): [string, string] => [column, values.get(column)!])),
  ];
  return [...new Set(owners.map(condition))].join(' or ');
}

function isBelow({ links = [], values }: KnownRow, belongs: Subject['belongs']): boolean {
  return belongs.every(({ column }) => links.includes(column) && values.has(column));
}

/** The rows that every read of the subject distinguishes, with their one-letter names. */
export function labelledRows(subject: Subject): [string, KnownRow][] {
  const { a, b, m, states, k, l, g } = subject.rows;
  const extras: [string, KnownRow | undefined][] = [
    ['m', m],
    ...states.map((row, index): [string, KnownRow] => [stateLabels[index]!, row]),
    ['k', k],
    ['l', l],
    [seatLabel, g],
  ];
  return [['a', a], ['b', b], ...extras.filter((one): one is [string, KnownRow] => one[1] !== undefined)];
}

/** CASE expression for a row's letter. */
export function labelCase(labels: readonly [string, KnownRow][]): string {
  return `case ${labels.map(([label, row]) => `when ${condition(row.key)} then '${label}'`).join(' ')} end`;
}

/** A condition over quoted columns. */
export function condition(pairs: readonly [string, string][]): string {
  return pairs.length === 0
    ? 'false'
    : pairs.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(' and ');
}

/** Where each row is in a state, by its letter. */
function placesIn(state: string): Map<string, string> {
  return new Map(
    (state.split('#')[0] ?? '')
      .split(';')
      .filter((part) => part !== '')
      .map((part) => [part[0]!, part.slice(1)]),
  );
}

/** Says whether the row of that letter is there in a state. */
export function holdsRow(state: string, label: string): boolean {
  return placesIn(state).has(label);
}

/** Letters of the rows whose location changed. */
export function changedRows(before: string, after: string): string {
  if (before === after) return '';
  const [then, now] = [placesIn(before), placesIn(after)];
  return [...then]
    .filter(([label, place]) => now.get(label) !== place)
    .map(([label]) => label)
    .join('');
}

/** Returns whether the number of A's (or X's) rows changed. */
export function countChanged(before: string, after: string): boolean {
  return before.split('#')[1] !== after.split('#')[1];
}

/** The columns that hold users' ids. */
export function userColumnsOf(subject: Subject, model: Model): string[] {
  return subject.columns
    .filter((column) => model.meaningOf(subject.table, column) === 'user')
    .map((column) => column.name);
}

/** The columns on which the role has a privilege. */
export function grantedColumns(subject: Subject, role: string, letter: 'S' | 'I' | 'U', model: Model): ColumnRow[] {
  if (subject.grants.grants[role]?.includes(letter) === true || model.catalog.roles[role]?.superuser === true)
    return subject.columns;
  const names = subject.grants.columnGrants[role]?.[letter] ?? [];
  return subject.columns.filter((column) => names.includes(column.name));
}

/** A's row, the stranger's own, and one that it adds; beside those in other states. */
const reachable: ReadonlySet<string> = new Set(['a', 'b', 'fresh:b']);

function lookupKeys({ constraints }: RelationRow, lookups: Lookups): Subject['lookups'][number][] {
  return constraints
    .filter(({ type, columns }) => type === 'f' && columns.length === 1)
    .flatMap(({ columns, target, targetColumns }) =>
      (lookups.get(target ?? '') ?? []).flatMap((row) => {
        const text = row[targetColumns?.[0] ?? ''] ?? null;
        const texts = Object.values(row).filter((one) => one !== null);
        return text === null ? [] : [{ column: columns[0]!, value: quoteLiteral(text), texts }];
      }),
    );
}

function isChangedByCalls(name: string, { catalog, dependencies, userRole }: Model): boolean {
  return catalog.functions.some(
    (routine) =>
      routine.kind !== 't' &&
      routine.execute.includes(userRole) &&
      dependencies.isReadable(routine) &&
      dependencies.writtenBy(routine).has(name),
  );
}

function joinedValues(table: RelationRow, rows: Rows, model: Model): [string, string][] {
  const ofA = rows.get(qualifiedName(table))?.find(({ label }) => label === 'a');
  const matched = [...new Set(matchesIn(model).flatMap(({ of, by }) => (of === table ? [by.name] : [])))];
  return [
    ...joinedBy(table, rows, model),
    ...matched.flatMap((name): [string, string][] => {
      const value = ofA === undefined ? undefined : valuesOf(ofA, rows).get(name);
      if (value === undefined || value === 'NULL') return [];
      const column = table.columns.find((one) => one.name === name);
      const above = column === undefined ? undefined : placeAbove(column, value);
      return [[name, value], ...(above === undefined ? [] : [[name, above] as [string, string]])];
    }),
  ];
}

/** JSON, as SQL, that has a value at a place. */
function documentWith(path: readonly string[], value: string): string {
  return path.reduceRight((inner, key) => `jsonb_build_object(${quoteLiteral(key)}, ${inner})`, value);
}

function otherColumn({ table, to }: JoinedColumn, { tables }: Model): ColumnRow | undefined {
  return tables.get(table)?.columns.find(({ name }) => name === to);
}

function joinedBy(table: RelationRow, rows: Rows, model: Model): [string, string][] {
  return model.dependencies.decidingColumns(qualifiedName(table)).joined.flatMap((join) =>
    (rows.get(join.table) ?? [])
      .filter(({ label, state }) =>
        join.isText === true
          ? label === 'a' || (state !== undefined && state.by !== 'parent' && isChangedByCalls(join.table, model))
          : reachable.has(label) || state !== undefined,
      )
      .flatMap((row): [string, string][] => {
        const value = valuesOf(row, rows).get(join.to);
        if (value === undefined || value === 'NULL') return [];
        const whole = join.before === undefined ? value : `${quoteLiteral(join.before)} || ${value}`;
        const column = table.columns.find(({ name }) => name === join.column);
        if (join.path !== undefined) return [[join.column, documentWith(join.path, whole)]];
        const isOne = otherColumn(join, model)?.category !== 'A';
        if (join.isList === true || (column?.category === 'A' && isOne))
          return [[join.column, `array[${whole}]${column === undefined || join.isList ? '' : `::${column.base}`}`]];
        return [
          [join.column, whole],
          ...(join.anyCase === true ? [[join.column, `upper(${whole})`] as [string, string]] : []),
        ];
      }),
  );
}
