import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import type { Column } from './catalog.ts';
import type { Values } from './identifiers.ts';
import type { Payload } from './payload.ts';

/** The rows that a body of JSON holds, as SQL reads them. */
export const bodyName = 'pgrst_body';

export interface BodyColumn extends Pick<Column, 'name' | 'type'> {
  /** The default's expression, from the catalog. */
  default?: string | null;
}

export interface BodyOptions {
  /** Keys that a row lacks get their column's default. */
  withDefaults?: boolean;
  onlyFirst?: boolean;
}

/**
 * A FROM list that ends with {@link bodyName}, one row for each object of the body.
 */
export function bodySql(
  payload: Extract<Payload, { kind: 'json' }>,
  columns: readonly BodyColumn[],
  values: Values,
  { withDefaults = false, onlyFirst = false }: BodyOptions = {},
): string {
  const { text, isObject } = payload;
  const json = withDefaults ? 'jsonb' : 'json';
  const sources = [`(SELECT ${values.bind(text)}::${json} AS data) AS pgrst_payload`];
  let data = 'pgrst_payload.data';
  if (withDefaults) {
    const defaults = columns
      .filter((column) => typeof column.default === 'string')
      .map((column) => `${quoteLiteral(column.name)}, ${column.default}`);
    const object = `jsonb_build_object(${defaults.join(', ')})`;
    sources.push(
      isObject
        ? `LATERAL (SELECT ${object} || ${data} AS data) AS pgrst_defaults`
        : `LATERAL (SELECT jsonb_agg(${object} || row) AS data FROM jsonb_array_elements(${data}) AS row) AS pgrst_defaults`,
    );
    data = 'pgrst_defaults.data';
  }
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const typed = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(', ');
  const reader = `${json}_to_record${isObject ? '' : 'set'}`;
  const rows =
    columns.length > 0
      ? `${reader}(${data}) AS _(${typed})${onlyFirst ? ' LIMIT 1' : ''}`
      : isObject
        ? '(VALUES (1)) AS _'
        : `${json}_array_elements(${data}) AS _`;
  return [...sources, `LATERAL (SELECT ${names} FROM ${rows}) AS ${bodyName}`].join(', ');
}
