/** Numbers, points in time and intervals for a function, by how far it may count. */
import type { Candidate } from './argument-keys.ts';
import type { Reach } from './counting.ts';

const numbers: Readonly<Record<Reach, readonly string[]>> = {
  far: ['0', '1000', '1', '1000000', 'NULL', '10'],
  years: ['0', '1000', '1', 'NULL', '10'],
  days: ['0', '1000', '1', 'NULL', '10'],
};
/** The times of all rows are between the first two. */
const moments: Readonly<Record<Reach, readonly string[]>> = {
  far: ["'infinity'", "'-infinity'", 'now()', 'NULL'],
  years: [
    "greatest(now() + interval '1 year', '2027-06-01')",
    "least(now() - interval '1 year', '2025-06-01')",
    'now()',
    'NULL',
  ],
  days: ["(now() + interval '1 day')", "(now() - interval '1 day')", 'now()', 'NULL'],
};
const intervals: Readonly<Record<Reach, readonly string[]>> = {
  far: ["'100 years'", "'-100 years'", "'1 day'"],
  years: ["'1 year'", "'-1 year'", "'1 day'"],
  days: ["'1 day'", "'-1 day'", "'1 hour'"],
};

/** Numbers that a function may be called with. */
export function numbersWithin(reach: Reach): Candidate[] {
  return numbers[reach].map((sql) => ({ sql }));
}

/** How many rows a function may be asked for, more first: nothing is seen of what a limit of zero gives. */
export const limits: readonly Candidate[] = ['1000', '10', '1', 'NULL', '0'].map((sql) => ({ sql }));

/** Intervals that a function may be called with. */
export function intervalsWithin(reach: Reach): Candidate[] {
  return intervals[reach].map((sql) => ({ sql }));
}

/** Names of arguments for where a period begins. */
const begins = /(^|_)(from|starts?|since|after|begins?|min|lower|earliest)(_|$)/;

/** Points in time: first one before all rows for where a period begins, and one after all for any other. */
export function momentsWithin(reach: Reach, name: string): Candidate[] {
  const [after, before, ...others] = moments[reach].map((sql) => ({ sql })) as [Candidate, Candidate, ...Candidate[]];
  return begins.test(name.toLowerCase()) ? [before, after, ...others] : [after, before, ...others];
}

/** Says whether a column or an argument of that type holds the number that the SQL gives, as a key of another type may be too large. */
export function holdsNumber(sql: string, base: string): boolean {
  const [, digits] = /^'?(-?\d+)'?/.exec(sql) ?? [];
  const most = { smallint: 32_767, integer: 2_147_483_647 }[base];
  return digits === undefined || most === undefined || Math.abs(Number(digits)) <= most;
}

/** Values of the parts of a pair of limits: few for the first of a kind, many for those after it. Undefined for what is no limit. */
export function limitsOf(types: readonly string[]): (string | undefined)[] {
  const known = new Set<string>();
  return types.map((type) => {
    const kind = /^(smallint|integer|bigint|numeric|real|double)/.test(type)
      ? 'number'
      : /^(timestamp|date)/.test(type)
        ? 'time'
        : undefined;
    if (kind === undefined) return undefined;
    const isFirst = !known.has(kind);
    known.add(kind);
    if (kind === 'time') return isFirst ? "'-infinity'" : "'infinity'";
    return isFirst ? '0' : type === 'smallint' ? '32767' : '1000000';
  });
}
