import { watch } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from './files.ts';

/** An editor writes a file in several steps: so long after the last one, in ms, a change is over. */
const quietMs = 100;

/**
 * Watches folders from now on; one that does not exist is left out.
 * @returns waits for the next change in one of them since the last call; rejects when the signal aborts
 */
export function watchFolders(folders: readonly string[], signal: AbortSignal): () => Promise<void> {
  let changed = false;
  let wake = (): void => undefined;
  for (const folder of folders) {
    void (async () => {
      for await (const _event of watch(folder, { signal })) {
        changed = true;
        wake();
      }
    })().catch((error: unknown) => {
      // Aborted, or not there; anything else is reported when the folder is read.
      if (!signal.aborted && !hasCode(error, 'ENOENT')) wake();
    });
  }
  return async () => {
    if (!changed) {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        if (signal.aborted) reject(signal.reason as Error);
      });
    }
    do {
      changed = false;
      await sleep(quietMs, undefined, { signal });
    } while (changed);
  };
}
