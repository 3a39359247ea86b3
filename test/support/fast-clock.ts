import type { Clock } from '../../src/supabase/clock.ts';

/** A clock in which sleeping takes no real time: it adds up the requested times. */
export interface FastClock extends Clock {
  /** The requested sleeps in ms, in order. */
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
      // Let other tasks run, as during a real pause.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
    random: () => 0.5,
  };
}
