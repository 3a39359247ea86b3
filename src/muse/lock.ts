import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockHolder, type LockOptions, takeLock } from '../shared/directory-lock.ts';

const lockPath = (directory: string): string => join(directory, '.muse', 'lock');

/** Who works in a muse's directory now, in a message; undefined where no other process does. */
export const whoWorksIn = (directory: string): Promise<string | undefined> => lockHolder(lockPath(directory));

/**
 * Locks a muse's directory for one run, so that no two runs change it at the same time.
 * @returns a function that releases the lock
 * @throws MuseError `directory-in-use` where another run still holds it after the wait; `cancelled`
 */
export async function lockDirectory(directory: string, options?: LockOptions): Promise<() => Promise<void>> {
  await mkdir(join(directory, '.muse'), { recursive: true });
  return takeLock(
    lockPath(directory),
    { code: 'directory-in-use', subject: directory, next: 'run this again with --resume' },
    options,
  );
}
