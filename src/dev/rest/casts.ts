import { fitName, quoteIdentifier } from '../../shared/quote.ts';

/** The types whose names are more than one word, or are keywords with a meaning of their own. */
const spelled: ReadonlySet<string> = new Set([
  'bigint',
  'bit',
  'bit varying',
  'boolean',
  'char',
  'char varying',
  'character',
  'character varying',
  'dec',
  'decimal',
  'double precision',
  'float',
  'int',
  'integer',
  'interval',
  'national char',
  'national character',
  'national character varying',
  'nchar',
  'numeric',
  'real',
  'smallint',
  'time',
  'time with time zone',
  'time without time zone',
  'timestamp',
  'timestamp with time zone',
  'timestamp without time zone',
  'varchar',
]);

/**
 * A type's name from a request as SQL: one of PostgreSQL's own spellings, or else one quoted name, which PostgreSQL
 * finds or does not.
 */
export function castType(name: string): string {
  const words = name.toLowerCase().split(' ').filter(Boolean).join(' ');
  return spelled.has(words) ? words : quoteIdentifier(fitName(words));
}
