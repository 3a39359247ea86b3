import type { Clock } from '../../src/supabase/clock.ts';

/** A clock in which sleeping takes no time: the time that was asked for is added up. */
export interface FastClock extends Clock {
  /** What was slept, ms, in order. */
  readonly slept: number[];
}

export function fastClock(): FastClock {
  const slept: number[] = [];
  let ahead = 0;
  return {
    slept,
    now: () => Date.now() + ahead,
    sleep: async (ms) => {
      slept.push(ms);
      ahead += ms;
      // Others get a turn, as in a true pause.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
    random: () => 0.5,
  };
}
