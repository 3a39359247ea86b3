/**
 * muse/: the commands inside a muse: migrate, roll back, verify, seed, back up, restore.
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
    if ((await kindOf(resolve(directory, 'muse.json'))) === 'file')
      return { directory, museFile: await readMuseFile(directory) };
    if (dirname(directory) === directory) break;
  }
  throw new MuseError({
    code: 'no-muse',
    message: `There is no muse.json in ${resolve(path)} or a directory above it.`,
    suggestion: 'Change into a muse (cd <path>), or pass --dir <path>. To create a muse: create-muse <name>',
  });
}
