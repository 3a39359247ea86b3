import { quoteIdentifier } from '../database/quote.ts';
import type { Choice, Draft, Knot } from './draft.ts';

/** How many combinations PostgreSQL is asked to try for one knot. */
const mostCombinations = 20_000;

/** How many solutions are asked for: rows that may not be alike take different ones. */
const solutionsWanted = 8;

/**
 * The query that solves a knot: which choice of each column satisfies all its CHECKs, the earliest choices first. Gives one
 * JSON array of solutions, each the 0-based numbers of the choices in the order of the knot's columns; null for none.
 * Undefined where a column of it has no choices of its own.
 */
export function solveQuery(draft: Draft, knot: Knot): string | undefined {
  const lists = knot.columns.map((column) => trim(draft.choices.get(column.name) ?? [], knot.columns.length));
  if (lists.some((list) => list.length === 0)) return undefined;
  const sources = knot.columns.map((column, index) => {
    // A domain's own CHECK would end the query where a candidate breaks it, so candidates have the type below it.
    const values = lists[index]!.map(({ sql, number }) => `(${number}, (${sql})::${column.base})`).join(', ');
    const domain = (column.domainChecks ?? []).map((check) => ` and (${check}) is not false`).join('');
    return `(select number, value as v from (values ${values}) as c(number, value) where true${domain}) as c${index}`;
  });
  const named = knot.columns.map((column, index) => `c${index}.v as ${quoteIdentifier(column.name)}, c${index}.number as muse_${index}`);
  const domains = new Set(knot.columns.flatMap((column) => column.domainChecks ?? []));
  const checks = knot.checks.filter((check) => !domains.has(check)).map((check) => ` and (${check}) is not false`).join('');
  const numbers = knot.columns.map((_, index) => `muse_${index}`);
  return `select json_agg(s) from (select json_build_array(${numbers.join(', ')}) as s from `
    + `(select ${named.join(', ')} from ${sources.join(' cross join ')}) as muse where true${checks} `
    + `order by ${numbers.join(' + ')}, ${numbers.join(', ')} limit ${solutionsWanted}) as found`;
}

function trim(choices: readonly Choice[], columns: number): { sql: string; number: number }[] {
  const most = Math.max(3, Math.floor(mostCombinations ** (1 / columns)));
  const numbered = choices.map((choice, number) => ({ sql: 'sql' in choice ? choice.sql : 'NULL', number, isReference: 'reference' in choice }));
  // What a reference will be is not known yet; NULL stands for it, and CHECKs on such a column alone are rare.
  const kept = numbered.length <= most ? numbered : [...numbered.slice(0, most - 1), numbered.at(-1)!];
  return kept.map(({ sql, number }) => ({ sql, number }));
}
