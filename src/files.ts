/**
 * The file system's edge: every room that reads or writes files does it through here, so that writing through a
 * symbolic link, half a file after a crash, or a secret that others can read is prevented in one place.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { MuseError } from './error.ts';

/** Says whether the error is Node's with one of these codes, as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** The file's bytes, or undefined where there is no such file. */
export async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The file as UTF-8 text, or undefined where there is no such file. */
export async function readText(path: string): Promise<string | undefined> {
  return (await readBytes(path))?.toString('utf8');
}

/** What is at the path itself (a link is not followed), or undefined. */
export async function kindOf(path: string): Promise<'file' | 'directory' | 'link' | 'other' | undefined> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return 'link';
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Names in a directory, sorted by code unit; empty where there is none. */
export async function listNames(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/**
 * The absolute path of `path` in `root`, checked component by component.
 * @throws MuseError `path-outside` where it leaves `root` by `..`, or passes through a symbolic link
 */
export async function inside(root: string, path: string): Promise<string> {
  const base = resolve(root);
  const target = resolve(base, path);
  const parts = relative(base, target).split(sep);
  if (parts[0] === '..' || resolve(base, ...parts) !== target) throw outside(path, root);
  let current = base;
  for (const part of parts) {
    current = join(current, part);
    if ((await kindOf(current)) === 'link') throw outside(path, root);
  }
  return target;
}

function outside(path: string, root: string): MuseError {
  return new MuseError({
    code: 'path-outside',
    message: `"${path}" leads out of ${root}, by ".." or a symbolic link, so nothing was written there.`,
    suggestion: 'Remove the link, or use a path inside the directory.',
  });
}

/**
 * Writes the whole file or nothing: a temporary file beside it, flushed, then renamed over it. Makes parent directories.
 * @param mode permission bits where the system has them; `0o600` for secrets
 */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
