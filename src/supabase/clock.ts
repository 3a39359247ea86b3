import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance, handed in so that tests need neither. */
export interface Clock {
  /** Milliseconds since 1970. */
  now: () => number;
  /** Resolves after `ms`. */
  sleep: (ms: number) => Promise<void>;
  /** From 0 to 1, without 1. */
  random: () => number;
}

/** The machine's own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms) => {
    await delay(ms);
  },
  random: Math.random,
};

/** The machine's own, whose sleep ends with the signal's reason as soon as that is aborted. */
export function clockUntil(signal: AbortSignal): Clock {
  return {
    ...systemClock,
    sleep: async (ms) => {
      await delay(ms, undefined, { signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      });
    },
  };
}

/** Between half of `ms` and the whole: clients that failed together do not come back together. */
export function jittered(clock: Clock, ms: number): number {
  return Math.round(ms / 2 + (clock.random() * ms) / 2);
}
