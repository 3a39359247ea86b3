/**
 * migrations/: read, order and run migration files, keep their history, roll back.
 * May touch: migration files through shared/files.ts, and a Database that is handed in.
 */
/**
 * Reads a muse's migration files in the order in which they run. Nothing heavy is imported here: a run with nothing to
 * do costs little more than this and one query.
 */
import { hash } from 'node:crypto';
import { readdir, realpath } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { hasCode, readBytesAtOnce } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import { decodeSql, type DecodedSql } from './decode.ts';
import type { Layer, Migration } from '../sql/migration.ts';
import { forms } from './forms.ts';
import { readListed } from './listed.ts';
import { namingFindings } from './naming.ts';
import { belowFolder, compareNames, compareNumbers, inFolder, numberOf, type Order } from './order.ts';
import { mayHaveSections, sectionsOf } from './sections.ts';
import type { UnknownSections } from './unknown-sections.ts';

/** The file that rolls a migration back. */
export interface Rollback {
  /** Path relative to the muse's directory, with `/`. */
  file: string;
  /** As {@link Migration.sql}. */
  sql: string;
}

export interface MigrationFiles {
  /** Core first, then extensions, each in its order. */
  migrations: Migration[];
  /** By the `file` of the migration that it rolls back. */
  rollbacks: Map<string, Rollback>;
  /** Migrations and rollbacks that are there and are not text; each has its finding. */
  unreadable: UnreadableFile[];
  findings: Finding[];
}

/** A file that is not text. */
export interface UnreadableFile {
  layer: Layer;
  /** Path relative to the muse's directory, with `/`. */
  file: string;
}

/** Names that look like migrations and are not: rollbacks, seeds, and files that editors or macOS leave. */
const neverMigrations = /^(?:\.|rollback_|seed)|^(?:.*\.)?down\.(?:sql|pgsql)$/i;
const sqlFile = /\.(?:sql|pgsql)$/i;
/** How a file of a folder that holds both layers says that it is the product's own. */
const extensionMark = /^\s*--\s*muse:\s*extension\s*$/m;

/** Says whether a path below a folder is that of a migration, by its form. */
export function isMigration(path: string, order: Order): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const { below, never, unnumbered, name } = forms[order];
  if (!sqlFile.test(base) || (never ?? neverMigrations).test(base)) return false;
  return below === undefined ? path === base : name.test(path) || unnumbered?.test(path) === true;
}

/** The word by which pop tells the file of a pair that is for PostgreSQL alone from the one for all databases. */
const forPostgres = /\.postgres(?:ql)?(?=(?:\.autocommit)?\.up\.sql$)/i;

/** How the name of a file ends that undoes the one with nothing there, or with the opposite. */
const undoing = /[._-](?:down|rollback|undo|revert)(?=\.(?:sql|pgsql)$)/i;
const doing = /[._-](?:up|do|deploy)(?=\.(?:sql|pgsql)$)/i;

/** The file among others that undoes a migration by its name: `001_a.rollback.sql`, `001_a_down.sql`. */
function undoneBy(path: string, all: Iterable<string>): string | undefined {
  const made = path.replace(doing, '').toLowerCase();
  for (const other of all) if (undoing.test(other) && other.replace(undoing, '').toLowerCase() === made) return other;
  return undefined;
}

/**
 * The migrations among paths below a folder, by their form: without those that undo another, and those that another one stands
 * for: on PostgreSQL, or on a new database.
 */
export function migrationsAmong(paths: readonly string[], order: Order): string[] {
  const named = paths.filter((path) => isMigration(path, order));
  const ends = named.filter((path) => undoing.test(path));
  const undone = new Set(ends.length === 0 ? [] : named.flatMap((path) => undoneBy(path, ends) ?? []));
  const all = afterBaseline(
    named.filter((path) => !undone.has(path)),
    order,
  );
  const plain = (path: string): string => path.replace(forPostgres, '').replace(/\.autocommit(?=\.up\.sql$)/i, '');
  const replaced = new Set(order === 'pair' ? all.filter((path) => forPostgres.test(path)).map(plain) : []);
  return all.filter((path) => forPostgres.test(path) || !replaced.has(plain(path)));
}

/** Of Flyway's files, the latest baseline only where none of the versions is there that it stands for. */
function afterBaseline(paths: readonly string[], order: Order): readonly string[] {
  if (order !== 'flyway') return paths;
  const isBaseline = (path: string): boolean => path.slice(path.lastIndexOf('/') + 1).startsWith('B');
  const latest = paths.filter(isBaseline).sort(compareNames(order)).at(-1);
  if (latest === undefined) return paths;
  const isBefore = (path: string): boolean => {
    const own = numberOf(path, order);
    return own !== undefined && compareNumbers(own, numberOf(latest, order)!) <= 0;
  };
  const others = paths.filter((path) => !isBaseline(path));
  return others.some(isBefore) ? others : [latest, ...others];
}

