import { fitName, quoteIdentifier } from '../../shared/quote.ts';
import type { Qualified } from './catalog.ts';
import { RestFailure } from './failure.ts';

/**
 * A name from a request, quoted. PostgreSQL cuts what is too long and says what does not exist.
 * @throws RestFailure 42601 for an empty name, as PostgreSQL
 */
export function quoted(name: string): string {
  const usable = name.replaceAll('\0', '');
  if (usable === '') {
    throw new RestFailure({ status: 400, code: '42601', message: 'zero-length delimited identifier at or near """"' });
  }
  return quoteIdentifier(fitName(usable));
}

/** A table, view or function with its schema, quoted. */
export function quotedPath({ schema, name }: Qualified): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** Collects the values of one statement. */
export class Values {
  readonly list: unknown[] = [];

  /** @returns the placeholder, e.g. `$3` */
  bind(value: unknown): string {
    // PostgreSQL's text cannot hold a NUL.
    this.list.push(typeof value === 'string' ? value.replaceAll('\0', '') : value);
    return `$${this.list.length}`;
  }
}
