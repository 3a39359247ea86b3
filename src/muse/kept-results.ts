/** What was found out about files, kept in the cache: the same version of this tool need not find it out twice. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../database/cache.ts';
import { removeOldest, writeWhole } from '../shared/files.ts';
import { once } from '../shared/lazy.ts';
import { packageVersion } from '../shared/version.ts';

/** Results of one sort, by their keys. A cache that is missing, damaged or cannot be written only costs time. */
export interface KeptResults<Result> {
  /** The result that was kept under the key; undefined where there is none, or none that can be read. */
  get(key: string): Promise<Result | undefined>;
  keep(key: string, result: Result): Promise<void>;
}

/** A result with its key, by which a file that holds something else is known. */
interface Kept<Result> {
  key: string;
  result: Result;
}

/**
 * @param sort the name of their folder
 * @param most how many are kept; those that were not used for longest go first
 */
export function keptResults<Result extends object>(sort: string, most: number): KeptResults<Result> {
  const folder = (): string => join(cacheDirectory(), sort);
  return {
    async get(key) {
      try {
        const path = join(folder(), `${key}.json`);
        const kept = JSON.parse(await readFile(path, 'utf8')) as Kept<Result>;
        if (kept.key !== key) return undefined;
        const now = new Date();
        await utimes(path, now, now).catch(() => undefined);
        return kept.result;
      } catch {
        return undefined;
      }
    },
    async keep(key, result) {
      try {
        const kept: Kept<Result> = { key, result };
        await writeWhole(join(folder(), `${key}.json`), JSON.stringify(kept));
        await removeOldest(folder(), most);
      } catch {
        // See above.
      }
    },
  };
}

/** The key of a result: changes with what it depends on, and with this tool. */
export async function resultKey(dependsOn: unknown): Promise<string> {
  const what = [packageVersion(), await builtAt(), dependsOn];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);
}

/** Sizes and times of this tool's own files: an edited copy of a version finds out anew. */
const builtAt = once(async (): Promise<string> => {
  const root = join(import.meta.dirname, '..');
  const files = (await readdir(root, { recursive: true }))
    .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
  const states = await Promise.all(
    files.map(async (name) => {
      const { mtimeMs, size } = await stat(join(root, name));
      return `${name} ${size} ${mtimeMs}`;
    }),
  );
  return createHash('sha256').update(states.join('\n')).digest('hex');
});