/** sha-256 of the text with CRLF read as LF, lower-case hex: the checksum in the migration history. */
export function checksumOf(sql: string): string {
  return hash('sha256', sql.includes('\r') ? sql.replaceAll('\r\n', '\n') : sql, 'hex');
}

/**
 * Reads the migration files of a muse, with their rollbacks.
 * A file that is not UTF-8 is left out, reported as a finding and listed: check that before running the rest.
 * @param root the muse's directory
 * @param wanted `rollbacks: false` leaves their texts unread
 * @throws MuseError `path-outside` for a symbolic link that leaves the muse
 */
export async function readMigrations(
  root: string,
  folders: MigrationFolders,
  wanted: { rollbacks?: boolean } = {},
): Promise<MigrationFiles> {
  const base = await realpath(root);
  const result: MigrationFiles = { migrations: [], rollbacks: new Map(), unreadable: [], findings: [] };
  const { order } = folders;
  const places: [Layer, string][] = [
    ...folders.core.map((folder): [Layer, string] => ['core', folder]),
    // A folder that holds both layers is read once.
    ...folders.extensions
      .filter((folder) => !folders.core.includes(folder))
      .map((folder): [Layer, string] => ['extension', folder]),
  ];
  const extensions: Migration[] = [];
  const parts: MigrationFiles['rollbacks'] = new Map();
  for (const [of, place] of places) {
    const { folder, all } = await listPlace(base, place, order);
    const texts = new Map<string, DecodedSql>();
    const textOf = (name: string): DecodedSql => {
      const known = texts.get(name) ?? readSql(base, inFolder(folder, name));
      texts.set(name, known);
      return known;
    };
    // A folder with files at any depth may have the others in it.
    const others = [...places.map(([, other]) => other), folders.rollback, folders.archive].filter(
      (other) => belowFolder(folder, other) !== undefined && other !== folder,
    );
    const isElsewhere = (name: string): boolean =>
      others.some((other) => belowFolder(other, inFolder(folder, name)) !== undefined);
    const own = migrationsAmong(all, order).filter((name) => !isElsewhere(name));
    const layers: Layer[] = of === 'core' && folders.extensions.includes(place) ? ['core', 'extension'] : [of];
    const listed = await readListed(base, folder, order, own, (name) => {
      const text = textOf(name);
      return 'sql' in text ? text.sql : '';
    });
    own.sort(compareNames(order, listed.tags));
    result.findings.push(...listed.findings, ...namingFindings(folder, own, order, listed));
    for (const name of own) {
      const text = textOf(name);
      const file = inFolder(folder, name);
      if ('finding' in text) {
        result.findings.push(text.finding);
        result.unreadable.push({ layer: of, file });
        continue;
      }
      const layer = layers.length > 1 && extensionMark.test(text.sql) ? 'extension' : of;
      const unknown = forms[order].sections === undefined ? await unknownIn(text.sql) : undefined;
      const sections = unknown ?? (forms[order].sections === undefined ? undefined : sectionsOf(text.sql));
      const inner = await innerOf(text.sql, order);
      const migration: Migration = {
        layer,
        file,
        number: numberOf(name, order) ?? '',
        sql: text.sql,
        checksum: checksumOf(text.sql),
        ...(sections === undefined ? inner : { sql: sections.up, around: sections.around }),
        ...(unknown === undefined ? {} : { unknownSections: unknown.unknownSections }),
      };
      (layer === 'core' ? result.migrations : extensions).push(migration);
      if (sections !== undefined && hasStatements(sections.down))
        (unknown === undefined ? result.rollbacks : parts).set(file, { file, sql: sections.down });
    }
    if (wanted.rollbacks === false) result.rollbacks.clear();
    else await readRollbacks(base, folders, layers, folder, own, all, result);
  }
  if (forms[order].across === true) {
    const compare = compareNames(order);
    const nameOf = ({ file }: Migration): string => posix.basename(file);
    result.migrations.sort((a, b) => compare(nameOf(a), nameOf(b)));
  }
  // A rollback of its own counts before the part of the file.
  if (wanted.rollbacks !== false)
    for (const [file, part] of parts) if (!result.rollbacks.has(file)) result.rollbacks.set(file, part);
  result.migrations.push(...extensions);
  return result;
}

/** What runs of a file that has a transaction of its own, where its form has such files. */
async function innerOf(sql: string, order: Order): Promise<Pick<Migration, 'sql' | 'around'> | undefined> {
  if (forms[order].ownTransaction !== true) return undefined;
  return (await import('./own-transaction.ts')).withoutOwnTransaction(sql);
}

/** The sections of a file whose form has none. */
async function unknownIn(sql: string): Promise<UnknownSections | undefined> {
  if (!mayHaveSections(sql)) return undefined;
  return (await import('./unknown-sections.ts')).unknownSections(sql);
}

