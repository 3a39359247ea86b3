/**
 * kit/: fetch a kit safely, recognize its layout, prune and rename.
 * May touch: git, the network through git, the clone and the cache.
 */
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MuseError } from '../shared/error.ts';
import { fileError, kindOf } from '../shared/files.ts';
import { copyBuiltin } from './builtin.ts';
import { checkoutKit, checkRemote } from './git-remote.ts';
import { type GitOptions, runGit } from './git-run.ts';
import { inspectCheckout, type KitNote } from './inspect.ts';
import type { KitSource } from './source.ts';

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  /** How long each run of git may take, in ms; default 600,000. Listing the refs of a server: 60,000. */
  timeoutMs?: number | undefined;
  /** The environment git runs in; default the process's. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** What a relative path of `--kit` is relative to; default the working directory. */
  from?: string | undefined;
}

/** A kit that was fetched. */
export interface FetchedKit {
  /** 40 hex; for the built-in kit `create-muse@<version>`. */
  commit: string;
  /** The branch, tag or commit that was asked for. */
  ref?: string;
  /** What to set the remote `upstream` to; the built-in kit has none. */
  remoteUrl?: string;
  /** Files of the kit that its own `.gitignore` names; pass them to `addAll`, or the first commit lacks them. */
  ignored: string[];
  /** What was left out or is otherwise worth saying. */
  notes: KitNote[];
}

/** Where a kit is fetched to before it is moved, so that a partly fetched one is never mistaken for complete. */
const staging = '.muse/kit';

/**
 * Fetches the kit into `directory`, which may exist and contain a `.muse`; files of the kit replace files of the same
 * name. A run after a crash starts over. Nothing outside `directory` is written, and no script of the kit runs.
 * @throws MuseError `kit-private`, `kit-not-found`, `kit-unreachable`, `kit-ref-unknown`, `kit-empty`,
 * `kit-unsafe-link` (a link among the migrations leads out of the kit), `git-missing`, `git-timeout`, `cancelled`,
 * `no-permission`, `disk-full` and the others of `fileError`
 */
export async function fetchKit(source: KitSource, directory: string, options: FetchOptions = {}): Promise<FetchedKit> {
  const place = resolve(directory);
  const stage = join(place, staging);
  const had = (await kindOf(join(place, '.muse'))) !== undefined;
  if ((await kindOf(join(place, '.muse'))) === 'link') throw linked(place);
  let made: string | undefined;
  try {
    // A git that outlived a killed run may still be writing there.
    await rm(stage, { recursive: true, force: true, maxRetries: 5 });
    made = await mkdir(stage, { recursive: true });
    const kit = await fill(source, stage, options);
    await moveInto(stage, place);
    made = undefined;
    return kit;
  } catch (error) {
    throw fileError(error, place);
  } finally {
    await rm(stage, { recursive: true, force: true });
    if (!had) await rmdir(join(place, '.muse')).catch(() => undefined);
    if (made !== undefined && !made.startsWith(join(place, '.muse'))) await removeEmpty(place, made);
  }
}

/** Removes the directories that a failed run made, from the innermost to `top`, if they are empty. */
async function removeEmpty(place: string, top: string): Promise<void> {
  for (let current = place; current.startsWith(top); current = dirname(current)) {
    try {
      await rmdir(current);
    } catch {
      return;
    }
  }
}

async function fill(source: KitSource, stage: string, options: FetchOptions): Promise<FetchedKit> {
  if (source.kind === 'builtin') return { commit: await copyBuiltin(stage), ignored: [], notes: [] };
  const path = source.kind === 'path' ? resolve(options.from ?? process.cwd(), source.path) : undefined;
  if (path !== undefined) await mustBeRepository(source.text, path);
  const url = path === undefined ? (source as { url: string }).url : pathToFileURL(path).href;
  const git = { signal: options.signal, timeoutMs: options.timeoutMs ?? 600_000, environment: options.environment };
  const [notes, commit] = await Promise.all([
    path === undefined ? [] : looseChanges(path, git),
    checkoutKit({ url, subject: path ?? source.text, ref: source.ref, directory: stage, git }).catch(
      async (error: unknown) => {
        throw await orFolder(error, source.text, options.from);
      },
    ),
  ]);
  const { notes: seen, ignored } = await inspectCheckout(stage, git);
  await rm(join(stage, '.git'), { recursive: true, force: true });
  return {
    commit,
    ...(source.ref === undefined ? {} : { ref: source.ref }),
    remoteUrl: path ?? url,
    ignored,
    notes: [...notes, ...seen],
  };
}

