import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MuseError } from '../../shared/error.ts';
import { kindOf, readText, writeWhole } from '../../shared/files.ts';
import { lockHolder, type LockOptions, takeLock } from '../../shared/directory-lock.ts';
import type { Pack } from './protocol.ts';
import type { Wire } from '../wire.ts';
import { engineVersion, postgisVersion } from './version.ts';

/** What `version.json` says of a database, as far as it is there. */
interface Version {
  pglite?: string;
  postgis?: string;
}

/** The database in a directory. */
export interface KeptData {
  /** The data directory of PostgreSQL. */
  data: string;
  /** For a new directory: what is to be written to `at` and renamed to `data` before it is opened. */
  fresh?: { at: string; snapshot: Pack };
  /** It is from before the embedded database had PostGIS, and may have the stub of it that there was. */
  isBeforePostgis?: boolean;
}

/**
 * Looks for the database in a directory that this process has locked. A new one still has to be filled from the
 * snapshot. The directory holds `data/`, `version.json`, and while it is open `lock.json`, and `server.json` where the
 * holder serves it. A crash leaves nothing that the next open would mistake for a database.
 * @throws MuseError `database-version`
 */
export async function findData(directory: string, snapshot: () => Promise<Pack>): Promise<KeptData> {
  const data = join(directory, 'data');
  if ((await kindOf(data)) !== undefined) {
    return { data, ...(await checkVersion(directory)) };
  }
  const [at, pack] = await Promise.all([prepare(directory), snapshot()]);
  return { data, fresh: { at, snapshot: pack } };
}

/** Deletes the database in a directory that this process has locked, and that no engine has open. */
export async function deleteData(directory: string): Promise<void> {
  // Renamed first to a name that the next open deletes, so that a crash leaves no half-deleted database.
  const old = join(directory, `data.new-${process.pid}-old`);
  await rename(join(directory, 'data'), old);
  await rm(old, { recursive: true, force: true });
}

/**
 * PGlite itself has no lock, and two processes that open the same directory silently lose rows.
 * @throws MuseError `database-in-use`
 */
export async function lockDirectory(directory: string, options?: LockOptions): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return takeLock(
    lockPath(directory),
    { code: 'database-in-use', subject: `The embedded database in ${directory}`, next: 'run the command again' },
    options,
  );
}

/** Who has a directory open, for messages; undefined where no other process has. */
export const directoryHolder = (directory: string): Promise<string | undefined> => lockHolder(lockPath(directory));

const lockPath = (directory: string): string => join(directory, 'lock.json');

/** Removes the remains of a crash, writes the version, and returns the path for the new database's files. */
async function prepare(directory: string): Promise<string> {
  for (const name of await readdir(directory)) {
    if (name.startsWith('data.new-')) await rm(join(directory, name), { recursive: true, force: true });
  }
  await writeVersion(directory);
  return join(directory, `data.new-${process.pid}`);
}

const versionPath = (directory: string): string => join(directory, 'version.json');

function writeVersion(directory: string): Promise<void> {
  const version = { pglite: engineVersion, postgresql: 17, postgis: postgisVersion };
  return writeWhole(versionPath(directory), `${JSON.stringify(version)}\n`);
}

async function checkVersion(directory: string): Promise<Pick<KeptData, 'isBeforePostgis'>> {
  const text = await readText(versionPath(directory));
  const version = text === undefined ? undefined : parse(text);
  const made = version?.pglite;
  if (made !== undefined && minor(made) === minor(engineVersion))
    return { isBeforePostgis: version?.postgis === undefined };
  throw new MuseError({
    code: 'database-version',
    message:
      `The embedded database in ${directory} was created by ${made ? `PGlite ${made}` : 'an unknown version'}; ` +
      `this is PGlite ${engineVersion}, which cannot open it.`,
    suggestion:
      `Open it with the version of create-muse that created it, or move ${dirname(join(directory, 'data'))} away ` +
      'and migrate a new one.',
  });
}

/** The version that the stub of PostGIS had, which kept bounding boxes only. */
const stubVersion = '3.3.7';

/**
 * Looks for the stub of PostGIS in a database from before the real one, and notes that it is not there. With the real one's
 * functions missing, and its values in another form, nothing could be migrated or dumped that uses it.
 * @throws MuseError `database-version` if it is there
 */
export async function refuseStub(directory: string, wire: Pick<Wire, 'query'>): Promise<void> {
  const { rows } = await wire.query(
    `SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'postgis' AND extversion = '${stubVersion}'`,
    [],
  );
  if (rows.length === 0) return writeVersion(directory);
  throw new MuseError({
    code: 'database-version',
    message: `The embedded database in ${directory} has a stub of PostGIS, from before this version had PostGIS itself.`,
    suggestion:
      `Move ${directory} away and migrate a new one. Rows that are to be kept can be read with the version of ` +
      'create-muse that created it; of places it kept the bounding boxes.',
  });
}

/** Versions that differ only in the last number can open each other's directories. */
const minor = (version: string): string => version.split('.').slice(0, 2).join('.');

function parse(text: string): Version | undefined {
  try {
    return JSON.parse(text) as Version;
  } catch {
    return undefined;
  }
}
