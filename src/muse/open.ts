/**
 * muse/: what is done inside a muse: migrate, roll back, verify, seed, back up, restore.
 * May touch: the muse's directory, its databases, git.
 */
import { dirname, resolve } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import type { Muse } from '../shared/muse-file.ts';
import { readMuseFile } from './muse-json.ts';

/**
 * The muse at a path, or in the nearest directory above it.
 * @throws MuseError `no-muse` where there is none, and what {@link readMuseFile} throws
 */
export async function openMuse(path: string): Promise<Muse> {
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    if ((await kindOf(resolve(directory, 'muse.json'))) === 'file') return { directory, museFile: await readMuseFile(directory) };
    if (dirname(directory) === directory) break;
  }
  throw new MuseError({
    code: 'no-muse',
    message: `There is no muse in ${resolve(path)} or above: no muse.json.`,
    suggestion: 'Go into a muse (cd), or name it by --dir <path>. create-muse <name> makes one.',
  });
}
