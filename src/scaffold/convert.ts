import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import { readType } from './types.ts';

/** How a value gets from one type into another. */
interface Conversion {
  /** SQL of the value in the new type. */
  sql: string;
  /** SQL that is true where the value can be converted, or undefined where every value can. */
  fits: string | undefined;
}

/** Types whose every value the others can hold, by their own names. */
const wider: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'double precision'],
  integer: ['bigint', 'numeric', 'double precision'],
  bigint: ['numeric'],
  real: ['double precision'],
  date: ['timestamp', 'timestamptz'],
  timestamp: ['timestamptz'],
  varchar: ['text'],
  char: ['text'],
};

/**
 * Converts a value as SQL, the types as the catalog prints them. Where a value may not fit (a text that is no number, one
 * too long), the condition tells, by PostgreSQL's own reading of it (`pg_input_is_valid`, PostgreSQL 16).
 */
export function convert(value: string, from: string, to: string): Conversion {
  const type = typeSql(to);
  if (typeSql(from) === type) return { sql: value, fits: undefined };
  const [source, target] = [readType(from), readType(to)];
  const isPlain = source !== undefined && target !== undefined && !source.array && !target.array && target.modifiers.length === 0;
  if (isPlain && wider[source.name]?.includes(target.name) === true) return { sql: `${value}::${type}`, fits: undefined };
  if (target?.name === 'text' && !target.array) return { sql: `${value}::text`, fits: undefined };
  return { sql: `${value}::text::${type}`, fits: `(${value} IS NULL OR pg_catalog.pg_input_is_valid(${value}::text, ${quoteLiteral(type)}))` };
}

/** A type as SQL: one that is known in its own spelling, another as a quoted name. */
export function typeSql(type: string): string {
  const known = readType(type)?.sql;
  if (known !== undefined) return known;
  const array = type.endsWith('[]') ? '[]' : '';
  return `${type.slice(0, type.length - array.length).split('.').map((part) => quoteIdentifier(part)).join('.')}${array}`;
}
