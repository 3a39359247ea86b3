/**
 * All access to the file system: every module reads and writes files through here, so that writing through a
 * symbolic link, half a file after a crash, or a secret that others can read is prevented in one place.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type ErrorCode, isTellable, MuseError, unexpected } from './error.ts';

/** Says whether the error is Node's with one of these codes, e.g. `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

interface FileProblem {
  /** Node's codes, https://nodejs.org/api/errors.html#common-system-errors. */
  codes: readonly string[];
  code: ErrorCode;
  says: string;
  suggestion: string;
}

const fileProblems: readonly FileProblem[] = [
  {
    codes: ['EACCES', 'EPERM'],
    code: 'no-permission',
    says: 'cannot be read or written by this user',
    suggestion:
      'Check its owner and mode (ls -l), close programs that use it, or choose another directory with --dir <path>.',
  },
  {
    codes: ['EROFS'],
    code: 'read-only',
    says: 'is on a read-only file system',
    suggestion: 'Choose another directory with --dir <path>.',
  },
  {
    codes: ['ENOSPC', 'EDQUOT'],
    code: 'disk-full',
    says: 'could not be written: the disk is full, or your quota is used up',
    suggestion: 'Free some space, then run this again. What existed before is unchanged.',
  },
  {
    codes: ['EMFILE', 'ENFILE'],
    code: 'too-many-files',
    says: 'could not be opened: too many files are open',
    suggestion: 'Close other programs or increase the limit (ulimit -n), then run this again.',
  },
  {
    codes: ['ENOMEM', 'ERR_WORKER_OUT_OF_MEMORY'],
    code: 'out-of-memory',
    says: 'could not be worked on: there is no memory left',
    suggestion:
      'Close other programs, or give this one more memory (ulimit -v, the limit of the container), then run this again.',
  },
  {
    codes: ['ENAMETOOLONG'],
    code: 'path-too-long',
    says: 'has a longer name than the file system allows',
    suggestion: 'Choose a directory with a shorter path: --dir <path>.',
  },
  {
    codes: ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY'],
    code: 'path-taken',
    says: 'is a file where a folder is needed, or a folder where a file is needed',
    suggestion: 'Move or rename it, then run this again.',
  },
  {
    codes: ['EBUSY', 'ETXTBSY'],
    code: 'file-busy',
    says: 'is in use by another program',
    suggestion: 'Close that program, then run this again.',
  },
];

/**
 * The MuseError for an error of the file system; any other error unchanged.
 * @param path what was read or written, if the error itself does not say
 */
export function fileError(error: unknown, path: string): unknown {
  const problem = fileProblems.find(({ codes }) => hasCode(error, ...codes));
  if (problem === undefined) return error;
  // The error of a write to an open file names no path.
  const { message, path: own = path } = error as NodeJS.ErrnoException;
  return new MuseError({
    code: problem.code,
    message: `${own === '' ? 'A file' : own} ${problem.says}.`,
    detail: message,
    suggestion: problem.suggestion,
    cause: error,
  });
}

/** Anything thrown, as a MuseError. */
export function asMuseError(thrown: unknown, path = ''): MuseError {
  if (isTellable(thrown)) return thrown.told();
  const known = fileError(thrown, path);
  return known instanceof MuseError ? known : unexpected(known);
}

/**
 * The file's bytes, or undefined where there is no such file.
 * @throws MuseError as {@link fileError} says, `no-permission` for one
 */
export async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw fileError(error, path);
  }
}

/**
 * {@link readBytes}, synchronously: for hundreds of small files this takes a fifth of the time, because each `await` of a
 * file is four trips through the thread pool.
 */
export function readBytesAtOnce(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The file as UTF-8 text, or undefined where there is no such file. */
export async function readText(path: string): Promise<string | undefined> {
  return (await readBytes(path))?.toString('utf8');
}

/**
 * The file as UTF-8 text, or undefined where there is no such file: for files whose text decides something, or is written back.
 * @throws MuseError `unreadable-file` where it is not UTF-8, with the byte and its line
 */
export async function readUtf8(path: string): Promise<string | undefined> {
  const bytes = await readBytes(path);
  if (bytes === undefined) return undefined;
  const { decodeText } = await import('./decode.ts');
  const decoded = decodeText(bytes);
  if ('text' in decoded) return decoded.text;
  const { why, suggestion, position } = decoded;
  throw new MuseError({
    code: 'unreadable-file',
    message: `${path} cannot be read, at line ${position.line}: ${why}.`,
    suggestion,
  });
}

/** What is at the path itself (a link is not followed), or undefined. */
export async function kindOf(path: string): Promise<'file' | 'directory' | 'link' | 'other' | undefined> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return 'link';
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw fileError(error, path);
  }
}

/** Names in a directory, sorted by code unit; empty where there is none. */
export async function listNames(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw fileError(error, path);
  }
}

/**
 * The absolute path of `path` in `root`, checked component by component.
 * @throws MuseError `path-outside` where it leaves `root` by `..`, or passes through a symbolic link
 */
export async function inside(root: string, path: string): Promise<string> {
  const base = resolve(root);
  const target = resolve(base, path);
  const way = relative(base, target);
  // On Windows a relative path to another drive is absolute, and a NUL ends a path early for the system.
  if (isAbsolute(way) || way.split(sep)[0] === '..' || path.includes('\0')) throw outside(path, root);
  let current = base;
  for (const part of way.split(sep)) {
    current = join(current, part);
    if (current !== base && (await kindOf(current)) === 'link') throw outside(path, root);
  }
  return target;
}

function outside(path: string, root: string): MuseError {
  return new MuseError({
    code: 'path-outside',
    message: `"${path}" leads out of ${root}, through ".." or a symbolic link, so nothing was written there.`,
    suggestion: 'Remove the link, or use a path inside the directory.',
  });
}

/** Leaves so many files in a folder, those that were written or used last. */
export async function removeOldest(folder: string, most: number): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= most) return;
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
  for (const { name } of aged.sort((x, y) => y.at - x.at).slice(most)) await rm(join(folder, name), { force: true });
}

/**
 * Writes a file atomically: a temporary file beside it, flushed, then renamed over it. Creates parent directories.
 * @param mode permission bits where the system has them; `0o600` for secrets
 * @throws MuseError as {@link fileError} says: `no-permission`, `disk-full`, `read-only` …
 */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}
