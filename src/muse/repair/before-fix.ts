/** Files that no commit has: what they held before a repair is kept beside the muse's database. */
import { basename, join } from 'node:path';
import { inside, kindOf, readBytes, writeWhole } from '../../shared/files.ts';
import type { Change } from './repair.ts';

/** A file, and the copy of what it held before it was fixed; relative to the muse, with `/`. */
export interface KeptFile {
  file: string;
  copy: string;
}

const folder = '.muse/before-fix';

/**
 * Copies files to `.muse/before-fix/`, under their own paths; an earlier copy stays.
 * @param files their paths; those that do not exist yet have nothing to keep
 */
export async function keepBefore(root: string, files: Iterable<string>): Promise<KeptFile[]> {
  const kept: KeptFile[] = [];
  for (const file of files) {
    const bytes = await readBytes(await inside(root, file));
    if (bytes === undefined) continue;
    let copy = `${folder}/${file}`;
    for (let number = 2; (await kindOf(join(root, copy))) !== undefined; number += 1)
      copy = `${folder}/${file}.${number}`;
    await writeWhole(await inside(root, copy), bytes);
    kept.push({ file, copy });
  }
  return kept;
}

/**
 * The new paths of a change that belong to files which no commit has, so that no commit gets them either: a file under its new
 * name, the rollback of one, or what only such files need.
 */
export function followers({ before, after }: Change, fresh: ReadonlySet<string>): string[] {
  const known = [...before.keys()];
  const names = new Set([...fresh].map((path) => basename(path)));
  const moved = new Set(known.filter((path) => fresh.has(path) && !after.has(path)).map((path) => before.get(path)));
  const ofFreshOnly = known.length > 0 && known.every((path) => fresh.has(path));
  return [...after]
    .filter(([path, text]) => !before.has(path) && (ofFreshOnly || moved.has(text) || names.has(basename(path))))
    .map(([path]) => path);
}
