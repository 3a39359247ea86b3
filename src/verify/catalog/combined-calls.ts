/**
 * Calls that meet at once what others meet apart: values that lead to a place of the function, keys of the caller's own beside A's, and a
 * row in a state that it asks for.
 */
import type { Candidate } from './argument-keys.ts';

/** The values of a call that lead to a place of the function. */
export interface ArgumentWay {
  /** Undefined for an argument that does not matter there. */
  values: readonly (WayValue | undefined)[];
}

/** An argument, as SQL: as it is, and within another document in its place, if it is one. */
export interface WayValue {
  sql: string;
  within?: (document: string) => string;
}

/** The calls, and the number of those that are more than is tried. */
export interface CombinedCalls {
  /** Those with a key of the caller's own. */
  mixed: Candidate[][];
  /** The others. */
  further: Candidate[][];
  left: number;
}

/** Maximum number of such calls of one function. */
export const mostCombined = 200;

/** By the number of an argument, what is there in place of the usual value. */
type Change = ReadonlyMap<number, Changed>;
type Changed = Candidate & Pick<WayValue, 'within'>;

/**
 * Combines them by two and by three. What changes nothing beside another one, since both are about the same arguments, is left out; in a
 * document, the values of a way are put beside the keys.
 * @param usual the likeliest value of each argument
 * @param ways of each place of the function, values that lead there
 * @param mixed calls with keys of the caller's own
 * @param states calls for a row in a state
 */
export function combinedCalls(
  usual: readonly Candidate[],
  ways: readonly ArgumentWay[],
  mixed: readonly (readonly Candidate[])[],
  states: readonly (readonly Candidate[])[],
): CombinedCalls {
  const changes = (all: readonly (readonly (Changed | undefined)[])[]): Change[] =>
    all
      .map((call): Change => {
        const isOther = (value: Changed | undefined, at: number): boolean =>
          value !== undefined && value.sql !== usual[at]!.sql;
        return new Map(call.flatMap((value, at) => (isOther(value, at) ? [[at, value!]] : [])));
      })
      .filter((change) => change.size > 0);
  const [byWay, byKeys, byState] = [changes(ways.map(({ values }) => values)), changes(mixed), changes(states)];
  const keysOfStates = pairs(byKeys, byState);
  const own = [...pairs(byWay, byKeys), ...keysOfStates, ...pairs(byWay, keysOfStates)];
  const others = pairs(byWay, byState);
  const distinct = (all: readonly Change[]): Candidate[][] => [
    ...new Map(
      all
        .map((change) => usual.map((value, at) => change.get(at) ?? value))
        .map((call) => [call.map(({ sql }) => sql).join('\n'), call]),
    ).values(),
  ];
  const [further, ofOwn] = [distinct(others), distinct(own)];
  return {
    further: further.slice(0, mostCombined),
    mixed: ofOwn.slice(0, Math.max(0, mostCombined - further.length)),
    left: Math.max(0, further.length + ofOwn.length - mostCombined),
  };
}

/** Each of the first with each of the second, as far as that changes something beside the first. */
function pairs(first: readonly Change[], second: readonly Change[]): Change[] {
  return first.flatMap((one) =>
    second.flatMap((other) => {
      const beside = [...other].filter(([at]) => !one.has(at) || one.get(at)!.within !== undefined);
      return beside.length === 0
        ? []
        : [
            new Map([
              ...one,
              ...beside.map(([at, value]): [number, Candidate] => {
                const within = one.get(at)?.within;
                return [at, within === undefined ? value : { ...value, sql: within(value.sql) }];
              }),
            ]),
          ];
    }),
  );
}
