import type { Shared } from './kind.ts';

/** How many things are kept; the oldest go first, so that a worker for weeks does not grow. */
const mostKept = 200;

/** Makes a memory for one worker. */
export function createShared(): Shared {
  const made = new Map<string, Promise<unknown>>();
  return {
    once<T>(key: string, make: () => Promise<T>): Promise<T> {
      const known = made.get(key) as Promise<T> | undefined;
      if (known !== undefined) return known;
      const making = make();
      made.set(key, making);
      making.catch(() => made.delete(key));
      const oldest = made.keys().next().value;
      if (made.size > mostKept && oldest !== undefined) made.delete(oldest);
      return making;
    },
  };
}
