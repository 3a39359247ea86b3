/** Puts muses into the registry: directories, what a folder holds, repositories. */
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseKitSource } from '../kit/source.ts';
import { readMuseFile } from '../muse/muse-json.ts';
import { asMuseError, kindOf } from '../shared/files.ts';
import { MuseError } from '../shared/error.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import type { AddedMuse } from './api-types.ts';
import { cloneMuse, type LocateOptions } from './locate.ts';
import { type NewMuse, putMuse } from './registry/muses.ts';
import type { Registry } from './registry/open.ts';

/** What to add. */
export interface AddRequest {
  /** Directories of muses and URLs of repositories. */
  sources: readonly string[];
  /** Folders whose muses are added, at most three levels down. */
  scan: readonly string[];
  tags: readonly string[];
  /** Absolute path that relative ones start from. */
  from: string;
}

/**
 * Adds muses. One that cannot be added does not keep the others out: it is in the result with its error.
 * @throws MuseError `bad-call` where nothing is named
 */
export async function addMuses(
  registry: Registry,
  { sources, scan, tags, from }: AddRequest,
  options: LocateOptions,
): Promise<AddedMuse[]> {
  const found: string[] = [];
  for (const folder of scan) found.push(...(await scanFolder(resolve(from, folder))));
  if (sources.length + scan.length === 0) {
    throw new MuseError({
      code: 'bad-call',
      message: 'Nothing to add was named.',
      suggestion: 'Name directories or repositories: muse portfolio add ../realtymuse; or a folder: --scan ~/products',
    });
  }
  const added: AddedMuse[] = [];
  for (const source of [...sources, ...found]) {
    options.signal?.throwIfAborted();
    try {
      added.push(await addOne(registry, source, tags, from, options));
    } catch (thrown) {
      options.signal?.throwIfAborted();
      const { code, message, suggestion } = asMuseError(thrown);
      added.push({ source, added: false, error: { code, message, suggestion } });
    }
  }
  return added;
}

async function addOne(
  registry: Registry,
  source: string,
  tags: readonly string[],
  from: string,
  options: LocateOptions,
): Promise<AddedMuse> {
  const asked = await placeOfSource(source, from);
  let museFile: MuseFile;
  let clone: string | undefined;
  if (asked.isRemote) {
    // Its name, and so its place, is known when it is there.
    clone = join(options.directory, 'clones', `new-${randomUUID()}`);
    try {
      ({ museFile } = await cloneMuse(asked.source, clone, options));
    } catch (error) {
      await rm(clone, { recursive: true, force: true });
      throw error;
    }
  } else museFile = await readMuseFile(asked.source);
  const muse: NewMuse = { ...asked, name: museFile.name, tags, state: 'created', museFile, host: registry.host };
  try {
    const { id, added } = await registry.transaction((session) => putMuse(session, muse));
    if (clone !== undefined) await keepClone(clone, join(options.directory, 'clones', id));
    return { name: muse.name, source: muse.source, added };
  } finally {
    if (clone !== undefined) await rm(clone, { recursive: true, force: true });
  }
}

async function keepClone(from: string, to: string): Promise<void> {
  if ((await kindOf(to)) === undefined) await rename(from, to);
}

/** A directory of this machine, or a repository's URL without credentials. */
async function placeOfSource(source: string, from: string): Promise<{ source: string; isRemote: boolean }> {
  const directory = resolve(from, source);
  if ((await kindOf(join(directory, 'muse.json'))) === 'file') return { source: directory, isRemote: false };
  if ((await kindOf(directory)) !== undefined) {
    throw new MuseError({
      code: 'no-muse',
      message: `There is no muse.json in ${directory}.`,
      suggestion: `Name the directory of a muse; or all muses in a folder: muse portfolio add --scan ${source}`,
    });
  }
  const parsed = parseKitSource(source);
  if (parsed.kind === 'url') return { source: parsed.url, isRemote: true };
  throw new MuseError({
    code: 'no-muse',
    message: `${directory} does not exist.`,
    suggestion: 'Name the directory of a muse, or the URL of its repository.',
  });
}

/** How far below the folder muses are looked for. */
const deepest = 3;

/** The directories in a folder that have a `muse.json`; nothing is looked for inside of a muse. */
async function scanFolder(folder: string): Promise<string[]> {
  if ((await kindOf(folder)) !== 'directory') {
    throw new MuseError({
      code: 'bad-directory',
      message: `${folder} is not a folder.`,
      suggestion: 'Name a folder that has muses in it: --scan ~/products',
    });
  }
  const found: string[] = [];
  const look = async (directory: string, depth: number): Promise<void> => {
    if ((await kindOf(join(directory, 'muse.json'))) === 'file') {
      found.push(directory);
      return;
    }
    if (depth === deepest) return;
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    const names = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map(({ name }) => name)
      .sort();
    for (const name of names) await look(join(directory, name), depth + 1);
  };
  await look(folder, 0);
  if (found.length > 0) return found;
  throw new MuseError({
    code: 'no-muse',
    message: `There is no muse in ${folder}, down to ${deepest} folders below it.`,
    suggestion: 'Name the folder that has them, or the muses themselves.',
  });
}
