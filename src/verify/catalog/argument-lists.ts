/** Which values a function is called with together. */
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Candidate } from './argument-keys.ts';

/** The arguments of each call, the most likely values first; at last one that gives a privileged role. */
export function valueLists(routine: FunctionRow, lists: readonly Candidate[][], most: number): Candidate[][] {
  const privileged = lists.flatMap((list, index) => {
    const value = list.find(({ isPrivileged }) => isPrivileged === true);
    return value === undefined ? [] : [lists.map((other, at) => (at === index ? value : other[0]!))];
  });
  return [...mostLikely(routine, lists, most), ...privileged.slice(0, 1)];
}

/** The arguments of calls that put what is A's into a row of the caller's: a key of A in each argument but one. */
export function intoOwn(routine: FunctionRow, lists: readonly Candidate[][], named: readonly Subject[]): Candidate[][] {
  return routine.inputs.flatMap((input, index) => {
    const isAlone = routine.inputs.filter(({ base }) => base === input.base).length < 2;
    const key = isAlone ? undefined : named.flatMap((subject) => ownKey(subject, input.base))[0];
    return key === undefined
      ? []
      : [lists.map((list, at) => (at === index ? { sql: `${key}::${input.type}` } : list[0]!))];
  });
}

/** The key of B's row, if it is one column of that type. */
function ownKey({ table, rows }: Subject, base: string): string[] {
  const [first, ...rest] = rows.b.key;
  const column = table.columns.find(({ name }) => name === first?.[0]);
  return first !== undefined && rest.length === 0 && column?.base === base ? [first[1]] : [];
}

/**
 * Combinations of values: the likeliest of all, then without the arguments that have a default, then others. Every actor
 * tries one of each.
 */
export function mostLikely(routine: FunctionRow, lists: readonly Candidate[][], most: number): Candidate[][] {
  if (routine.defaults === 0) return combinations(lists, most);
  const least = combinations(lists.slice(0, lists.length - routine.defaults), Math.ceil(most / 3));
  const [first, ...others] = combinations(lists, most - least.length);
  return [...(first === undefined ? [] : [first]), ...least, ...others];
}

/** Combinations with one value from each list, early values first. */
export function combinations(lists: readonly Candidate[][], most: number): Candidate[][] {
  const found: Candidate[][] = [];
  const last = lists.reduce((sum, list) => sum + list.length - 1, 0);
  const add = (chosen: Candidate[], left: number): void => {
    const list = lists[chosen.length];
    if (list === undefined) {
      if (left === 0 && found.length < most) found.push(chosen);
      return;
    }
    for (let rank = Math.min(left, list.length - 1); rank >= 0 && found.length < most; rank -= 1)
      add([...chosen, list[rank]!], left - rank);
  };
  for (let sum = 0; sum <= last && found.length < most; sum += 1) add([], sum);
  return found;
}
