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
import { join, relative, sep } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { hasCode, readBytesAtOnce } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import { decodeSql, type DecodedSql } from './decode.ts';
import type { Layer, Migration } from '../sql/migration.ts';
import { namingFindings } from './naming.ts';
import { compareNames, numberOf } from './order.ts';

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
const neverMigrations = /^(?:\.|rollback_|seed)|\.down\.(?:sql|pgsql)$/i;
const sqlFile = /\.(?:sql|pgsql)$/i;

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
  const layers: [Layer, string][] = [
    ...folders.core.map((folder): [Layer, string] => ['core', folder]),
    // A folder that holds both layers is read once.
    ...folders.extensions
      .filter((folder) => !folders.core.includes(folder))
      .map((folder): [Layer, string] => ['extension', folder]),
  ];
  for (const [layer, folder] of layers) {
    const names = await listFiles(base, folder);
    const own = names.filter((name) => sqlFile.test(name) && !neverMigrations.test(name));
    const journal =
      folders.order === 'journal'
        ? await (await import('./drizzle-journal.ts')).readJournal(base, folder)
        : { tags: [], findings: [] };
    own.sort(compareNames(folders.order, journal.tags));
    result.findings.push(...journal.findings, ...namingFindings(folder, own, folders.order, journal.tags));
    for (const name of own) {
      const text = readSql(base, `${folder}/${name}`);
      if ('finding' in text) {
        result.findings.push(text.finding);
        result.unreadable.push({ layer, file: `${folder}/${name}` });
        continue;
      }
      const file = `${folder}/${name}`;
      result.migrations.push({
        layer,
        file,
        number: numberOf(name) ?? '',
        sql: text.sql,
        checksum: checksumOf(text.sql),
      });
    }
    if (wanted.rollbacks !== false) await readRollbacks(base, folders.rollback, layer, folder, own, names, result);
  }
  return result;
}

/** Looks for each migration's rollback: in its layer's folder, in the rollback folder itself, and beside the file. */
async function readRollbacks(
  base: string,
  rollbackFolder: string,
  layer: Layer,
  folder: string,
  own: readonly string[],
  beside: readonly string[],
  result: MigrationFiles,
): Promise<void> {
  const layered = `${rollbackFolder}/${layer === 'core' ? 'core' : 'extensions'}`;
  const [inLayer, inFolder] = await Promise.all([listFiles(base, layered), listFiles(base, rollbackFolder)]);
  const places: [string, ReadonlySet<string>, (name: string) => string][] = [
    [layered, new Set(inLayer), (name) => name],
    [rollbackFolder, new Set(inFolder), (name) => name],
    [folder, new Set(beside), (name) => `rollback_${name}`],
    [folder, new Set(beside), (name) => name.replace(sqlFile, '.down$&')],
  ];
  for (const name of own) {
    // A rollback folder that is the migrations' own folder holds the migration under that name, not its rollback.
    const place = places.find(
      ([at, names, rename]) => names.has(rename(name)) && !(at === folder && rename(name) === name),
    );
    if (place === undefined) continue;
    const file = `${place[0]}/${place[2](name)}`;
    const text = readSql(base, file);
    if ('finding' in text) {
      result.findings.push(text.finding);
      result.unreadable.push({ layer, file });
    } else result.rollbacks.set(`${folder}/${name}`, { file, sql: text.sql });
  }
}

function readSql(base: string, file: string): DecodedSql {
  return decodeSql(readBytesAtOnce(join(base, file)) ?? new Uint8Array(), file);
}

/**
 * Names of the regular files in a folder; none if there is no such folder. A symbolic link counts as what it points
 * at, as long as that is inside the muse.
 */
async function listFiles(base: string, folder: string): Promise<string[]> {
  const directory = join(base, folder);
  try {
    await checkInside(base, directory, folder);
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isSymbolicLink() && sqlFile.test(entry.name))
        await checkInside(base, join(directory, entry.name), `${folder}/${entry.name}`);
    }
    return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map((entry) => entry.name);
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
