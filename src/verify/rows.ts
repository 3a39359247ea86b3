import { quoteLiteral } from '../database/quote.ts';
import { conditionsOf, flipConditions } from './policy-conditions.ts';
import type { Model } from './model.ts';
import type { Belonging, Choice, Draft, Reference } from './draft.ts';
import { draftRow, uniqueSets } from './draft.ts';
import { isBridge, newId, newNumber, type Person } from './people.ts';
import { qualifiedName, type RelationRow } from './catalog.ts';
import { solveQuery } from './solve.ts';
import { primaryKey } from './tenancy.ts';

/** One row of the made-up world: who it belongs to and what is in it. */
export interface Row {
  table: RelationRow;
  /** `a`, `b`, `m` (mixed), `h` (A's, of another state), `k` and `l` (of those in both organizations), a person's key, `fresh:a`, `fresh:b`. */
  label: string;
  person: Person;
  draft: Draft;
  /** Which choice each column took; 0 where it has no say. */
  picks: Map<string, number>;
  /** How many rows of the table come before it: rows that may not be alike take different solutions. */
  position: number;
}

export type Rows = ReadonlyMap<string, readonly Row[]>;

/** SQL that stands for the acting user and organization until a probe runs. */
export const actingUser = '@user@';
export const actingOrganization = '@org@';

/** Drafts every row of the world, and for each table the new rows that users will try to add. */
export function draftRows(tables: readonly RelationRow[], people: readonly Person[], model: Model): Map<string, Row[]> {
  const rows = new Map<string, Row[]>();
  const [a, b] = [people[0]!, people[1]!];
  for (const table of tables) {
    const perPerson = isPerPerson(table, model);
    const conditions = isOneEach(table, model) ? new Map<string, string | undefined>() : conditionsOf(table, model);
    const wanted: { label: string; person: Person; belonging: Belonging }[] = [
      ...people.filter((person) => perPerson(person)).map((person) => ({ label: person.key, person, belonging: belongingOf(person, people) })),
      ...(table === model.tenancy.membership?.table ? secondMemberships(people) : []),
      ...(isMixable(table, model) ? bridgeRows(people) : []),
      ...(isMixable(table, model) ? [{ label: 'm', person: a, belonging: { ...belongingOf(a, people), user: quoteLiteral(b.user), other: quoteLiteral(a.user) } }] : []),
      ...(conditions.size === 0 ? [] : [{ label: 'h', person: a, belonging: belongingOf(a, people) }]),
      ...[a, b].map((person) => ({ label: `fresh:${person.key}`, person, belonging: actingBelonging(table, person, people, model) })),
    ];
    rows.set(qualifiedName(table), wanted.map(({ label, person, belonging }, position) => {
      const draft = draftRow(table, model, belonging, newNumber(), label === 'a');
      if (label === 'h') flipConditions(draft, conditions, model);
      return { table, label, person, position, picks: new Map(), draft };
    }));
  }
  return rows;
}

/** Who is in both organizations has a second membership in B's, with the other one's role. */
function secondMemberships(people: readonly Person[]): { label: string; person: Person; belonging: Belonging }[] {
  const bridges = people.filter(({ key }) => isBridge(key));
  return bridges.map((bridge, index) => {
    const person: Person = { ...bridge, key: `${bridge.key}:y`, side: 'b', organization: people[1]!.organization, role: bridges[1 - index]?.role };
    return { label: person.key, person, belonging: belongingOf(person, people) };
  });
}

/** Rows in A's organization that those who are in both made. */
function bridgeRows(people: readonly Person[]): { label: string; person: Person; belonging: Belonging }[] {
  return people.filter(({ key }) => isBridge(key)).map((person, index) => ({ label: 'kl'[index]!, person: people[0]!, belonging: belongingOf(person, people) }));
}

function isPerPerson(table: RelationRow, model: Model): (person: Person) => boolean {
  if (model.tenancy.userTables.has(qualifiedName(table))) return () => true;
  if (table === model.tenancy.membership?.table) return (person) => person.isMember;
  return (person) => person.key === 'a' || person.key === 'b';
}

function belongingOf(person: Person, people: readonly Person[]): Belonging {
  const other = people.find((one) => one.side !== person.side)!;
  return { user: quoteLiteral(person.user), other: quoteLiteral(other.user), organization: quoteLiteral(person.organization) };
}

/** A new row of the one who acts; a new organization has an id of its own. */
function actingBelonging(table: RelationRow, person: Person, people: readonly Person[], model: Model): Belonging {
  const { organizations } = model.tenancy;
  const organization = table === organizations ? newId(table.columns.find(({ name }) => name === primaryKey(table)[0])) : actingOrganization;
  return { ...belongingOf(person, people), user: `'${actingUser}'`, organization: quoteLiteral(organization) };
}

