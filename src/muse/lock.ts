import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../shared/directory-lock.ts';
import { MuseError } from '../shared/error.ts';

/**
 * Holds a muse's directory for one run; a lock that a dead process left is taken over.
 * @returns gives it back
 * @throws MuseError `directory-in-use` while another run is at work there
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(join(directory, '.muse'), { recursive: true });
  try {
    return await takeLock(join(directory, '.muse', 'lock'));
  } catch (error) {
    if (!(error instanceof MuseError) || error.code !== 'database-in-use') throw error;
    throw new MuseError({
      code: 'directory-in-use',
      message: `Another run is at work in ${directory}.`,
      detail: error.message.replace('The embedded database is', 'It is'),
      suggestion: 'Wait until it ends, or stop it; then run this again with --resume.',
      cause: error,
    });
  }
}
