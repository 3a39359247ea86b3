/**
 * Calls in which one key is the caller's own and the others are A's: what checks the organization that it is given may then act on a
 * row of any.
 */
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { ArgumentContext, Candidate } from './argument-keys.ts';

/** How many keys are tried for an argument whose name does not tell which one it asks for, and how many calls of a function. */
const most = { keys: 2, calls: 16 };

/** Up to how many keys each choice of those that are the caller's own is tried. */
const mostMixed = 4;

/**
 * Lists of arguments, each with a key of B's and one or more of A's.
 * @param lists the values of each argument
 * @param written the columns that each argument is written to: those that are no keys get what A's row has there
 */
export function mixedCalls(
  routine: FunctionRow,
  lists: readonly Candidate[][],
  written: readonly ReadonlySet<string>[],
  { named, rowKeys: keyColumns }: ArgumentContext,
): Candidate[][] {
  const usual = lists.map((list, index) => fitting(routine, index, written[index]!, named) ?? list[0]!);
  const isFree = (index: number): boolean =>
    written[index]!.size > 0 && !keyColumns.some(({ column, isKey }) => isKey && written[index]!.has(column.name));
  const choices = lists.map((list, index) => {
    // A text may hold anything: it is a key only where nothing else is likelier.
    const keys =
      list[0]!.own === undefined || isFree(index)
        ? []
        : list.filter(({ own, unknown }) => own !== undefined && unknown !== undefined);
    const sure = keys.filter(({ isNamed }) => isNamed === true);
    return sure.length > 0 ? sure : keys.slice(0, most.keys);
  });
  const keyed = choices.flatMap((list, index) => (list.length > 0 ? [index] : []));
  const within = lists.flatMap((list, index) =>
    list.flatMap(({ mixed = [] }) => mixed.map((value) => usual.map((one, at) => (at === index ? value : one)))),
  );
  const owns = ownOf(keyed);
  const calls = ranked(choices, keyed).flatMap((chosen) =>
    owns.map((own) =>
      usual.map((value, at): Candidate => {
        const key = chosen.get(at);
        return key === undefined ? value : own.includes(at) ? { sql: key.own! } : key;
      }),
    ),
  );
  return [...within, ...(keyed.length < 2 ? [] : calls)].slice(0, most.calls);
}

/** Which of the keys are the caller's own: each choice of some of them; of many, each alone, all but one, and the first ones, as in a path. */
function ownOf(keyed: readonly number[]): (readonly number[])[] {
  if (keyed.length > mostMixed)
    return keyed.flatMap((one, at) => [
      [one],
      keyed.filter((other) => other !== one),
      ...(at > 1 && at < keyed.length - 1 ? [keyed.slice(0, at)] : []),
    ]);
  const all = keyed.reduce<number[][]>((found, one) => [...found, ...found.map((own) => [...own, one])], [[]]);
  return all.slice(1, -1).toSorted((x, y) => x.length - y.length);
}

/** One key for each of those arguments, the likeliest first. */
function ranked(choices: readonly Candidate[][], keyed: readonly number[]): Map<number, Candidate>[] {
  const all = keyed.reduce<{ rank: number; chosen: Map<number, Candidate> }[]>(
    (found, index) =>
      found.flatMap(({ rank, chosen }) =>
        choices[index]!.map((key, more) => ({ rank: rank + more, chosen: new Map([...chosen, [index, key]]) })),
      ),
    [{ rank: 0, chosen: new Map() }],
  );
  return all.toSorted((x, y) => x.rank - y.rank).map(({ chosen }) => chosen);
}

/** What A's row has in the column that the argument is written to: a value that its checks accept. */
function fitting(
  { inputs }: FunctionRow,
  index: number,
  columns: ReadonlySet<string>,
  named: readonly Subject[],
): Candidate | undefined {
  const { base, type } = inputs[index]!;
  for (const { table, rows } of named) {
    const column = table.columns.find((one) => columns.has(one.name) && one.base === base);
    const value = column === undefined ? undefined : rows.a.values.get(column.name);
    if (value !== undefined && value !== 'NULL') return { sql: `${value}::${type}` };
  }
  return undefined;
}
