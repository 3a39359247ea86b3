/** The git edge, the muse's own repository: every verb is a function here. Those that fetch are in `git-fetch.ts`. */
import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import { type GitOptions, type GitResult, mustRun, runError, runGit } from './git-run.ts';

/** The oldest git with every option used here. */
const oldest = [2, 30] as const;

/**
 * git's version, e.g. `2.39.5`.
 * @throws MuseError `git-missing` if there is none or it is older than 2.30
 */
export async function gitVersion(options: GitOptions = {}): Promise<string> {
  const text = await mustRun('version', 'this machine', ['version'], options);
  const match = /(\d+)\.(\d+)[\d.]*/.exec(text);
  const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (match !== null && (major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) return match[0];
  throw new MuseError({
    code: 'git-missing',
    message: `git ${match?.[0] ?? text.trim()} is too old: ${oldest.join('.')} or newer is needed.`,
    suggestion: 'Install a newer git from https://git-scm.com/downloads, and run this again.',
  });
}

/**
 * Makes a repository in `directory` without the user's template, on a branch `main`.
 * @throws MuseError `git-failed` and those of `runGit`
 */
export async function initRepository(directory: string, options: GitOptions = {}): Promise<void> {
  const args = ['init', '--quiet', '--template=', '--initial-branch=main', '--', directory];
  await mustRun('init', directory, args, options);
}

/** The commit that is checked out, 40 hex. */
export async function headCommit(directory: string, options: GitOptions = {}): Promise<string> {
  const args = ['rev-parse', '--verify', '--end-of-options', 'HEAD^{commit}'];
  return (await mustRun('rev-parse', directory, args, { ...options, directory })).trim();
}

/**
 * Adds all files of the directory to the index, except the ignored ones.
 * @param also ignored files, relative to the directory, that are added nevertheless if they exist
 */
export async function addAll(directory: string, also: readonly string[] = [], options: GitOptions = {}): Promise<void> {
  const here = { ...options, directory };
  // What git takes for a big file goes into one pack: a file for each object would take most of the time.
  const inOnePack = ['-c', 'core.bigFileThreshold=1'];
  await mustRun('add', directory, [...inOnePack, 'add', '--all', '--', '.'], here);
  const there: string[] = [];
  for (const path of also) if ((await kindOf(join(directory, path))) !== undefined) there.push(path);
  // A command line has a limit; Windows has the shortest, 32,767 characters.
  for (let from = 0; from < there.length; from += 100) {
    const paths = there.slice(from, from + 100);
    await mustRun('add', directory, ['--literal-pathspecs', 'add', '--force', '--', ...paths], here);
  }
}

/** The committer if git has none configured, and the variables that would name one. */
const nobody = [
  { key: 'user.name', value: 'create-muse', variables: ['GIT_AUTHOR_NAME', 'GIT_COMMITTER_NAME'] },
  { key: 'user.email', value: 'create-muse@localhost', variables: ['GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_EMAIL'] },
] as const;

/** The `-c` settings that replace the name and email that the user has not configured. */
export async function missingIdentity(options: GitOptions): Promise<string[]> {
  const environment = options.environment ?? process.env;
  const { stdout } = await runGit(['config', '-z', '--get-regexp', String.raw`^user\.(name|email)$`], options);
  const known = new Map(
    stdout.split('\0').map((entry) => [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1)]),
  );
  return nobody
    .filter(({ key, variables }) => !known.get(key)?.trim() && !variables.every((name) => environment[name]))
    .flatMap(({ key, value }) => ['-c', `${key}=${value}`]);
}

/**
 * Commits what is in the index, without hooks, signing or a need for an identity.
 * @returns the commit, 40 hex; undefined if there is nothing to commit
 */
export async function commitIndex(
  directory: string,
  message: string,
  options: GitOptions = {},
): Promise<string | undefined> {
  return commitAs(await missingIdentity({ ...options, directory }), directory, message, [], options);
}

/**
 * Commits all files of the directory, as {@link addAll} finds them and {@link commitIndex} commits them.
 * @returns the commit, 40 hex; undefined if there is nothing to commit
 */
export async function commitAll(
  directory: string,
  also: readonly string[],
  message: string,
  options: GitOptions = {},
): Promise<string | undefined> {
  // Who commits does not depend on what.
  const [identity] = await Promise.all([missingIdentity({ ...options, directory }), addAll(directory, also, options)]);
  return commitAs(identity, directory, message, [], options);
}

/**
 * {@link commitIndex} with more arguments, which may name the paths.
 * @param identity as from {@link missingIdentity}
 */
