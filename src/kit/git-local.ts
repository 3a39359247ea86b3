/** Looks at a local repository that is to be used as a kit. Reads only. */
import { join } from 'node:path';
import { kindOf } from '../shared/files.ts';
import { runGit } from './git-run.ts';
import type { GitOptions } from './git-run.ts';
import type { KitNote } from './inspect.ts';

/** Clean filters that a repository's own settings name would run as programs; blanked. */
async function withoutFilters(path: string, git: GitOptions): Promise<string[]> {
  const found = await runGit(['-C', path, 'config', '--name-only', '-z', '--get-regexp', String.raw`^filter\..*\.(clean|smudge|process)$`], git);
  return found.stdout.split('\0').filter((key) => key !== '').flatMap((key) => ['-c', `${key}=`]);
}

/**
 * What a work tree holds beyond its last commit, as a note: none of it is taken. Nothing for a bare repository.
 * @param path absolute
 */
export async function looseChanges(path: string, git: GitOptions): Promise<KitNote[]> {
  if ((await kindOf(join(path, '.git'))) === undefined) return [];
  const filters = await withoutFilters(path, git);
  const result = await runGit(
    [...filters, '-C', path, 'status', '--porcelain', '-z', '--no-renames', '--untracked-files=normal', '--ignore-submodules=all'],
    git,
  );
  if (!result.ok) return [];
  const paths = result.stdout.split('\0').filter((line) => line !== '').map((line) => line.slice(3));
  if (paths.length === 0) return [];
  const count = paths.length === 1 ? 'One change is' : `${paths.length} changes are`;
  return [{ kind: 'uncommitted', paths, message: `${count} not committed in the kit, and not taken: the muse is made from its commit.` }];
}
