import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes } from '../../shared/files.ts';
import { walk } from '../../kit/walk.ts';

/** Files that mention renamed migrations. */
export interface Followed {
  /** The new texts by path. */
  texts: Map<string, string>;
  before: Map<string, string>;
  /** A sentence for each name that could also mean another file, whose mentions were left unchanged. */
  notes: string[];
}

/** Larger files are not text that a person wrote. */
const MOST_BYTES = 1024 * 1024;
const notTheirs = /^(?:\.git|node_modules|\.next|\.turbo|dist|build|coverage)$/;

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/**
 * Finds the files of a directory that mention a renamed migration, and returns their texts with the new name: a script that
 * reads `sql/0001_rls.sql` would fail otherwise.
 * @param known texts that are newer than those on disk, by path
 */
export async function followNames(
  root: string,
  renamed: readonly (readonly [from: string, to: string])[],
  known: ReadonlyMap<string, string>,
): Promise<Followed> {
  const followed: Followed = { texts: new Map(), before: new Map(), notes: [] };
  if (renamed.length === 0) return followed;
  const names = new Map(renamed.map(([from, to]) => [baseOf(from), baseOf(to)]));
  const paths: string[] = [];
  for await (const { path, name, kind } of walk(root, (entry) => !notTheirs.test(entry.name))) {
    if (kind !== 'file') continue;
    paths.push(path);
    // A rollback of the same name is renamed with it.
    if (names.has(name) && !known.has(path)) {
      followed.notes.push(
        `${path} has the same name as a renumbered migration, so mentions of ${name} were left unchanged.`,
      );
      names.delete(name);
    }
  }
  if (names.size === 0) return followed;
  const pattern = new RegExp(String.raw`(?<![\w-])(?:${[...names.keys()].map(escaped).join('|')})(?![\w-])`, 'g');
  for (const path of paths) {
    if (known.has(path)) continue;
    const text = await textOf(join(root, path));
    const changed = text?.replaceAll(pattern, (name) => names.get(name)!);
    if (text === undefined || changed === undefined || changed === text) continue;
    followed.before.set(path, text);
    followed.texts.set(path, changed);
  }
  return followed;
}

/** The file's text, if decoding keeps every byte; undefined for binary files. */
async function textOf(path: string): Promise<string | undefined> {
  if ((await stat(path)).size > MOST_BYTES) return undefined;
  const bytes = await readBytes(path);
  const text = bytes?.toString('utf8');
  return text === undefined || text.includes('\0') || !Buffer.from(text).equals(bytes!) ? undefined : text;
}