export async function commitAs(
  identity: readonly string[],
  directory: string,
  message: string,
  more: readonly string[],
  options: GitOptions,
): Promise<string | undefined> {
  const here = { ...options, directory };
  const args = [
    '--literal-pathspecs',
    'commit',
    '--no-verify',
    '--no-gpg-sign',
    '--cleanup=whitespace',
    `--message=${message}`,
    ...more,
  ];
  const settings = ['-c', 'commit.gpgSign=false', '-c', 'core.abbrev=40'];
  const result = await runGit([...identity, ...settings, ...args], here);
  // The first line is `[main (root-commit) 1234…] Message`; to read it saves a run of git.
  if (result.ok) return /^\[.*? ([0-9a-f]{40})\] /.exec(result.stdout)?.[1] ?? headCommit(directory, options);
  // If nothing has changed, git says so on stdout and prints nothing on stderr.
  if (result.stderr.trim() === '' && /nothing (?:added )?to commit|no changes added to commit/.test(result.stdout))
    return undefined;
  const staged = await mustRun('status', directory, ['status', '--porcelain', '-z', '--untracked-files=no'], here);
  if (staged === '') return undefined;
  throw await runError(directory, 'commit', result.stderr || result.stdout, here);
}

/** The URL of a remote; undefined if there is none of that name. */
export async function remoteUrl(
  directory: string,
  name: string,
  options: GitOptions = {},
): Promise<string | undefined> {
  const found = await runGit(['remote', 'get-url', '--', name], { ...options, directory });
  return found.ok ? found.stdout.trim() : undefined;
}

/** Sets the URL of a remote, which is created if needed. */
export async function setRemote(directory: string, name: string, url: string, options: GitOptions = {}): Promise<void> {
  const here = { ...options, directory };
  const there = await remoteUrl(directory, name, options);
  const verb = there === undefined ? 'add' : 'set-url';
  if (there !== url) await mustRun('remote', directory, ['remote', verb, '--', name, url], here);
}

/**
 * Says whether the next commit leaves the file out: git ignores it, and does not track it either.
 * @returns undefined outside a repository, or without git
 */
export async function isLeftOut(
  directory: string,
  file: string,
  options: GitOptions = {},
): Promise<boolean | undefined> {
  const result = await ask(['check-ignore', '--quiet', '--', file], { ...options, directory });
  if (result === undefined || /^fatal/m.test(result.stderr)) return undefined;
  return result.ok;
}

/** Says whether the file is in git's index; false outside a repository. */
export async function isTracked(directory: string, file: string, options: GitOptions = {}): Promise<boolean> {
  const args = ['--literal-pathspecs', 'ls-files', '--error-unmatch', '-z', '--', file];
  return (await ask(args, { ...options, directory }))?.ok ?? false;
}

/** Those of the files that are in git's index; none outside a repository. */
export async function trackedOf(
  directory: string,
  files: readonly string[],
  options: GitOptions = {},
): Promise<Set<string>> {
  const found: string[] = [];
  // A command line has a limit; Windows has the shortest, 32,767 characters.
  for (let from = 0; from < files.length; from += 100) {
    const args = ['--literal-pathspecs', 'ls-files', '-z', '--', ...files.slice(from, from + 100)];
    found.push(...pathsIn(await ask(args, { ...options, directory })));
  }
  return new Set(found);
}

/** Those of the files that git ignores, whether or not it tracks them; none outside a repository. */
export async function ignoredOf(
  directory: string,
  files: readonly string[],
  options: GitOptions = {},
): Promise<Set<string>> {
  if (files.length === 0) return new Set();
  const args = ['check-ignore', '--no-index', '--stdin', '-z'];
  return new Set(pathsIn(await ask(args, { ...options, directory, input: files.join('\0') })));
}

const pathsIn = (result: GitResult | undefined): string[] =>
  (result?.stdout ?? '').split('\0').filter((path) => path !== '');

/** Runs git, which may not be installed. */
async function ask(args: readonly string[], options: GitOptions): Promise<GitResult | undefined> {
  try {
    return await runGit(args, options);
  } catch (error) {
    if (error instanceof MuseError && error.code === 'git-missing') return undefined;
    throw error;
  }
}

/** What is changed, added or unknown to git, with porcelain's two letters; ignored files are not in it. */
export async function gitStatus(
  directory: string,
  options: GitOptions = {},
): Promise<{ state: string; path: string }[]> {
  const text = await mustRun('status', directory, ['status', '--porcelain', '-z', '--no-renames'], {
    ...options,
    directory,
  });
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => ({ state: line.slice(0, 2), path: line.slice(3) }));
}
