/** The git edge, the repository that a directory is in: its own, or another one around it. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import { gitError, type GitOptions, mustRun, runGit } from './git-run.ts';

/** A work tree of git that a directory lies in. */
export interface WorkTree {
  /** Its topmost directory; for one that git does not read, the directory that git was asked about. */
  root: string;
  /** Whether it leaves the directory to others: its ignore rules name it. */
  ignores: boolean;
  /** Whether git refuses to read it, because it belongs to another user. */
  foreign: boolean;
}

/**
 * The work tree of another repository that the directory lies in, or will when it is made.
 * @param directory absolute; has no `.git` of its own
 * @returns undefined where there is none, e.g. inside a bare repository
 * @throws MuseError `git-missing` and the like
 */
export async function outerWorkTree(directory: string, options: GitOptions = {}): Promise<WorkTree | undefined> {
  const { start, rest } = await nearestAbove(
    (await kindOf(directory)) === undefined ? directory : await realpath(directory),
  );
  // Most places are in no repository, and git need not be asked about them.
  if (!(await mayHaveWorkTree(start))) return undefined;
  const asked = { ...options, directory: start };
  // With a slash at its end, git reads the path as a directory, which may not be there yet.
  const path = `${rest.join('/')}/`;
  const [found, check] = await Promise.all([
    runGit(['rev-parse', '--show-toplevel'], asked),
    runGit(['check-ignore', '--quiet', '--no-index', '--', path], asked),
  ]);
  if (!found.ok) {
    return /dubious ownership/i.test(found.stderr) ? { root: start, ignores: false, foreign: true } : undefined;
  }
  if (/^fatal/m.test(check.stderr)) throw gitError(start, 'check-ignore', check.stderr);
  return { root: resolve(found.stdout.replace(/\r?\n$/, '')), ignores: check.ok, foreign: false };
}

/** Says whether the directory, or one above it, has the entry by which git finds a work tree. */
export async function mayHaveWorkTree(directory: string): Promise<boolean> {
  for (let current = resolve(directory); ; current = dirname(current)) {
    if ((await kindOf(join(current, '.git'))) !== undefined) return true;
    if (current === dirname(current)) return false;
  }
}

/** The nearest directory above the path that exists, without links on the way to it, and the names from there. */
async function nearestAbove(path: string): Promise<{ start: string; rest: string[] }> {
  const rest: string[] = [];
  for (let current = resolve(path); ; current = dirname(current)) {
    const above = dirname(current);
    rest.unshift(basename(current));
    if ((await kindOf(above)) !== undefined || above === dirname(above)) return { start: await realpath(above), rest };
  }
}

/** What the repository of a directory without files has: no commit yet, or one without files. */
export interface EmptyRepository {
  /** The commit that is checked out, 40 hex; undefined where there is none yet. */
  head: string | undefined;
}

/**
 * The repository in a directory that holds nothing else.
 * @throws MuseError `bad-directory` where its commit has files: they would be deleted by the next commit; `git-failed`
 */
export async function emptyRepository(directory: string, options: GitOptions = {}): Promise<EmptyRepository> {
  const here = { ...options, directory };
  const found = await runGit(['rev-parse', '--verify', '--quiet', '--end-of-options', 'HEAD^{commit}'], here);
  // Without a commit git prints nothing; anything else is a repository that cannot be used.
  if (!found.ok && found.stderr.trim() !== '') throw gitError(directory, 'rev-parse', found.stderr);
  const head = found.ok ? found.stdout.trim() : undefined;
  const staged = await mustRun('ls-files', directory, ['ls-files', '-z'], here);
  const committed =
    head === undefined ? '' : await mustRun('ls-tree', directory, ['ls-tree', '--name-only', '-z', head], here);
  const [first, second] = `${staged}${committed}`.split('\0').filter((name) => name !== '');
  if (first === undefined) return { head };
  throw new MuseError({
    code: 'bad-directory',
    message: `The repository in ${directory} has files that are not checked out (${first}${second === undefined ? '' : ', …'}).`,
    suggestion: 'Use an empty repository, or another directory: --dir <path>.',
  });
}

/**
 * Starts the history of the repository in `directory` after a commit of another one, whose files it does not get.
 * @param from path of the other repository
 * @param commit 40 hex
 */
export async function startAfter(
  directory: string,
  from: string,
  commit: string,
  options: GitOptions = {},
): Promise<void> {
  const here = { ...options, directory };
  await mustRun('fetch', from, ['fetch', '--quiet', '--no-tags', '--', from, 'HEAD'], here);
  await mustRun('update-ref', directory, ['update-ref', 'HEAD', commit], here);
}

/**
 * Gives the repository in `directory` the history of another one: the branch that is checked out becomes its commit,
 * and so does the index. Files stay as they are. Run again, it changes nothing.
 * @param from path of the other repository, whose history starts where this one's ends
 */
export async function takeHistory(directory: string, from: string, options: GitOptions = {}): Promise<void> {
  const here = { ...options, directory };
  await mustRun('fetch', from, ['fetch', '--quiet', '--no-tags', '--', from, 'HEAD'], here);
  await mustRun('update-ref', directory, ['update-ref', '-m', 'create-muse', 'HEAD', 'FETCH_HEAD'], here);
  await mustRun('read-tree', directory, ['read-tree', 'HEAD'], here);
}
