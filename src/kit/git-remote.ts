/** Gets one commit of a remote repository: finds the ref, signs in if there is a token, checks it out. */
import { MuseError } from '../shared/error.ts';
import { type GitOptions, tokenSettings } from './git-run.ts';
import { initRepository } from './git.ts';
import { fetchCommit, fetchHistory, lsRemote, type RemoteRef, sshCommand } from './git-fetch.ts';
import { closest } from '../shared/nearest.ts';

/** What to check out, from where, to where. */
export interface Checkout {
  url: string;
  /** The URL or path, safe to show. */
  subject: string;
  /** Branch, tag or commit; default what the repository's `HEAD` names. */
  ref?: string | undefined;
  /** An empty directory; becomes a repository. */
  directory: string;
  git: GitOptions;
}

/**
 * Checks the commit out. The token of `GITHUB_TOKEN` / `GH_TOKEN` is used only after GitHub refused without it: an old
 * token must not keep a public kit from being read.
 * @returns the commit, 40 hex
 * @throws MuseError as `fetchKit` says
 */
export async function checkoutKit(checkout: Checkout): Promise<string> {
  const git = { ...checkout.git };
  if (/^ssh:|^[^/]+@?[^/]*:(?!\/\/)/.test(checkout.url)) git.ssh = await sshCommand(git);
  const ready = initRepository(checkout.directory, git);
  try {
    return await attempt({ ...checkout, git }, ready);
  } catch (error) {
    const settings = tokenSettings(git.environment ?? process.env, checkout.url);
    const refused = error instanceof MuseError && ['kit-private', 'kit-not-found'].includes(error.code);
    if (settings === undefined || !refused) throw error;
    return attempt({ ...checkout, git: { ...git, settings } }, ready);
  }
}

const wholeCommit = /^[0-9a-f]{40}$/;
const partOfCommit = /^[0-9a-f]{7,40}$/;

/**
 * Checks that a repository answers and has the ref, without getting anything of it.
 * @throws MuseError as `fetchKit` says
 */
export async function checkRemote({ url, subject, ref, git }: Omit<Checkout, 'directory'>): Promise<void> {
  const own = { ...git };
  if (/^ssh:|^[^/]+@?[^/]*:(?!\/\/)/.test(url)) own.ssh = await sshCommand(own);
  const refs = await lsRemote(url, own, subject).catch((error: unknown) => {
    const settings = tokenSettings(git.environment ?? process.env, url);
    const refused = error instanceof MuseError && ['kit-private', 'kit-not-found'].includes(error.code);
    if (settings === undefined || !refused) throw error;
    return lsRemote(url, { ...own, settings }, subject);
  });
  if (refs.length === 0) throw empty(subject);
  if (ref === undefined) headRef(refs, subject);
  else if (findRef(refs, ref) === undefined && !partOfCommit.test(ref)) throw unknownRef(ref, refs, subject);
}

/** @param ready settles once the directory is a repository */
async function attempt({ url, subject, ref, directory, git }: Checkout, ready: Promise<void>): Promise<string> {
  const options = { ...git, directory };
  if (ref === undefined && url.startsWith('file:')) {
    await ready;
    try {
      return await fetchCommit(url, 'HEAD', options, subject);
    } catch (error) {
      // What is wrong with it, its refs tell.
      if (!(error instanceof MuseError) || ['cancelled', 'git-timeout', 'git-missing'].includes(error.code))
        throw error;
    }
  }
  // Listing the refs first is cheap and fails fast if no one answers; the transfer may take long.
  const [refs] = await Promise.all([
    lsRemote(url, { ...git, timeoutMs: Math.min(git.timeoutMs ?? 60_000, 60_000) }, subject),
    ready,
  ]);
  if (refs.length === 0) throw empty(subject);
  if (ref === undefined) return fetchCommit(url, headRef(refs, subject), options, subject);
  const named = findRef(refs, ref);
  if (named !== undefined) return fetchCommit(url, named, options, subject);
  if (!partOfCommit.test(ref)) throw unknownRef(ref, refs, subject);
  if (wholeCommit.test(ref)) {
    try {
      return await fetchCommit(url, ref, options, subject);
    } catch (error) {
      // An older server hands out only what a branch or tag names: then all of it is fetched.
      if (!(error instanceof MuseError) || !['git-failed', 'kit-unreachable'].includes(error.code)) throw error;
    }
  }
  const commit = await fetchHistory(url, ref, options, subject);
  if (commit === undefined) throw unknownRef(ref, refs, subject);
  return commit;
}

/** The full name of the branch or tag that `ref` means, in the order of gitrevisions(7): a tag before a branch. */
function findRef(refs: readonly RemoteRef[], ref: string): string | undefined {
  const names = new Set(refs.map(({ name }) => name));
  return [ref, `refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`].find(
    (name) => names.has(name) && (name === 'HEAD' || name.startsWith('refs/')),
  );
}

function headRef(refs: readonly RemoteRef[], subject: string): string {
  if (refs.some(({ name }) => name === 'HEAD')) return 'HEAD';
  const branches = refs.filter(({ name }) => name.startsWith('refs/heads/')).map(({ name }) => name);
  const only =
    branches.find((name) => /\/(main|master)$/.test(name)) ?? (branches.length === 1 ? branches[0] : undefined);
  if (only !== undefined) return only;
  throw new MuseError({
    code: 'kit-ref-unknown',
    message: `${subject} has no default branch: its HEAD names a branch that does not exist.`,
    detail: `It has ${branches.map(short).join(', ')}.`,
    suggestion: 'Name a branch, tag or commit: --ref <ref>.',
  });
}

const short = (name: string) => name.replace(/^refs\/(heads|tags)\//, '');

function unknownRef(ref: string, refs: readonly RemoteRef[], subject: string): MuseError {
  const names = [
    ...new Set(refs.filter(({ name }) => /^refs\/(heads|tags)\//.test(name)).map(({ name }) => short(name))),
  ];
  const close = closest(ref, names, 5);
  return new MuseError({
    code: 'kit-ref-unknown',
    message: `${subject} has no branch, tag or commit "${ref}".`,
    detail: `Nearest: ${close.join(', ')}${names.length > close.length ? ` (${names.length} branches and tags in all)` : ''}.`,
    suggestion: close.length > 0 ? `Use an existing one, e.g. --ref ${close[0]}.` : 'Omit --ref.',
  });
}

function empty(subject: string): MuseError {
  return new MuseError({
    code: 'kit-empty',
    message: `${subject} is an empty repository: it has no commit.`,
    suggestion: 'Commit something to it, or use another kit.',
  });
}
