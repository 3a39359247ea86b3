/** Runs git: no shell, no hooks, no template of the user's, no question, and never longer than it may. */
import { devNull } from 'node:os';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import { gitEnvironment } from './git-environment.ts';
import { gitError } from './git-error.ts';

/** How one run of git goes. */
export interface GitOptions {
  /** The directory it runs in. */
  directory?: string;
  /** Ends the run, as on Ctrl-C. */
  signal?: AbortSignal | undefined;
  /** How long it may take, in ms; default 60,000. */
  timeoutMs?: number | undefined;
  /** Settings by environment: the only way for one that holds a secret. */
  settings?: Readonly<Record<string, string>> | undefined;
  /** The ssh command that the user's git is set to. */
  ssh?: string | undefined;
  /** The environment; default the process's. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** What a run of git left. */
export interface GitResult {
  ok: boolean;
  /** As git wrote it, UTF-8. */
  stdout: string;
  stderr: string;
}

/** Settings of every run. Nothing that the user's git or a kit has set may start a program of its own. */
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
 * Ends git and every program that it started: a helper that outlives it would hold its output open, and the run with it.
 * Elsewhere than on Windows git leads a process group of its own.
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
    // It ended by itself in the meantime.
  }
}

/**
 * Runs git to its end, whether it succeeds or not.
 * @throws MuseError `git-missing`; `git-timeout` after `timeoutMs`; `cancelled`
 */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { execa } = await import('execa');
  const { signal, timeoutMs = 60_000 } = options;
  if (signal?.aborted === true) throw cancelled();
  const run = execa('git', [...always, ...args], {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: gitEnvironment(options.environment ?? process.env, options.settings, options.ssh),
    extendEnv: false,
    // A group of its own has no terminal either, so nothing that git starts can ask there.
    detached: process.platform !== 'win32',
    stdin: 'ignore',
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
  const onAbort = () => stop(cancelled());
  signal?.addEventListener('abort', onAbort, { once: true });
  const result = await run;
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  if (stopped !== undefined) throw stopped;
  // The same code tells of a working directory that is not there.
  const atHome = options.directory === undefined || (await kindOf(options.directory)) !== undefined;
  if ('code' in result && result.code === 'ENOENT' && atHome) throw missing(result.cause);
  return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
}

function cancelled(): MuseError {
  return new MuseError({ code: 'cancelled', message: 'git was stopped.', suggestion: 'Run the command again.' });
}

function late(verb: string, timeoutMs: number): MuseError {
  return new MuseError({
    code: 'git-timeout',
    message: `git ${verb} did not end within ${Math.ceil(timeoutMs / 1000)} seconds, so it was stopped.`,
    suggestion: 'Check the network and the address; a kit that is already on this machine can be given as a path.',
  });
}

function missing(cause: unknown): MuseError {
  return new MuseError({
    code: 'git-missing',
    message: 'There is no git on this machine, or it is not on the PATH.',
    suggestion: 'Install git 2.30 or newer from https://git-scm.com/downloads, open a new terminal, and run this again.',
    cause,
  });
}

/**
 * Runs git, which must succeed.
 * @param subject what it works on, as people may see it
 * @returns what it wrote to its standard output
 * @throws MuseError as {@link gitError} tells its words, and those of {@link runGit}
 */
export async function mustRun(verb: string, subject: string, args: readonly string[], options: GitOptions): Promise<string> {
  const result = await runGit(args, options);
  if (!result.ok) throw gitError(subject, verb, result.stderr);
  return result.stdout;
}
