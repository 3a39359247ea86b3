import { quoteIdentifier } from '../../shared/quote.ts';
import type { Session } from '../../database/database.ts';
import { type Filter, filterSql, sameRowSql } from './filters.ts';
import type { Change } from './queue.ts';
import type { WatchedTable } from './tables.ts';

/** A change as one listener may see it. */
export interface VisibleChange {
  change: Change;
  /** JSON, with the columns that the role may select; null for a deleted row. */
  record: string | null;
  /** JSON, with the columns of the replica identity; null for an inserted row. */
  old: string | null;
}

/** From so many bytes on, a row is told without its long values, as the real one does. */
const largestRecord = 1024 * 1024;
const longestValue = 64;

/**
 * Keeps the changes that the role of the session may see: the row must be there for it now, under its policies. Who may
 * see a deleted row cannot be asked any more, so everyone hears its key.
 */
export async function visibleChanges(
  session: Session,
  table: WatchedTable,
  changes: readonly Change[],
): Promise<VisibleChange[]> {
  const name = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
  const there = `EXISTS (SELECT FROM ${name} t WHERE ${sameRowSql('t', 'c.record', table.primaryKey, typesOf(table))})`;
  const selectable = table.columns.filter((column) => column.selectable).map((column) => column.name);
  const told = (names: readonly string[]): string[] => names.filter((column) => selectable.includes(column));
  const { rows } = await session.query<{ number: number; record: string | null; old: string | null }>(
    `SELECT c.number::int AS number, ${partOf('c.record', '$4')} AS record,
       ${partOf('c.previous', `CASE c.type WHEN 'DELETE' THEN $6::text[] ELSE $5::text[] END`)} AS old
     FROM (SELECT type, record::jsonb, previous::jsonb, number
       FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS u (type, record, previous, number)) AS c
     WHERE c.type = 'DELETE' OR ${table.rowSecurity ? there : 'true'} ORDER BY c.number`,
    [
      changes.map(({ type }) => type),
      changes.map(({ record }) => record),
      changes.map(({ old }) => old),
      selectable,
      told(table.identity),
      told(table.rowSecurity ? table.primaryKey : table.identity),
    ],
  );
  return rows.map(({ number, record, old }) => ({ change: changes[number - 1]!, record, old }));
}

/** Of a row as jsonb, the named columns as JSON. */
function partOf(row: string, names: string): string {
  return `CASE WHEN ${row} IS NOT NULL THEN (
    SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(${row}) AS e
    WHERE e.key = ANY (${names})
      AND (octet_length(${row}::text) <= ${largestRecord} OR octet_length(e.value::text) <= ${longestValue})
  )::text END`;
}

/** Whether a row had to be told without its long values. */
export const isTooLarge = ({ record, old }: Change): boolean => Buffer.byteLength(record ?? old ?? '') > largestRecord;

/**
 * Which changes pass the filters, by their positions. A deleted row has only the columns of its replica identity.
 * @throws DatabaseError where a value is not of the column's type
 * @throws Error for a column that the table has not
 */
export async function passing(
  session: Session,
  table: WatchedTable,
  filters: readonly Filter[],
  changes: readonly Change[],
): Promise<ReadonlySet<number>> {
  const values: unknown[] = [
    changes.map(({ record, old }) => record ?? old),
    changes.map(({ type }) => type === 'DELETE'),
    table.identity,
  ];
  const row = `(CASE WHEN c.deleted THEN
    (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(c.content) AS e WHERE e.key = ANY ($3::text[])) ELSE c.content END)`;
  const condition = filterSql(filters, row, typesOf(table), (value) => `$${values.push(value)}`);
  const { rows } = await session.query<{ number: number }>(
    `SELECT c.number::int AS number FROM (SELECT content::jsonb, deleted, number
       FROM unnest($1::text[], $2::bool[]) WITH ORDINALITY AS u (content, deleted, number)) AS c
     WHERE ${condition}`,
    values,
  );
  return new Set(rows.map(({ number }) => number - 1));
}

function typesOf({ columns }: WatchedTable): (column: string) => string | undefined {
  return (name) => columns.find((column) => column.name === name)?.sqlType;
}
