/** Finds the directory of a muse on this machine; a repository is cloned into the data directory. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchCommit } from '../kit/git-fetch.ts';
import { initRepository } from '../kit/git.ts';
import { openMuse } from '../muse/open.ts';
import { readMuseFile } from '../muse/muse-json.ts';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import type { Muse } from '../shared/muse-file.ts';
import type { MuseSource } from './registry/muses.ts';

/** What looking for a muse needs. */
export interface LocateOptions {
  /** The data directory of this machine. */
  directory: string;
  /** What this machine is called in the registry. */
  host: string;
  environment: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

/**
 * The muse on this machine; of a repository the newest commit of its default branch.
 * @param name as the registry has it
 * @throws MuseError `muse-elsewhere` where it is on another machine, `muse-renamed` where `muse.json` has another name, and
 *   what reading it and git throw
 */
export async function locateMuse(
  muse: MuseSource & { id: string; name: string },
  options: LocateOptions,
): Promise<Muse> {
  const found = muse.isRemote
    ? await cloneMuse(muse.source, join(options.directory, 'clones', muse.id), options)
    : await openLocal(muse, options.host);
  if (found.museFile.name === muse.name) return found;
  throw new MuseError({
    code: 'muse-renamed',
    message: `${found.directory} is the muse ${found.museFile.name} now; the portfolio has it as ${muse.name}.`,
    suggestion: `Archive the old one: muse portfolio archive ${muse.name}. Then add it again: muse portfolio add ${muse.source}`,
  });
}

async function openLocal({ source, host, name }: MuseSource & { name: string }, own: string): Promise<Muse> {
  if ((await kindOf(join(source, 'muse.json'))) === 'file') return openMuse(source);
  throw new MuseError({
    code: 'muse-elsewhere',
    message:
      host === own
        ? `${name} is no longer at ${source}: there is no muse.json.`
        : `${name} is on ${host}, at ${source}; this is ${own}.`,
    suggestion:
      host === own
        ? `If it was moved, archive it and add it again: muse portfolio archive ${name}`
        : 'Run a worker there: muse portfolio work. Or add the muse by the URL of its repository.',
  });
}

/**
 * The muse of a repository, cloned or brought up to date.
 * @throws MuseError what git and reading `muse.json` throw; `no-muse` where the repository is not one
 */
export async function cloneMuse(url: string, directory: string, { environment, signal }: LocateOptions): Promise<Muse> {
  const git = { environment, signal };
  if ((await kindOf(join(directory, '.git'))) === undefined) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await initRepository(directory, git);
  }
  await fetchCommit(url, 'HEAD', { ...git, directory });
  if ((await kindOf(join(directory, 'muse.json'))) === 'file')
    return { directory, museFile: await readMuseFile(directory) };
  throw new MuseError({
    code: 'no-muse',
    message: `The repository ${url} has no muse.json in its root.`,
    suggestion: 'Add the URL of a muse. To create one: create-muse <name>',
  });
}
