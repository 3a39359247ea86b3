/** Goes through a directory without following links. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../shared/files.ts';

/** What a walk meets. */
export interface Entry {
  /** Relative to the root, with `/`. */
  path: string;
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
}

const skipped: ReadonlySet<string> = new Set(['.git', '.muse']);

function kindOf(entry: Dirent): Entry['kind'] {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isDirectory()) return 'directory';
  return entry.isFile() ? 'file' : 'other';
}

/**
 * Every entry below `root`, a folder before what is in it, by name; `.git` and `.muse` of the root are left out.
 * @param enter says whether to look into a folder; default every one
 */
export async function* walk(root: string, enter: (entry: Entry) => boolean = () => true): AsyncGenerator<Entry> {
  const waiting: string[] = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const below: string[] = [];
    for (const found of await entries(join(root, folder))) {
      if (folder === '' && skipped.has(found.name)) continue;
      const entry = {
        path: folder === '' ? found.name : `${folder}/${found.name}`,
        name: found.name,
        kind: kindOf(found),
      };
      yield entry;
      if (entry.kind === 'directory' && enter(entry)) below.push(entry.path);
    }
    waiting.push(...below.toReversed());
  }
}

async function entries(directory: string): Promise<Dirent[]> {
  try {
    const found = await readdir(directory, { withFileTypes: true });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    // Removed during the walk, e.g. by prune.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/**
 * The folders below `root` that match a pattern, sorted; `*` between slashes matches any one folder.
 * Links are not followed.
 */
export async function matchFolders(root: string, pattern: string): Promise<string[]> {
  let found = [''];
  for (const part of pattern.split('/')) {
    const next: string[] = [];
    for (const folder of found) {
      for (const entry of await entries(join(root, folder))) {
        if (!entry.isDirectory() || (part === '*' ? entry.name.startsWith('.') : entry.name !== part)) continue;
        next.push(folder === '' ? entry.name : `${folder}/${entry.name}`);
      }
    }
    found = next;
  }
  return found;
}
