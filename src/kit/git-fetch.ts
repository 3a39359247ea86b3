/** The git edge, other repositories: the verbs that fetch a kit, and look at what was fetched. */
import { join } from 'node:path';
import { readText } from '../shared/files.ts';
import { type GitOptions, mustRun, runGit } from './git-run.ts';

/** A branch or tag of another repository. */
export interface RemoteRef {
  /** In full: `HEAD`, `refs/heads/main`, `refs/tags/v1`. */
  name: string;
  /** 40 hex; of an annotated tag the commit it points at. */
  commit: string;
}

/**
 * The branches and tags of a repository, `HEAD` first.
 * @param subject the URL, safe to show
 * @throws MuseError as {@link gitError} says: private, not found, unreachable; and those of `runGit`
 */
export async function lsRemote(url: string, options: GitOptions = {}, subject = url): Promise<RemoteRef[]> {
  const text = await mustRun('ls-remote', subject, ['ls-remote', '--quiet', '--', url], options);
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [commit, name] = line.split('\t');
    if (commit !== undefined && name !== undefined) found.set(name.replace(/\^\{\}$/, ''), commit);
  }
  return [...found].map(([name, commit]) => ({ name, commit }));
}

/**
 * Fetches one commit into the repository in `options.directory`, and checks it out.
 * @param refspec `HEAD`, a full ref name or 40 hex
 * @returns the commit, 40 hex
 */
export async function fetchCommit(
  url: string,
  refspec: string,
  options: GitOptions & { directory: string },
  subject = url,
): Promise<string> {
  const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-write-commit-graph'];
  await mustRun('fetch', subject, [...fetch, '--', url, refspec], options);
  await mustRun('checkout', subject, ['checkout', '--quiet', '--force', '--detach', 'FETCH_HEAD'], options);
  // A HEAD that is detached holds the commit itself.
  return (await readText(join(options.directory, '.git', 'HEAD')))!.trim();
}

/**
 * Fetches every branch and tag with all history, and checks out the one commit that begins with `part`.
 * @param part 7 to 40 hex
 * @returns the commit, 40 hex; undefined if there is none, or more than one
 */
export async function fetchHistory(
  url: string,
  part: string,
  options: GitOptions & { directory: string },
  subject = url,
): Promise<string | undefined> {
  const refs = ['+refs/heads/*:refs/kit/heads/*', '+refs/tags/*:refs/kit/tags/*'];
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-commit-graph',
    '--',
    url,
    ...refs,
  ];
  await mustRun('fetch', subject, args, options);
  const found = await runGit(['rev-parse', '--verify', '--quiet', '--end-of-options', `${part}^{commit}`], options);
  if (!found.ok) return undefined;
  await mustRun('checkout', subject, ['checkout', '--quiet', '--force', '--detach', found.stdout.trim()], options);
  return found.stdout.trim();
}

/** The user's `core.sshCommand`; undefined if it is not set. */
export async function sshCommand(options: GitOptions = {}): Promise<string | undefined> {
  const environment = options.environment ?? process.env;
  const own = environment['GIT_SSH_COMMAND'];
  if (own !== undefined) return own;
  const found = await runGit(['config', '--get', 'core.sshCommand'], options);
  return found.ok && found.stdout.trim() !== '' ? found.stdout.trim() : undefined;
}

/** The files of the commit that is checked out, links (`120000`) and submodules (`160000`) among them. */
export async function listTree(options: GitOptions & { directory: string }): Promise<{ mode: string; path: string }[]> {
  const text = await mustRun('ls-tree', options.directory, ['ls-tree', '-r', '-z', 'HEAD'], options);
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => ({ mode: line.slice(0, 6), path: line.slice(line.indexOf('\t') + 1) }));
}

/** The files of the commit that is checked out that are pointers of Git LFS. */
export async function lfsPointers(options: GitOptions & { directory: string }): Promise<string[]> {
  const words = '^version https://git-lfs.github.com/spec/v1$';
  const found = await runGit(['grep', '--cached', '-l', '-z', '-I', '-G', '-e', words], options);
  return found.stdout.split('\0').filter((path) => path !== '');
}

/** The files in the commit although its own `.gitignore` names them. */
export async function listIgnored(options: GitOptions & { directory: string }): Promise<string[]> {
  const args = ['ls-files', '--cached', '--ignored', '--exclude-per-directory=.gitignore', '-z'];
  return (await mustRun('ls-files', options.directory, args, options)).split('\0').filter((path) => path !== '');
}