/** Users, organizations and memberships: a row each, and no more. */
function isOneEach(table: RelationRow, model: Model): boolean {
  return table === model.tenancy.organizations || model.tenancy.userTables.has(qualifiedName(table)) || table === model.tenancy.membership?.table;
}

/** A table with several columns that say whose a row is can hold a row that is partly one's and partly another's. */
function isMixable(table: RelationRow, model: Model): boolean {
  return !isOneEach(table, model) && table.columns.filter((column) => model.meaningOf(table, column) !== undefined).length > 1;
}

/** A question to PostgreSQL, and what to do with the answer. */
export interface Question {
  sql: string;
  take(solutions: number[][] | null): void;
}

/** The questions whose answers say which choices satisfy the CHECKs. Rows of a table that may be alike ask once. */
export function questionsOf(rows: Rows): Question[] {
  return [...rows.values()].flatMap((all) => {
    const first = all[0];
    if (first === undefined) return [];
    return first.draft.knots.flatMap((_, index) => (isShared(all, index) ? [ask(first, index, all)] : all.map((row) => ask(row, index, [row]))));
  }).filter((question) => question.sql !== '');
}

/** Rows may be alike in columns that are not unique; the number of a choice means the same for all where all have as many. */
function isShared(all: readonly Row[], index: number): boolean {
  const { columns } = all[0]!.draft.knots[index]!;
  const sizes = (row: Row): string => columns.map((column) => row.draft.choices.get(column.name)?.length).join();
  return !isUnique(all[0]!, index) && all.every((row) => sizes(row) === sizes(all[0]!));
}

function isUnique(row: Row, index: number): boolean {
  return uniqueSets(row.table).some((set) => row.draft.knots[index]!.columns.some((column) => set.includes(column.name)));
}

function ask(row: Row, index: number, takers: readonly Row[]): Question {
  const knot = row.draft.knots[index]!;
  const query = solveQuery(row.draft, knot) ?? '';
  const sql = query.replaceAll(actingUser, row.person.user).replaceAll(actingOrganization, row.person.organization);
  const take = (solutions: number[][] | null): void => {
    for (const taker of takers) {
      const solution = solutions?.[isUnique(row, index) ? taker.position % solutions.length : 0];
      solution?.forEach((pick, at) => taker.picks.set(knot.columns[at]!.name, pick));
    }
  };
  return { sql, take };
}

/** The row's values as SQL, by column; columns that are left to their defaults are not in it. */
export function valuesOf(row: Row, rows: Rows): Map<string, string> {
  const values = new Map<string, string>();
  for (const [column, choices] of row.draft.choices) {
    const value = resolve(choices[row.picks.get(column) ?? 0] ?? choices[0]!, row, rows, 0);
    if (value !== undefined) values.set(column, value);
  }
  return values;
}

function resolve(choice: Choice, row: Row, rows: Rows, depth: number): string | undefined {
  if ('sql' in choice) return choice.sql;
  const target = targetOf(choice.reference, row, rows);
  const choices = target?.draft.choices.get(choice.reference.column);
  if (target === undefined || choices === undefined || depth > 20) return 'NULL';
  return resolve(choices[target.picks.get(choice.reference.column) ?? 0] ?? choices[0]!, target, rows, depth + 1);
}

/** The row that a foreign key points at: the same person's where there is one, else that of the person's side. */
function targetOf(reference: Reference, row: Row, rows: Rows): Row | undefined {
  const all = rows.get(reference.table) ?? [];
  if (reference.table === qualifiedName(row.table)) return row;
  return all.find(({ label }) => label === row.label && !label.startsWith('fresh') && !'mhkl'.includes(label))
    ?? all.find(({ label }) => label === row.person.key) ?? all.find(({ label }) => label === row.person.side);
}

/** What tells the row from all others: its primary key, else another key whose values are known, else all it has. */
export function keyOf(row: Row, values: ReadonlyMap<string, string>): [string, string][] {
  const known = uniqueSets(row.table).find((set) => set.every((column) => values.has(column) && values.get(column) !== 'NULL'));
  const columns = known ?? [...values.keys()].filter((column) => values.get(column) !== 'NULL' && isComparable(row.table, column));
  return columns.map((column) => [column, values.get(column)!]);
}

function isComparable(table: RelationRow, name: string): boolean {
  const base = table.columns.find((column) => column.name === name)?.base ?? '';
  return !/^(json$|xml|point|polygon|box|circle|line|path)/.test(base);
}
