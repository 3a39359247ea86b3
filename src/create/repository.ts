import { join } from 'node:path';
import type { GitOptions } from '../kit/git-run.ts';
import { emptyRepository, outerWorkTree } from '../kit/work-tree.ts';
import { kindOf } from '../shared/files.ts';
import { shellPath } from '../shared/shell.ts';
import type { Journal } from './journal.ts';

/**
 * Where the history of a new muse goes: a repository that is made for it, the empty one that is in its directory
 * already, or nowhere.
 */
export type Repository = NonNullable<Journal['data']['repository']>;

/** A choice of repository, and what the user should know about it. */
export interface RepositoryChoice {
  repository: Repository;
  note?: string;
}

/**
 * Chooses where the history of a new muse goes. Inside another work tree that does not ignore the directory no
 * repository is made: the outer one could not track the muse's files then, and its clones would lack them.
 * @param wanted true makes one in any case, false in none; undefined leaves it to where the directory is
 * @throws MuseError `bad-directory` where the directory's own repository has files; `git-missing` and the like
 */
export async function chooseRepository(
  directory: string,
  wanted: boolean | undefined,
  git: GitOptions,
): Promise<RepositoryChoice> {
  if (wanted === false) return { repository: 'none' };
  if ((await kindOf(join(directory, '.git'))) !== undefined) {
    await emptyRepository(directory, git);
    return { repository: 'existing' };
  }
  if (wanted === true) return { repository: 'own' };
  const outer = await outerWorkTree(directory, git);
  if (outer === undefined || outer.ignores) return { repository: 'own' };
  const force = 'To create one inside that repository, add --git.';
  const why = outer.foreign
    ? `git does not read the repository around ${outer.root}, which belongs to another user`
    : `the muse is inside the repository ${outer.root}, which tracks its files`;
  const how = outer.foreign ? '' : ` Commit it there: git -C ${shellPath(outer.root)} add ${shellPath(directory)}.`;
  return { repository: 'none', note: `No repository was created: ${why}.${how} ${force}` };
}

/** Where the history of a run's muse goes, as it was chosen. */
export function repositoryOf({ answers, data }: Pick<Journal, 'answers' | 'data'>): Repository {
  // A run of an earlier version knew only these two.
  return data.repository ?? (answers.git === false ? 'none' : 'own');
}