/**
 * Checks that a kit can be reached and has the ref that is asked for; gets nothing of it.
 * @throws MuseError as {@link fetchKit} says
 */
export async function checkKit(source: KitSource, options: FetchOptions = {}): Promise<void> {
  if (source.kind === 'builtin') return;
  const path = source.kind === 'path' ? resolve(options.from ?? process.cwd(), source.path) : undefined;
  if (path !== undefined) await mustBeRepository(source.text, path);
  const url = path === undefined ? (source as { url: string }).url : pathToFileURL(path).href;
  const git = { signal: options.signal, timeoutMs: options.timeoutMs ?? 30_000, environment: options.environment };
  await checkRemote({ url, subject: path ?? source.text, ref: source.ref, git }).catch(async (error: unknown) => {
    throw await orFolder(error, source.text, options.from);
  });
}

/** If GitHub has no such repository but this machine has such a folder, the user may have meant that. */
async function orFolder(error: unknown, text: string, from = process.cwd()): Promise<unknown> {
  const absent = error instanceof MuseError && ['kit-not-found', 'kit-private'].includes(error.code);
  if (!absent || !/^[\w.-]+\/[\w.-]+$/.test(text) || (await kindOf(resolve(from, text))) === undefined) return error;
  const { code, message, detail, suggestion } = error;
  return new MuseError({
    code,
    message,
    ...(detail === undefined ? {} : { detail }),
    suggestion: `There is a folder ${text} on this machine: to use it, write --kit ./${text}. ${suggestion}`,
    cause: error,
  });
}

async function moveInto(stage: string, place: string): Promise<void> {
  for (const name of await readdir(stage)) {
    // Replaces what an interrupted run moved; a folder cannot be renamed over one that has files.
    await rm(join(place, name), { recursive: true, force: true });
    await rename(join(stage, name), join(place, name));
  }
}

async function mustBeRepository(text: string, path: string): Promise<void> {
  if ((await kindOf(path)) === undefined) {
    throw new MuseError({
      code: 'kit-not-found',
      message: `${path} does not exist.`,
      suggestion: `Check the path of --kit "${text}"; owner/repo is a repository on GitHub, ./path one on this machine.`,
    });
  }
  // A bare repository has HEAD and objects at its top; a work tree has .git, a folder or (in a linked one) a file.
  if ((await kindOf(join(path, '.git'))) !== undefined) return;
  if ((await kindOf(join(path, 'HEAD'))) === 'file' && (await kindOf(join(path, 'objects'))) !== undefined) return;
  throw new MuseError({
    code: 'kit-not-found',
    message: `${path} is not a git repository, so there is no commit to use.`,
    suggestion:
      'Name the top folder of a repository; or create one there: git init && git add . && git commit -m "Start".',
  });
}

function linked(place: string): MuseError {
  return new MuseError({
    code: 'path-outside',
    message: `${join(place, '.muse')} is a symbolic link, so nothing was written there.`,
    suggestion: 'Remove the link, or use another directory.',
  });
}

/** Settings that disable a repository's own clean filters, which git would run as programs. */
async function withoutFilters(path: string, git: GitOptions): Promise<string[]> {
  const found = await runGit(
    ['-C', path, 'config', '--name-only', '-z', '--get-regexp', String.raw`^filter\..*\.(clean|smudge|process)$`],
    git,
  );
  return found.stdout
    .split('\0')
    .filter((key) => key !== '')
    .flatMap((key) => ['-c', `${key}=`]);
}

/**
 * A note about changes in a work tree since its last commit, which are not used. None for a bare repository.
 * @param path absolute
 */
async function looseChanges(path: string, git: GitOptions): Promise<KitNote[]> {
  if ((await kindOf(join(path, '.git'))) === undefined) return [];
  const filters = await withoutFilters(path, git);
  const result = await runGit(
    [
      ...filters,
      '-C',
      path,
      'status',
      '--porcelain',
      '-z',
      '--no-renames',
      '--untracked-files=normal',
      '--ignore-submodules=all',
    ],
    git,
  );
  if (!result.ok) return [];
  const paths = result.stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.slice(3));
  if (paths.length === 0) return [];
  const count = paths.length === 1 ? 'One change is' : `${paths.length} changes are`;
  return [
    {
      kind: 'uncommitted',
      paths,
      message: `${count} not committed in the kit, and not used: the muse is made from its last commit.`,
    },
  ];
}
