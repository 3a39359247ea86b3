import { createHash } from 'node:crypto';
import { cancelled, MuseError } from '../../shared/error.ts';
import type { Migration } from '../../sql/migration.ts';
import { Limit, shadowDatabases } from '../limit.ts';
import type { Shared } from './kind.ts';

/** How many things are kept; the oldest go first, so that a worker for weeks does not grow. */
const mostKept = 200;

/** Makes a memory for one worker, or for one look at many muses. */
export function createShared(): Shared {
  const made = new Map<string, Promise<unknown>>();
  const one = <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const known = made.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const making = make();
    made.set(key, making);
    making.catch(() => made.delete(key));
    const oldest = made.keys().next().value;
    if (made.size > mostKept && oldest !== undefined) made.delete(oldest);
    return making;
  };
  const shadows = new Limit(shadowDatabases);
  return {
    once: one,
    async onShadow<T>(key: string, make: () => Promise<T>, signal = new AbortController().signal): Promise<T> {
      for (;;) {
        try {
          return await one(key, () => stoppable(shadows.run('shadow databases', signal, make), signal));
        } catch (error) {
          // It was another muse's, which was stopped.
          if (error instanceof MuseError && error.code === 'cancelled' && !signal.aborted) continue;
          throw error;
        }
      }
    },
  };
}

/** What a signal ends, ends as cancelled: while it waits for its turn too. */
async function stoppable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw signal.aborted ? cancelled(error) : error;
  }
}

/** A key for what follows from files, and from some settings. */
export function keyOfFiles(files: readonly Migration[], ...settings: readonly unknown[]): string {
  const what = [settings, files.map(({ layer, file, checksum }) => [layer, file, checksum])];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex');
}
