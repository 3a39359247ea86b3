/** git in a repository that a user works in: their changes are never committed along, and never lost. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf } from '../shared/files.ts';
import { gitError, type GitOptions, mustRun, runGit } from './git-run.ts';
import { commitAs, ignoredOf, isTracked, missingIdentity, trackedOf } from './git.ts';

/**
 * Says whether a repository tracks the directory: its own, or an outer one that tracks the file. False if there is no
 * git, or only an outer repository for other things.
 * @param file relative to the directory
 * @throws MuseError as `gitError` says, `kit-owned-by-another` for one
 */
export async function inRepository(directory: string, file: string, options: GitOptions = {}): Promise<boolean> {
  try {
    const found = await runGit(['rev-parse', '--show-prefix'], { ...options, directory });
    if (found.ok) return found.stdout.trim() === '' || (await isTracked(directory, file, options));
    if (/not a git repository/i.test(found.stderr)) return false;
    throw gitError(directory, 'rev-parse', found.stderr);
  } catch (error) {
    if (error instanceof MuseError && error.code === 'git-missing') return false;
    throw error;
  }
}

/** Files by which git marks an operation that is not finished. */
const begun: readonly (readonly [path: string, what: string])[] = [
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
];

/** The operation that is in progress in the repository, e.g. `merge`; undefined if there is none. */
export async function underWay(directory: string, options: GitOptions = {}): Promise<string | undefined> {
  const folder = (
    await mustRun('rev-parse', directory, ['rev-parse', '--absolute-git-dir'], { ...options, directory })
  ).replace(/\r?\n$/, '');
  for (const [path, what] of begun) if ((await kindOf(join(folder, path))) !== undefined) return what;
  return undefined;
}

/** A path that differs from the last commit. */
export interface Uncommitted {
  path: string;
  /** The last commit has no such file. */
  isNew: boolean;
}

/** Those of the paths that differ from the last commit, or that git does not know and does not ignore either. */
export async function uncommitted(
  directory: string,
  paths: readonly string[],
  options: GitOptions = {},
): Promise<Uncommitted[]> {
  if (paths.length === 0) return [];
  const here = { ...options, directory };
  const [text, prefix] = await Promise.all([
    mustRun(
      'status',
      directory,
      ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=all', '--', '.'],
      here,
    ),
    mustRun('rev-parse', directory, ['rev-parse', '--show-prefix'], here),
  ]);
  // Porcelain's paths start at the top of the repository.
  const top = prefix.replace(/\r?\n$/, '');
  const states = new Map<string, string[]>();
  for (const line of text.split('\0').filter((each) => each !== '')) {
    const path = line.slice(3 + top.length);
    states.set(path, [...(states.get(path) ?? []), line.slice(0, 2)]);
  }
  // A file that was taken out of the index and still exists has two lines: `D ` and `??`.
  return paths.flatMap((path) => {
    const found = states.get(path);
    return found === undefined ? [] : [{ path, isNew: found.every((state) => state === '??' || state[0] === 'A') }];
  });
}

/**
 * Commits paths as they are in the work tree, including new and removed ones, and nothing else: the rest of the index stays as it
 * is. Ignored files that git does not track are left out. Resolves to the commit, 40 hex; undefined if none of them has changed.
 */
type CommitPaths = (paths: readonly string[], message: string) => Promise<string | undefined>;

/**
 * For several commits in a row: what git knows of the paths, and who commits, is asked once.
 * @param all the paths of all those commits
 */
export async function pathCommitter(
  directory: string,
  all: readonly string[],
  options: GitOptions = {},
): Promise<CommitPaths> {
  const here = { ...options, directory };
  const [tracked, identity] = await Promise.all([trackedOf(directory, all, options), missingIdentity(here)]);
  return async (paths, message) => {
    const there = new Set<string>();
    for (const path of paths) if ((await kindOf(join(directory, path))) !== undefined) there.add(path);
    const known = paths.filter((path) => tracked.has(path));
    const untracked = [...there].filter((path) => !tracked.has(path));
    const ignored = await ignoredOf(directory, untracked, options);
    const fresh = untracked.filter((path) => !ignored.has(path));
    if (known.length + fresh.length === 0) return undefined;
    const place = await mkdtemp(join(tmpdir(), 'create-muse-paths-'));
    try {
      // In files, since a command line has a limit.
      const listed = async (name: string, list: readonly string[]): Promise<string[]> => {
        await writeFile(join(place, name), list.join('\0'));
        return ['--pathspec-file-nul', `--pathspec-from-file=${join(place, name)}`];
      };
      if (fresh.length > 0)
        await mustRun('add', directory, ['--literal-pathspecs', 'add', ...(await listed('new', fresh))], here);
      const only = ['--only', ...(await listed('all', [...known, ...fresh]))];
      const commit = await commitAs(identity, directory, message, only, options);
      for (const path of fresh) tracked.add(path);
      for (const path of known) if (!there.has(path)) tracked.delete(path);
      return commit;
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  };
}

/** Nothing of the user's settings changes what a diff looks like, and line ends stay what they are. */
const plain = ['core.autocrlf=false', `core.attributesFile=${devNull}`, 'diff.algorithm=histogram'].flatMap(
  (setting) => ['-c', setting],
);

/**
 * The unified diff between two sets of texts, in the form that `git apply` accepts; empty if they are the same.
 * @param before texts by path, with `/`; a path that only one side has is new, or gone
 * @throws MuseError `git-missing` and the like, `path-outside` for a path that leads out
 */
export async function diffTexts(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  options: GitOptions = {},
): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'create-muse-diff-'));
  try {
    for (const [side, texts] of [
      ['a', before],
      ['b', after],
    ] as const) {
      await mkdir(join(place, side));
      for (const [path, text] of texts) {
        const file = await inside(join(place, side), path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    }
    const args = [
      'diff',
      '--no-index',
      '--no-color',
      '--no-ext-diff',
      '--no-textconv',
      '--text',
      '--no-prefix',
      '--find-renames',
      '--unified=3',
      '--',
      'a',
      'b',
    ];
    const result = await runGit([...plain, ...args], { ...options, directory: place });
    // Exit code 1 means that there are differences.
    if (!result.ok && result.stdout === '') throw gitError('the texts before and after', 'diff', result.stderr);
    // The names of the two trees serve as prefixes of the patch: these lines have none, and a new or deleted file has
    // both.
    return result.stdout
      .replace(/^(rename|copy) (from|to) (")?[ab]\//gm, '$1 $2 $3')
      .replace(/^diff --git ("?)[ab]\/(.*) ("?)([ab])\/\2$/gm, 'diff --git $1a/$2 $3b/$2');
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
