import { quoteLiteral } from '../database/quote.ts';
import { candidatesFor, type Hints, hintsOf, markText } from './candidates.ts';
import type { ColumnRow, ConstraintRow, RelationRow } from './catalog.ts';
import type { Model } from './model.ts';
import { newId } from './people.ts';
import { primaryKey } from './tenancy.ts';

/** Where a value comes from when it is no literal: resolved when all rows have theirs. */
export interface Reference {
  table: string;
  column: string;
}

/** One choice for a column: SQL, or a column of the row that a foreign key points at. */
export type Choice = { sql: string } | { reference: Reference };

/** What a row's columns may be given, the first choice first. A column without an entry is left to its default. */
export interface Draft {
  table: RelationRow;
  choices: Map<string, Choice[]>;
  /** Columns that CHECKs tie together, with those CHECKs: to be solved by PostgreSQL. */
  knots: Knot[];
}

export interface Knot {
  columns: ColumnRow[];
  checks: string[];
}

/** The ids that a row's user and organization columns get. */
export interface Belonging {
  /** SQL of the user's id; of another user's for columns that must differ; of the organization's id. */
  user: string;
  other: string;
  organization: string;
}

/** Drafts one row. `seed` makes its unique texts and numbers its own; `isFirst` says that it is A's. */
export function draftRow(table: RelationRow, model: Model, belonging: Belonging, seed: number, isFirst: boolean): Draft {
  const knots = findKnots(table);
  const choices = new Map<string, Choice[]>();
  for (const column of table.columns) {
    if (column.generated) continue;
    const drafted = choicesFor(column, table, model, belonging, { seed, isFirst }, knots);
    if (drafted.length > 0) choices.set(column.name, drafted);
  }
  return { table, choices, knots };
}

const nothing: Choice = { sql: 'NULL' };
const noHints: Hints = { texts: [], numbers: [], patterns: [] };

function choicesFor(
  column: ColumnRow, table: RelationRow, model: Model, belonging: Belonging, own: { seed: number; isFirst: boolean }, knots: readonly Knot[],
): Choice[] {
  const orNothing = column.notNull ? [] : [nothing];
  const meaning = model.meaningOf(table, column);
  if (meaning === 'user') return [{ sql: belonging.user }, { sql: belonging.other }, ...orNothing];
  if (meaning === 'organization') return [{ sql: belonging.organization }, ...orNothing];
  const key = foreignKeyWith(table, column.name);
  if (key !== undefined) return followKey(key, column, table, orNothing);
  const knot = knots.find((one) => one.columns.includes(column));
  const isUnique = uniqueSets(table).some((set) => set.includes(column.name)) || isReferred(table, column, model);
  if (knot === undefined) return freeChoice(column, isUnique, own);
  const hints = hintsOf(knot.checks.map((check) => model.parse(check)));
  const values = candidatesFor(column, hints, own.seed, own.isFirst).map((sql) => ({ sql }));
  const byDefault = column.default === null || isUnique || column.default.includes('nextval') ? [] : [{ sql: column.default }];
  return [...byDefault, ...values, ...orNothing];
}

/** A column that no CHECK ties: given a value where it must have one, or where it helps to tell rows apart. */
function freeChoice(column: ColumnRow, isUnique: boolean, { seed, isFirst }: { seed: number; isFirst: boolean }): Choice[] {
  if (column.default?.includes('nextval') === true || column.identity !== '') return [{ sql: quoteLiteral(newId(column)) }];
  if (isUnique && /^(uuid|smallint|integer|bigint|numeric)/.test(column.base)) return [{ sql: quoteLiteral(newId(column)) }];
  if (column.category === 'S' && column.labels === null && (isUnique || column.default === null)) {
    const secret = /hash|digest/.test(column.name) && isFirst ? candidatesFor(column, noHints, seed, true).slice(0, 1) : [];
    const fitting = [...secret, ...candidatesFor(column, noHints, seed).filter((sql) => sql.includes(markText(seed)))];
    return [{ sql: fitting[0] ?? candidatesFor(column, { ...noHints, numbers: [2, 1] }, seed)[0] ?? "''" }];
  }
  if (!column.notNull || (column.default !== null && !isUnique)) return [];
  return candidatesFor(column, noHints, seed).slice(0, 1).map((sql) => ({ sql }));
}

function followKey(key: ConstraintRow, column: ColumnRow, table: RelationRow, orNothing: Choice[]): Choice[] {
  const target = key.targetColumns?.[key.columns.indexOf(column.name)];
  if (key.target === null || target === undefined) return orNothing;
  // A row that must point at its own table points at itself; where it need not, it points nowhere.
  if (key.target === `${table.schema}.${table.name}` && !column.notNull) return [nothing];
  return [{ reference: { table: key.target, column: target } }, ...orNothing];
}

/** The foreign key that decides the column's value: one over it alone before one over several. */
function foreignKeyWith(table: RelationRow, column: string): ConstraintRow | undefined {
  return table.constraints.filter((key) => key.type === 'f' && key.columns.includes(column))
    .sort((a, b) => a.columns.length - b.columns.length)[0];
}

/** Sets of columns that are unique together: keys, constraints and whole indexes. */
export function uniqueSets(table: RelationRow): string[][] {
  const byIndex = table.indexes.filter((index) => index.unique && index.columns.every((name) => name !== null));
  return [primaryKey(table), ...byIndex.map((index) => index.columns as string[])].filter((set) => set.length > 0);
}

/** Says whether a foreign key points at the column: then its value has to be known. */
function isReferred(table: RelationRow, column: ColumnRow, model: Model): boolean {
  const name = `${table.schema}.${table.name}`;
  return [...model.tables.values()].some((other) =>
    other.constraints.some((key) => key.target === name && key.targetColumns?.includes(column.name) === true));
}

/** CHECKs and domains of the table, gathered by the columns that they tie together. */
function findKnots(table: RelationRow): Knot[] {
  let knots: Knot[] = table.columns.filter((column) => column.domainChecks !== null).map((column) => ({ columns: [column], checks: column.domainChecks! }));
  for (const check of table.constraints.filter((one) => one.type === 'c' && one.expression !== null)) {
    const own = table.columns.filter((column) => check.columns.includes(column.name) && !column.generated);
    const touching = knots.filter((knot) => knot.columns.some((column) => own.includes(column)));
    knots = knots.filter((knot) => !touching.includes(knot));
    const columns = [...new Set([...own, ...touching.flatMap((knot) => knot.columns)])];
    if (columns.length > 0) knots.push({ columns, checks: [check.expression!, ...touching.flatMap((knot) => knot.checks)] });
  }
  return knots;
}
