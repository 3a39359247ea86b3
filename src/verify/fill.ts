import { quoteIdentifier } from '../database/quote.ts';
import { qualifiedName, type RelationRow } from './catalog.ts';
import { uniqueSets } from './draft.ts';
import type { FillOrder } from './fill-order.ts';
import type { Model } from './model.ts';
import { claimsOf } from './people.ts';
import { keyOf, type Row, type Rows, valuesOf } from './rows.ts';
import type { FillStep } from './script.ts';
import { relation } from './sql.ts';

/** A step of the fill and the row that it is for. */
export interface RowStep extends FillStep {
  rows: Row[];
}

/** The statements that put the world's rows in, in order, ending with the columns that had to wait. */
export function fillSteps(rows: Rows, order: FillOrder, model: Model): RowStep[] {
  const steps: RowStep[] = [];
  const patches: RowStep[] = [];
  for (const group of order.groups) {
    for (const label of new Set(group.flatMap((table) => rowsOf(table, rows).map((row) => row.label)))) {
      const members = group.flatMap((table) => rowsOf(table, rows).filter((row) => row.label === label));
      steps.push(members.length === 1 ? oneRow(members[0]!, rows, order, model) : cycle(members, rows));
      patches.push(...members.flatMap((row) => patch(row, rows, order)));
    }
  }
  return [...steps, ...patches];
}

function rowsOf(table: RelationRow, rows: Rows): Row[] {
  return (rows.get(qualifiedName(table)) ?? []).filter((row) => !row.label.startsWith('fresh'));
}

function oneRow(row: Row, rows: Rows, order: FillOrder, model: Model): RowStep {
  const values = valuesOf(row, rows);
  for (const column of order.later.get(qualifiedName(row.table)) ?? []) values.set(column, 'NULL');
  for (const [column, value] of extras(row, model)) values.set(column, value);
  const insert = insertSql(relation(row.table), row, values);
  return {
    rows: [row],
    settings: claimsOf(row.person),
    sql: [insert, minimal(row, values), ...adoptions(row, values)],
    force: { table: relation(row.table), sql: insert },
  };
}

/** What a user or a membership needs beyond what its columns demand: an address, a role. */
function extras(row: Row, model: Model): [string, string][] {
  const found: [string, string][] = [];
  const { membership, users } = model.tenancy;
  if (row.table === membership?.table && membership.role !== undefined && row.person.role !== undefined) {
    found.push([membership.role, `'${row.person.role.replaceAll("'", "''")}'`]);
  }
  // An address in A's row is A's own: a function may look for it among the users.
  const email = row.table.columns.find((column) => column.name === 'email' && column.category === 'S' && !column.generated);
  if (email !== undefined && (row.label === 'a' || row.label === 'b')) found.push([email.name, `'${row.person.email}'`]);
  if (row.table === users && users.schema === 'auth') {
    const known: Record<string, string> = { email: `'${row.person.email}'`, aud: "'authenticated'", role: "'authenticated'", created_at: 'now()', updated_at: 'now()', raw_app_meta_data: "'{}'", raw_user_meta_data: "'{}'" };
    for (const column of users.columns) if (known[column.name] !== undefined && !column.generated) found.push([column.name, known[column.name]!]);
  }
  return found;
}

/** INSERT of a row; identity columns take the value that is given, so that no sequence moves. */
export function insertSql(into: string, row: { table: RelationRow }, values: ReadonlyMap<string, string>): string {
  const overriding = row.table.columns.some((column) => column.identity === 'a' && values.has(column.name)) ? ' overriding system value' : '';
  if (values.size === 0) return `insert into ${into} default values`;
  return `insert into ${into} (${[...values.keys()].map(quoteIdentifier).join(', ')})${overriding} values (${[...values.values()].join(', ')}) on conflict do nothing`;
}

/** The row with nothing but what it must have, for tables whose triggers mind the rest. */
function minimal(row: Row, values: ReadonlyMap<string, string>): string {
  const needed = new Set(row.table.columns.filter((column) => column.notNull && column.default === null).map(({ name }) => name));
  const keys = new Set([...keyOf(row, values)].map(([name]) => name));
  return insertSql(relation(row.table), row, new Map([...values].filter(([name]) => needed.has(name) || keys.has(name))));
}

/** A trigger, or the kit's own data, may have made the row already: it is found by its key, or given ours. */
function adoptions(row: Row, values: ReadonlyMap<string, string>): string[] {
  const key = keyOf(row, values);
  const present = `select 1 from ${relation(row.table)} where ${equal(key)}`;
  const keyColumns = new Set(key.map(([name]) => name));
  const others = uniqueSets(row.table)
    .filter((set) => set.every((name) => values.has(name) && values.get(name) !== 'NULL') && !set.every((name) => keyColumns.has(name)))
    .map((set) => `update ${relation(row.table)} set ${list(key)} where ${equal(set.map((name) => [name, values.get(name)!]))}`);
  return [present, ...others];
}

function list(pairs: readonly [string, string][]): string {
  return pairs.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ');
}

/** A condition that all the columns have these values. */
function equal(pairs: readonly [string, string][]): string {
  return pairs.length === 0 ? 'false' : pairs.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(' and ');
}

/** Rows that point at each other and may not be null: one statement, since foreign keys are looked at when it ends. */
function cycle(members: Row[], rows: Rows): RowStep {
  const inserts = members.map((row) => insertSql(relation(row.table), row, valuesOf(row, rows)));
  const parts = inserts.slice(0, -1).map((sql, index) => `muse_${index} as (${sql})`);
  return { rows: members, settings: claimsOf(members[0]!.person), sql: [`with ${parts.join(', ')} ${inserts.at(-1)}`] };
}

function patch(row: Row, rows: Rows, order: FillOrder): RowStep[] {
  const values = valuesOf(row, rows);
  const columns = [...(order.later.get(qualifiedName(row.table)) ?? [])].filter((name) => (values.get(name) ?? 'NULL') !== 'NULL');
  if (columns.length === 0) return [];
  const sql = `update ${relation(row.table)} set ${list(columns.map((name) => [name, values.get(name)!]))} where ${equal(keyOf(row, values))}`;
  return [{ rows: [row], settings: claimsOf(row.person), sql: [sql] }];
}
