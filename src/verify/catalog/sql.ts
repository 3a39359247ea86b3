import { quoteIdentifier } from '../../shared/quote.ts';

/** `schema.name`, each quoted where it needs it. */
export function relation(row: { schema: string; name: string }): string {
  return `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`;
}

/** A name for an index on those columns, cut to what PostgreSQL keeps. */
export function indexName(table: string, columns: readonly string[]): string {
  return quoteIdentifier(Buffer.from(`${table}_${columns.join('_')}`).subarray(0, 59).toString().replace(/\uFFFD$/, '') + '_idx');
}
