import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may keep the process from hearing a signal, in ms. */
const longestMs = 50;

/**
 * For work that calculates for a long time: called between its parts, it lets signals and timers have their turn, when
 * that is due.
 */
export function createTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < longestMs) return;
    await nextTurn();
    last = performance.now();
  };
}