/** Whether a text has a line that is not a comment. */
function hasStatements(sql: string): boolean {
  return sql.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('--'));
}

/**
 * The files of a place, which is a folder or a single file.
 * @returns the folder, and the paths below it
 */
async function listPlace(base: string, place: string, order: Order): Promise<{ folder: string; all: string[] }> {
  if (!sqlFile.test(place)) return { folder: place, all: await listFiles(base, place, forms[order].below) };
  const [folder, name] = [posix.dirname(place), posix.basename(place)];
  return { folder, all: (await listFiles(base, folder)).filter((file) => file === name) };
}

/**
 * Looks for each migration's rollback: in the folder of its layer, in the rollback folder itself, and beside the file.
 * @param layers those that the folder holds
 */
async function readRollbacks(
  base: string,
  { rollback, order }: MigrationFolders,
  layers: readonly Layer[],
  folder: string,
  own: readonly string[],
  beside: readonly string[],
  result: MigrationFiles,
): Promise<void> {
  const { below, rollback: formRollback } = forms[order];
  const folders = [...layers.map((layer) => `${rollback}/${layer === 'core' ? 'core' : 'extensions'}`), rollback];
  const listings = await Promise.all(folders.map((each) => listFiles(base, each, below)));
  const all = new Set(beside);
  const ends = beside.filter((name) => undoing.test(name));
  const places: [string, ReadonlySet<string>, (name: string) => string | undefined][] = [
    ...folders.map((each, index): [string, ReadonlySet<string>, (name: string) => string] => [
      each,
      new Set(listings[index]),
      (name) => name,
    ]),
    [folder, all, (name) => name.replace(/[^/]+$/, 'rollback_$&')],
    [folder, all, (name) => name.replace(/(?:\.up)?(\.(?:sql|pgsql))$/i, '.down$1')],
    [folder, all, (name) => formRollback?.(name, all)],
    [folder, all, (name) => undoneBy(name, ends)],
  ];
  for (const name of own) {
    if (result.rollbacks.has(inFolder(folder, name))) continue;
    // A rollback folder that is the migrations' own folder holds the migration under that name, not its rollback.
    const found = places
      .map(([at, names, rename]) => ({ at, names, path: rename(name) }))
      .find(({ at, names, path }) => path !== undefined && names.has(path) && !(at === folder && path === name));
    if (found === undefined) continue;
    const file = inFolder(found.at, found.path!);
    const text = readSql(base, file);
    if ('finding' in text) {
      result.findings.push(text.finding);
      result.unreadable.push({ layer: layers[0]!, file });
    } else {
      const sql = (await innerOf(text.sql, order))?.sql ?? text.sql;
      result.rollbacks.set(inFolder(folder, name), { file, sql });
    }
  }
}

function readSql(base: string, file: string): DecodedSql {
  try {
    const bytes = readBytesAtOnce(join(base, file));
    return bytes === undefined ? deadLink(file, 'something that does not exist') : decodeSql(bytes, file);
  } catch (error) {
    if (hasCode(error, 'EISDIR')) return deadLink(file, 'a folder');
    if (hasCode(error, 'ELOOP')) return deadLink(file, 'itself');
    throw error;
  }
}

/** A file that is listed, and is a link to nothing that could be run. */
function deadLink(file: string, to: string): DecodedSql {
  return {
    finding: {
      rule: 'unreadable-file',
      severity: 'error',
      file,
      message: `The file is a link to ${to}. It is not run.`,
      suggestion: 'Put the file itself where the link is, or delete the link.',
    },
  };
}

/**
 * Paths of the regular files below a folder; none if there is no such folder. A symbolic link counts as what it points
 * at, as long as that is inside the muse.
 * @param below also those one folder down, or at any depth
 */
async function listFiles(base: string, folder: string, below?: 'one' | 'any'): Promise<string[]> {
  const directory = join(base, folder);
  try {
    await checkInside(base, directory, folder);
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isSymbolicLink() && sqlFile.test(entry.name))
        await checkInside(base, join(directory, entry.name), inFolder(folder, entry.name)).catch((error: unknown) => {
          // A link to nothing is a file that cannot be read, as the others still can.
          if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
        });
    }
    const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map((entry) => entry.name);
    if (below === undefined) return files;
    for (const { name } of entries.filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))) {
      const within = await listFiles(base, inFolder(folder, name), below === 'any' ? 'any' : undefined);
      files.push(...within.map((file) => `${name}/${file}`));
    }
    return files;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function checkInside(base: string, path: string, shown: string): Promise<void> {
  const steps = relative(base, await realpath(path)).split(sep);
  if (steps[0] !== '..' && !steps[0]?.includes(':')) return;
  throw new MuseError({
    code: 'path-outside',
    message: `"${shown}" leads out of the muse by a symbolic link or "..", so it is not read.`,
    suggestion: 'Put the file itself where the link is.',
  });
}
