import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitAll, remoteUrl, setRemote } from '../../kit/git.ts';
import { installPackages } from '../../kit/install.ts';
import { takeHistory } from '../../kit/work-tree.ts';
import { MuseError } from '../../shared/error.ts';
import { kindOf, listNames } from '../../shared/files.ts';
import type { Placed, Run } from '../context.ts';
import { repositoryOf } from '../repository.ts';
import type { Step } from '../step.ts';

/**
 * Moves the finished stage to where the muse lives: renames only, so a crash leaves each entry either here or there.
 */
export const placeStep: Step<Run> = {
  id: 'place',
  title: 'Move into place',
  async run({ stage, directory, environment, git, journal, signal }) {
    await git();
    const own = join(stage, '.git');
    if (repositoryOf(journal) === 'existing' && (await kindOf(own)) !== undefined) {
      await takeHistory(directory, stage, { environment, signal });
      await rm(own, { recursive: true, force: true });
    }
    const names = await listNames(stage);
    for (const name of names) {
      // A file that appeared there during the run is someone else's.
      if ((await kindOf(join(directory, name))) !== undefined) throw occupied(directory, name);
    }
    for (const name of names) await rename(join(stage, name), join(directory, name));
    await rm(stage, { recursive: true, force: true });
  },
};

function occupied(directory: string, name: string): MuseError {
  return new MuseError({
    code: 'directory-changed',
    message: `${name} appeared in ${directory} during the run; it was not touched.`,
    suggestion: `Move ${name} away.`,
  });
}

/** Commits what the product adds to the kit, sets the kit as `upstream`, and installs packages if asked to. */
export const finishStep: Step<Placed> = {
  id: 'finish',
  title: 'Commit the product',
  async run(context, output) {
    const { answers, directory, environment, journal, museFile, signal } = context;
    if (answers.install) {
      const failure = await installPackages(directory, context);
      if (failure !== undefined) output.notes.push(failure);
    }
    // An existing repository has its owner's work in it: they commit muse.json themselves.
    if (journal.pipeline === 'provision') output.notes.push('muse.json now names the project: commit it.');
    else if (repositoryOf(journal) !== 'none') {
      const git = { environment, signal };
      const { upstream } = journal.data;
      // In a repository that was there before, a remote of that name is the user's.
      const taken = repositoryOf(journal) === 'existing' && (await remoteUrl(directory, 'upstream', git)) !== undefined;
      if (upstream !== undefined && !taken) await setRemote(directory, 'upstream', upstream, git);
      const commit = await commitAll(directory, journal.data.ignored ?? [], `Create ${museFile.name}`, git);
      if (commit !== undefined) output.summary = commit.slice(0, 12);
    }
  },
};
