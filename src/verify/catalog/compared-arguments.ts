/** Arguments that are compared with columns in any way: the start of a month, the corner of a map, words to search for. */
import type { ArgumentType } from '../../rules/engine/live/catalog.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { type ArgumentContext, type Candidate, nobody } from './argument-keys.ts';
import { isSecret } from './row-keys.ts';

/** How many values are tried for one argument. */
const most = 2;

/** Kinds of types that limit a range: numbers, times, addresses of networks. */
const ranged = new Set(['N', 'D', 'I']);

/**
 * What A's row has in the columns that a number, a time or a network is compared with: it lies in whatever range begins or ends there.
 * For a text that is searched for in a document of words, a text of A's row.
 */
export function heldInCompared(
  input: ArgumentType,
  name: string,
  { named, compared, rowKeys }: ArgumentContext,
): Candidate[] {
  const columns = compared.get(name);
  if (columns === undefined || columns.size === 0 || isSecret.test(name)) return [];
  const keys = new Set(rowKeys.map(({ sql }) => sql));
  const found = named.flatMap(({ table, rows }): Candidate[] => {
    const asked = table.columns.filter((column) => columns.has(column.name));
    if (input.category === 'S' && asked.some(({ base }) => base === 'tsvector'))
      return [...rows.a.values.values()]
        .filter((value) => /^'[^'\\]*muse[^'\\]*'$/.test(value))
        .map((sql) => ({ sql, unknown: quoteLiteral(nobody.text) }));
    return asked.flatMap(({ name: column, category, type }): Candidate[] => {
      const value = rows.a.values.get(column);
      const fits = ranged.has(input.category) && category === input.category;
      return !fits || value === undefined || value === 'NULL' || keys.has(value)
        ? []
        : [{ sql: `(${value})::${type}` }];
    });
  });
  return found.slice(0, most);
}
