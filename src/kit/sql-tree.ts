/** Which files of a kit may be migrations, read from the disk once. */
import { join, posix } from 'node:path';
import { type SqitchPlaces, sqitchPlaces } from '../migrations/sqitch-conf.ts';
import { inside, readText } from '../shared/files.ts';
import { type DrizzleFolder, drizzleFolders } from './drizzle-config.ts';
import { walk } from './walk.ts';

/** Folders that hold what other tools fetched or built. */
const foreign =
  /^(?:node_modules|vendor|bower_components|dist|build|target|coverage|\.git|\.muse|\.next|\.turbo|\.venv|\.cache)$/;
/** Folders whose SQL is there for something else: `**` does not enter them. */
export const elsewhere =
  /(?:^|\/)(?:tests?|__tests__|testdata|fixtures|examples?|e2e|seeds?|archived?|rollbacks?|down|undo|revert|verify|snippets|queries)(?:\/|$)/i;

/** The files of a kit, without those of other tools. */
export interface SqlTree {
  /** All files by their path, with `/`. */
  files: readonly string[];
  /** The folders that have SQL in them, at any depth; the kit itself is `.`. */
  folders: readonly string[];
  /** Whether a path is that of an SQL file: folders may be called like one. */
  isFile(path: string): boolean;
  /** Names of the files right in a folder. */
  right(folder: string): readonly string[];
  /** Paths below a folder. */
  below(folder: string): readonly string[];
  /** The folders, or the files of a pattern that ends in `.sql`, that match: `*` is one folder, `**` any number. */
  matching(pattern: string): readonly string[];
  text(path: string): Promise<string>;
  /** What the kit's configurations of Drizzle name. */
  drizzle: readonly DrizzleFolder[];
  /** What those of Sqitch name. */
  sqitch: readonly SqitchPlaces[];
  /** Folders without anything in them, which git only has where another repository belongs. */
  empty: readonly string[];
}

export const isSql = (path: string): boolean => /\.(?:sql|pgsql)$/i.test(path);

/** Lists the files of the kit in `directory`. Links are not followed. */
export async function readSqlTree(directory: string): Promise<SqlTree> {
  const files: string[] = [];
  const empty = new Set<string>();
  for await (const { path, kind, name } of walk(directory, (entry) => !foreign.test(entry.name))) {
    empty.delete(posix.dirname(path));
    if (kind === 'file') files.push(path);
    else if (kind === 'directory' && !foreign.test(name)) empty.add(path);
  }
  const text = async (path: string): Promise<string> => (await readText(join(directory, path))) ?? '';
  const drizzle = await drizzleFolders(files, text);
  const sqitch = await Promise.all(
    files
      .filter((path) => posix.basename(path) === 'sqitch.conf')
      .map(async (path) => sqitchPlaces(await text(path), posix.dirname(path))),
  );
  const named = new Set([...drizzle.map(({ folder }) => folder), ...sqitch.map(({ deploy }) => deploy)]);
  for (const { folder } of drizzle) {
    // A folder that is called like one that tools build.
    if (files.some((path) => path.startsWith(`${folder}/`))) continue;
    const place = await inside(directory, folder).catch(() => undefined);
    if (place === undefined) continue;
    for await (const { path, kind } of walk(place, ({ name }) => name !== 'node_modules'))
      if (kind === 'file') files.push(posix.join(folder, path));
  }
  const folders = new Set<string>();
  for (const path of files.filter(isSql)) {
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      folders.add(folder);
      if (folder === '.') break;
    }
  }
  const sorted = [...folders].sort();
  const sql = new Set(files.filter(isSql));
  const right = new Map<string, string[]>();
  for (const path of files) {
    const folder = posix.dirname(path);
    const known = right.get(folder);
    if (known === undefined) right.set(folder, [posix.basename(path)]);
    else known.push(posix.basename(path));
  }
  const found = new Map<string, readonly string[]>();
  return {
    files,
    folders: sorted,
    isFile: (path) => sql.has(path),
    right: (folder) => right.get(folder) ?? [],
    below(folder) {
      const known = found.get(folder) ?? within(files, folder);
      found.set(folder, known);
      return known;
    },
    matching(pattern) {
      const wanted = patternOf(pattern);
      return (isSql(pattern) ? files : sorted).filter(
        (path) => wanted.test(path) && !(pattern.includes('**') && elsewhere.test(path) && !named.has(path)),
      );
    },
    text,
    drizzle,
    sqitch,
    empty: [...empty],
  };
}

function within(files: readonly string[], folder: string): readonly string[] {
  if (folder === '.') return files;
  return files.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split('/').map((part) => {
    if (part === '**') return '(?:.+/)?';
    return part === '*' ? '[^/.][^/]*/' : `${part.replaceAll('.', String.raw`\.`)}/`;
  });
  // The path is compared without the last slash; `**` at the end is any folder.
  return new RegExp(`^${pattern.endsWith('**') ? `${parts.slice(0, -1).join('')}.+` : parts.join('').slice(0, -1)}$`);
}
