import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addAll, commitIndex, initRepository, setRemote } from '../../kit/git.ts';
import { MuseError } from '../../shared/error.ts';
import { kindOf, listNames } from '../../shared/files.ts';
import { networkTrouble } from '../../shared/network.ts';
import type { Placed, Run } from '../context.ts';
import type { Step } from '../step.ts';

/**
 * Moves the finished stage to where the muse lives: renames only, so a crash leaves each entry either here or there.
 */
export const placeStep: Step<Run> = {
  id: 'place',
  title: 'Move into place',
  async run({ stage, directory, git }) {
    await git();
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

/** Makes the first commit on `main`, sets the kit as `upstream`, and installs packages if asked to. */
export const finishStep: Step<Placed> = {
  id: 'finish',
  title: 'Create the first commit',
  async run(context, output) {
    const { answers, directory, environment, journal, museFile, signal } = context;
    // An existing repository has its owner's work in it: they commit muse.json themselves.
    if (journal.pipeline === 'provision') output.notes.push('muse.json now names the project: commit it.');
    else if (answers.git) {
      const git = { environment, signal };
      if ((await kindOf(join(directory, '.git'))) === undefined) await initRepository(directory, git);
      if (journal.data.upstream !== undefined) await setRemote(directory, 'upstream', journal.data.upstream, git);
      await addAll(directory, journal.data.ignored ?? [], git);
      const commit = await commitIndex(
        directory,
        `Start ${museFile.name} from ${museFile.kit.source}\n\nKit commit: ${museFile.kit.commit}`,
        git,
      );
      if (commit !== undefined) output.summary = commit.slice(0, 12);
    }
    if (answers.install) {
      const failure = await installPackages(context);
      if (failure !== undefined) output.notes.push(failure);
    }
  },
};

/** A lock file tells which package manager the kit uses; the first that exists counts. */
const managers: readonly [lock: string, command: string][] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package.json', 'npm'],
];

/**
 * Installs the kit's packages with the kit's own package manager.
 * @returns why that failed and what to do, for the report: a muse without its packages is complete otherwise
 */
async function installPackages({ directory, environment, signal, onProgress }: Run): Promise<string | undefined> {
  for (const [lock, command] of managers) {
    if ((await kindOf(join(directory, lock))) === undefined) continue;
    onProgress?.(`${command} install`);
    const { execa } = await import('execa');
    const result = await execa(command, ['install'], {
      cwd: directory,
      env: environment,
      extendEnv: false,
      cancelSignal: signal,
      reject: false,
      stdin: 'ignore',
      all: true,
    });
    if (!result.failed || signal.aborted) return undefined;
    const trouble = networkTrouble('npm', result.all ?? '', environment);
    if (trouble !== undefined) return `${command} install failed: the registry ${trouble.what}. ${trouble.suggestion}`;
    return (
      `${command} install failed (${result.shortMessage?.split('\n', 1)[0] ?? 'no reason given'}); run it in the ` +
      'directory to see why.'
    );
  }
  return 'There is no package.json, so there was nothing to install.';
}
