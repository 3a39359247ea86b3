/** Letters of A's rows in states other than the ordinary one. */
export const stateLabels: readonly string[] = [...'hijopqrstuvwxyzd'];

/** The letter of the row that lets a guest into what is A's. */
export const seatLabel = 'g';

/** Letters of rows that belong to A alone, in any state: no one on the other side may reach them. */
const ofA: ReadonlySet<string> = new Set(['a', ...stateLabels, 'k', 'l', seatLabel]);

/** The letters among these that are of A's rows. */
export function rowsOfA(letters: string): string {
  return [...letters].filter((letter) => ofA.has(letter)).join('');
}

/** The letters in the first text but not in the second. */
export function without(letters: string, others: string): string {
  return [...letters].filter((letter) => !others.includes(letter)).join('');
}
