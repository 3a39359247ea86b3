import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MuseError } from '../../shared/error.ts';
import { kindOf, listNames } from '../../shared/files.ts';
import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';

/** Moves the finished stage to where the muse lives: renames only, so that a crash leaves each entry here or there. */
export const placeStep: Step<Pick<CreateContext, 'stage' | 'directory' | 'git'>> = {
  id: 'place',
  title: 'Put it in place',
  async run({ stage, directory, git }) {
    await git;
    const names = await listNames(stage);
    for (const name of names) {
      // Somebody put a file there while the run was under way: theirs stays.
      if ((await kindOf(join(directory, name))) !== undefined) throw occupied(directory, name);
    }
    for (const name of names) await rename(join(stage, name), join(directory, name));
    await rm(stage, { recursive: true, force: true });
    return undefined;
  },
};

function occupied(directory: string, name: string): MuseError {
  return new MuseError({
    code: 'directory-changed',
    message: `${name} appeared in ${directory} while the muse was being made; it was not touched.`,
    suggestion: `Move ${name} away.`,
  });
}
