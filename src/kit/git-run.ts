/** Runs git: without a shell, hooks, the user's templates or prompts, and with a time limit. */
import { statfs } from 'node:fs/promises';
import { devNull } from 'node:os';
import { cancelled, type ErrorCode, MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import { networkTrouble } from '../shared/network.ts';

/** Options of one run of git. */
export interface GitOptions {
  /** The directory it runs in. */
  directory?: string;
  /** Ends the run, as on Ctrl-C. */
  signal?: AbortSignal | undefined;
  /** What it reads from its standard input. */
  input?: string | undefined;
  /** How long it may take, in ms; default 60,000. */
  timeoutMs?: number | undefined;
  /** Settings passed in the environment: the only way for one that has a secret. */
  settings?: Readonly<Record<string, string>> | undefined;
  /** The ssh command that the user's git is set to. */
  ssh?: string | undefined;
  /** The environment; default the process's. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** The result of a run of git. */
export interface GitResult {
  ok: boolean;
  /** As git wrote it, UTF-8. */
  stdout: string;
  stderr: string;
}

/** Settings of every run. Nothing that the user or a kit has configured may start a program. */
const always = [
  ['core.hooksPath', devNull],
  ['core.fsmonitor', 'false'],
  ['core.quotePath', 'false'],
  ['filter.lfs.smudge', ''],
  ['filter.lfs.process', ''],
  ['filter.lfs.required', 'false'],
  ['protocol.version', '2'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['core.longPaths', 'true'],
  ['core.safecrlf', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '30'],
].flatMap(([key, value]) => ['-c', `${key}=${value}`]);

/**
 * Ends git and every program that it started: a helper that outlives it would keep its output open, and so the run.
 * Except on Windows, git is the leader of its own process group.
 */
async function endAll(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    const { execa } = await import('execa');
    await execa('taskkill', ['/pid', String(pid), '/T', '/F'], { reject: false });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}

/**
 * Runs git to its end, whether it succeeds or not.
 * @throws MuseError `git-missing`; `git-timeout` after `timeoutMs`; `cancelled`
 */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { execa } = await import('execa');
  const { signal, timeoutMs = 60_000 } = options;
  if (signal?.aborted === true) throw cancelled(signal.reason);
  const run = execa('git', [...always, ...args], {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: gitEnvironment(options.environment ?? process.env, options.settings, options.ssh),
    extendEnv: false,
    // A process group of its own has no terminal, so nothing that git starts can prompt there.
    detached: process.platform !== 'win32',
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 512 * 1024 * 1024,
  });
  let stopped: MuseError | undefined;
  const stop = (why: MuseError) => {
    stopped ??= why;
    void endAll(run.pid);
  };
  const timer = setTimeout(() => stop(late(args[0] ?? '', timeoutMs)), timeoutMs);
  const onAbort = () => stop(cancelled(signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  const result = await run;
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  if (stopped !== undefined) throw stopped;
  // A missing working directory has the same code.
  const atHome = options.directory === undefined || (await kindOf(options.directory)) !== undefined;
  if ('code' in result && result.code === 'ENOENT' && atHome) throw missing(result.cause);
  return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
}

function late(verb: string, timeoutMs: number): MuseError {
  return new MuseError({
    code: 'git-timeout',
    message: `git ${verb} did not end within ${Math.ceil(timeoutMs / 1000)} seconds, so it was stopped.`,
    suggestion: 'Check the network and the address; a kit that is on this machine already can be named by its path.',
  });
}

function missing(cause: unknown): MuseError {
  return new MuseError({
    code: 'git-missing',
    message: 'git is not installed on this machine, or it is not on the PATH.',
    suggestion:
      'Install git 2.30 or newer from https://git-scm.com/downloads, open a new terminal, and run this again.',
    cause,
  });
}

/**
 * Runs git, which must succeed.
 * @param subject what it works on, safe to show
 * @returns what it wrote to its standard output
 * @throws MuseError from {@link runError} and {@link runGit}
 */
export async function mustRun(
  verb: string,
  subject: string,
  args: readonly string[],
  options: GitOptions,
): Promise<string> {
  const result = await runGit(args, options);
  if (!result.ok) throw await runError(subject, verb, result.stderr, options);
  return result.stdout;
}

interface Case {
  /** Matches git's message (with LC_ALL=C). */
  says: RegExp;
  code: ErrorCode;
  message: (subject: string) => string;
  suggestion: string;
}

const signIn =
  'Sign in first: for GitHub set GITHUB_TOKEN (or run `gh auth login && gh auth setup-git`), or use the ssh ' +
  'address with a key in your agent.';

const cases: readonly Case[] = [
  {
    says: /could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP code = 40[13]|error: 40[13]/i,
    code: 'kit-private',
    message: (subject) => `${subject} is private or does not exist: the server asks for a sign-in.`,
    suggestion: `Check the address. ${signIn}`,
  },
  {
    says: /Permission denied \(publickey|Host key verification failed|no matching host key/i,
    code: 'kit-private',
    message: (subject) => `${subject} refused the ssh sign-in.`,
    suggestion:
      'Run `ssh -T git@github.com` (or your host) once: it says which key or host is missing. Or use the https address.',
  },
  {
    says: /repository '.*' not found|Repository not found|does not appear to be a git repository|error: 404/i,
    code: 'kit-not-found',
    message: (subject) => `There is no repository at ${subject}, or it is private.`,
    suggestion: `Check the address. ${signIn}`,
  },
  {
    says: /dubious ownership/i,
    code: 'kit-owned-by-another',
    message: (subject) => `${subject} belongs to another user of this machine, so git does not read it.`,
    suggestion: 'If you trust it: git config --global --add safe.directory <path>, then run this again.',
  },
  {
    says: /transport '.*' not allowed/i,
    code: 'bad-kit-source',
    message: (subject) => `${subject} asks for a transport other than https, ssh or file.`,
    suggestion: 'Use an https or ssh address, or a path.',
  },
  {
    says: /repository corruption|unable to read [0-9a-f]{40}|(?:loose|packed) object .* is corrupt|object file .* is empty/i,
    code: 'git-failed',
    message: (subject) => `${subject} is incomplete or damaged: git cannot read all of its objects.`,
    suggestion:
      'Clone it again in full, and use that clone: one that was interrupted or is partial lacks objects (git fsck lists them).',
  },
  {
    says: /Could not resolve host|unable to access|Connection (refused|timed out|reset)|Network is unreachable|Operation too slow|early EOF|server certificate verification failed|SSL certificate problem|unexpected disconnect|Could not read from remote/i,
    code: 'kit-unreachable',
    message: (subject) => `${subject} cannot be reached.`,
    suggestion: 'Check the network and the address; a kit that is on this machine already can be named by its path.',
  },
  {
    says: /No space left on device|Disk quota exceeded/i,
    code: 'disk-full',
    message: (subject) => `The disk is full, so ${subject} could not be written.`,
    suggestion: 'Free some space, then run this again.',
  },
  {
    says: /unknown (option|switch)/i,
    code: 'git-missing',
    message: () => 'This version of git is too old for create-muse.',
    suggestion: 'Install git 2.30 or newer from https://git-scm.com/downloads, and run this again.',
  },
];

/**
 * The error for a failed run of git.
 * @param subject what git worked on, for people: a URL without credentials, or a path
 * @param stderr what git printed
 * @param environment that git ran in
 */
export function gitError(
  subject: string,
  verb: string,
  stderr: string,
  environment: NodeJS.ProcessEnv = process.env,
): MuseError {
  const detail = stderr.trim().split('\n').slice(-12).join('\n');
  const known = cases.find((entry) => entry.says.test(stderr));
  const trouble = known?.code === 'kit-unreachable' ? networkTrouble('git', stderr, environment) : undefined;
  if (trouble !== undefined)
    return new MuseError({
      code: 'kit-unreachable',
      message: `${subject} ${trouble.what}.`,
      detail,
      suggestion: trouble.suggestion,
    });
  return new MuseError({
    code: known?.code ?? 'git-failed',
    message: known?.message(subject) ?? `git ${verb} failed on ${subject}.`,
    detail,
    suggestion: known?.suggestion ?? 'Fix what git printed above, then run this again.',
  });
}

/** A disk with less is full: git writes its index, objects and a lock for each. */
const leastSpace = 256 * 1024;

/**
 * {@link gitError}, or `disk-full` where the disk of the directory that git ran in is: what git says of that differs from one file to
 * the next.
 */
export async function runError(
  subject: string,
  verb: string,
  stderr: string,
  { directory, environment }: GitOptions,
): Promise<MuseError> {
  const error = gitError(subject, verb, stderr, environment);
  const space = directory === undefined ? undefined : await statfs(directory).catch(() => undefined);
  if (space === undefined || space.bavail * space.bsize >= leastSpace) return error;
  return new MuseError({
    code: 'disk-full',
    message: `git ${verb} failed on ${subject}: the disk is full.`,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    suggestion: 'Free some space, then run this again.',
  });
}

/** Variables of git that say who commits and how the network is reached; every other `GIT_*` is dropped. */
const kept = new Set([
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_AUTHOR_DATE',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_COMMITTER_DATE',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_EXEC_PATH',
  'GIT_SSH',
  'GIT_SSH_VARIANT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
]);

/** `GIT_CONFIG_COUNT` and its pairs: settings by environment, which are kept and added to. */
const configuration = /^GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+)$/;

/** Always set; see git(1), "ENVIRONMENT VARIABLES". */
const fixed = {
  LC_ALL: 'C',
  LANGUAGE: '',
  GIT_TERMINAL_PROMPT: '0',
  // With an empty program git does not look for one that asks for a password; the prompt is disabled, so it gives up.
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  GCM_INTERACTIVE: 'never',
  GIT_ALLOW_PROTOCOL: 'https:ssh:file',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ADVICE: '0',
} as const;

/**
 * The environment for one run of git.
 * @param own the process's environment
 * @param settings further git settings, e.g. `http.extraHeader`; they may contain a secret
 * @param ssh the ssh command that the user's git is set to
 */
export function gitEnvironment(
  own: NodeJS.ProcessEnv,
  settings: Readonly<Record<string, string>> = {},
  ssh = own['GIT_SSH_COMMAND'],
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    const upper = name.toUpperCase();
    if (value === undefined || (upper.startsWith('GIT_') && !kept.has(upper) && !configuration.test(upper))) continue;
    result[name] = value;
  }
  // BatchMode: a passphrase or an unknown host ends in an error instead of a question.
  Object.assign(result, fixed);
  if (ssh !== undefined || own['GIT_SSH'] === undefined) {
    result['GIT_SSH_COMMAND'] = `${ssh ?? 'ssh'} -o BatchMode=yes`;
  }
  const pairs = Object.entries(settings);
  const before = Number(own['GIT_CONFIG_COUNT'] ?? 0) || 0;
  if (pairs.length > 0) result['GIT_CONFIG_COUNT'] = String(before + pairs.length);
  pairs.forEach(([key, value], index) => {
    result[`GIT_CONFIG_KEY_${before + index}`] = key;
    result[`GIT_CONFIG_VALUE_${before + index}`] = value;
  });
  return result;
}

/**
 * The settings that let git sign in to GitHub, if the environment has a token and the URL is an https URL of GitHub.
 */
export function tokenSettings(own: NodeJS.ProcessEnv, url: string): Record<string, string> | undefined {
  const token = own['GITHUB_TOKEN'] || own['GH_TOKEN'];
  if (!token || !url.startsWith('https://github.com/')) return undefined;
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return { 'http.https://github.com/.extraHeader': `Authorization: Basic ${basic}` };
}
