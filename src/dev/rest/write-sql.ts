import { quoteIdentifier } from '../../shared/quote.ts';
import { bodyName, bodySql, type BodyColumn } from './body-sql.ts';
import type { Table } from './catalog.ts';
import { conditionSql } from './expressions.ts';
import { RestFailure } from './failure.ts';
import { quoted, quotedPath, type Values } from './identifiers.ts';
import type { Payload } from './payload.ts';
import type { Condition, Level } from './plan.ts';

export type JsonPayload = Extract<Payload, { kind: 'json' }>;

export interface Conflict {
  columns: readonly string[];
  /** Update the row that is there; otherwise leave it. */
  merge: boolean;
}

interface WriteBase {
  table: Table;
  /** What the statement returns: `*`, names, or nothing but the fact. */
  returning: readonly string[];
}

export interface Insert extends WriteBase {
  kind: 'insert';
  payload: JsonPayload;
  columns: readonly BodyColumn[];
  conflict: Conflict | undefined;
  withDefaults: boolean;
  /** PUT: the row must be the one that the URL names. */
  conditions: readonly Condition[];
}

export interface Update extends WriteBase {
  kind: 'update';
  payload: JsonPayload;
  columns: readonly BodyColumn[];
  withDefaults: boolean;
  conditions: readonly Condition[];
}

export interface Delete extends WriteBase {
  kind: 'delete';
  conditions: readonly Condition[];
}

export type Write = Insert | Update | Delete;

/** How many of the rows of an upsert were inserted, counted while it runs. */
const insertedSetting = 'muse.inserted';
export const insertedSql = `nullif(current_setting('${insertedSetting}', true), '')::int`;

/** Always true; adds to the count. */
function countInserted(by: 1 | -1): string {
  const sum = `coalesce(${insertedSql}, 0) ${by === 1 ? '+' : '-'} 1`;
  return `set_config('${insertedSetting}', (${sum})::text, true) IS NOT NULL`;
}

/**
 * The columns of a body.
 * @throws RestFailure PGRST204 for one that the table lacks
 */
export function columnsOf(table: Table, names: readonly string[]): BodyColumn[] {
  return names.map((name) => {
    const column = table.columns.get(name);
    // As it was declared: `character` alone is one character long.
    if (column) return { name, type: column.declared, default: column.default };
    throw new RestFailure({
      status: 400,
      code: 'PGRST204',
      message: `Could not find the '${name}' column of '${table.name}' in the schema cache`,
    });
  });
}

/** What a write must return so that the level can be read from it. */
export function neededColumns({ select, embeds }: Level, primaryKey: readonly string[]): string[] {
  const names = select.map(({ field }) => field.name);
  const computes = embeds.some(({ relationship }) => relationship.kind === 'computed');
  if (computes || names.includes('*') || (select.length === 0 && embeds.length === 0)) return ['*'];
  const keys = embeds.flatMap(({ relationship }) => {
    if (relationship.kind === 'computed') return [];
    const pairs = relationship.kind === 'many-to-many' ? relationship.junction.source : relationship.columns;
    return pairs.map(([own]) => own);
  });
  return [...new Set([...names, ...keys, ...primaryKey])];
}

export function writeSql(write: Write, values: Values): string {
  const alias = quoted(write.table.name);
  const target = `${quotedPath(write.table)} AS ${alias}`;
  const members = write.returning.map((name) => (name === '*' ? `${alias}.*` : `${alias}.${quoted(name)}`));
  // RETURNING a column needs the right to read it, so that a write that returns nothing must not.
  const returning = ` RETURNING ${members.length === 0 ? '1' : members.join(', ')}`;
  if (write.kind === 'insert') return insertSql(write, target, values) + returning;
  if (write.kind === 'update' && write.columns.length === 0) {
    return `SELECT ${members.join(', ') || '1'} FROM ${target} WHERE false`;
  }
  const conditions = write.conditions.map((condition) => conditionSql(write.table.name, condition, values, noEmbeds));
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  if (write.kind === 'delete') return `DELETE FROM ${target}${where}${returning}`;
  const { columns, payload, withDefaults } = write;
  const set = columns.map(({ name }) => `${quoteIdentifier(name)} = ${bodyName}.${quoteIdentifier(name)}`);
  const from = bodySql(payload, columns, values, { withDefaults });
  return `UPDATE ${target} SET ${set.join(', ')} FROM ${from}${where}${returning}`;
}

function noEmbeds(): never {
  throw new Error('A write has no embedded resources');
}

function insertSql(write: Insert, target: string, values: Values): string {
  const { payload, columns, conflict, withDefaults } = write;
  const names = columns.map(({ name }) => quoteIdentifier(name));
  const selected = names.map((name) => `${bodyName}.${name}`);
  const counts = conflict?.merge === true;
  const list = names.length === 0 ? '' : ` (${names.join(', ')})`;
  const from = bodySql(payload, columns, values, { withDefaults });
  const conditions = write.conditions.map((condition) => conditionSql(bodyName, condition, values, noEmbeds));
  const where = [...(counts ? [countInserted(1)] : []), ...conditions];
  const sql = `INSERT INTO ${target}${list} SELECT ${selected.join(', ')} FROM ${from}`;
  return `${sql}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}${conflictSql(conflict, names)}`;
}

function conflictSql(conflict: Conflict | undefined, names: readonly string[]): string {
  if (conflict === undefined || conflict.columns.length === 0) return '';
  const on = ` ON CONFLICT (${conflict.columns.map(quoted).join(', ')})`;
  if (!conflict.merge || names.length === 0) return `${on} DO NOTHING`;
  // Also the key's own columns: without an assignment there is no update, and the row would not be returned.
  const set = names.map((name) => `${name} = EXCLUDED.${name}`);
  return `${on} DO UPDATE SET ${set.join(', ')} WHERE ${countInserted(-1)}`;
}
