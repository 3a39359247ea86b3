/** Letters of A's rows in states other than the usual one. */
export const stateLabels: readonly string[] = [...'hijopq'];

/** Letters of rows that are A's alone, in whatever state: nobody of the other side reaches them. */
const ofA: ReadonlySet<string> = new Set(['a', ...stateLabels, 'k', 'l']);

/** Those of the letters that are of rows of A's. */
export function rowsOfA(letters: string): string {
  return [...letters].filter((letter) => ofA.has(letter)).join('');
}

/** The letters that stand in the first and not in the second. */
export function without(letters: string, others: string): string {
  return [...letters].filter((letter) => !others.includes(letter)).join('');
}
