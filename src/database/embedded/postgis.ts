import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { cachedPack, makePack } from './pack.ts';
import type { LateFiles } from './late-files.ts';
import type { Pack } from './protocol.ts';
import { readTar } from './tar.ts';
import { postgisVersion } from './version.ts';

const directory = 'share/postgresql/extension';

/**
 * Files of PostGIS that PostgreSQL reads when it first uses them, relative to its installation. The package also has scripts that
 * update older versions: no database here has one.
 */
const latePaths: readonly string[] = [
  'lib/postgresql/postgis-3.so',
  `${directory}/postgis--${postgisVersion}.sql`,
  // What PROJ knows of coordinate systems.
  'share/proj/proj.db',
  'share/proj/proj.ini',
];

/**
 * The control file, by which PostgreSQL lists the extension. It is written here, so that a database that is opened need not read
 * the package. It is `trusted`, because on Supabase a superuser creates the extension for `postgres`.
 */
export const postgisControl = {
  path: `${directory}/postgis.control`,
  content: [
    "comment = 'PostGIS geometry and geography spatial types and functions'",
    `default_version = '${postgisVersion}'`,
    "module_pathname = '$libdir/postgis-3'",
    'relocatable = false',
    'trusted = true',
    '',
  ].join('\n'),
};

/** How many packs are kept, one for each version of PostGIS; each takes 26 MB. */
const mostPacks = 2;

/** By folder: every database of a process gives out the same. */
const known = new Map<string, LateFiles>();

/**
 * PostGIS's files for a database. They are unpacked when the first database on a machine needs them.
 * @param cache the folder for what can be made again
 */
export function postgisFiles(cache: string): LateFiles {
  const found = known.get(cache);
  if (found !== undefined) return found;
  const list = createHash('sha256').update(JSON.stringify(latePaths)).digest('hex');
  const path = join(cache, 'postgis', `${postgisVersion}-${list.slice(0, 16)}.bin`);
  const files = { paths: latePaths, load: () => cachedPack(path, makePostgisPack, mostPacks) };
  known.set(cache, files);
  return files;
}

const require = createRequire(import.meta.url);

/** The package's archive of all files. */
export const postgisArchive = (): string =>
  join(dirname(require.resolve('@electric-sql/pglite-postgis')), 'postgis.tar.gz');

async function makePostgisPack(): Promise<Pack> {
  const wanted = new Set(latePaths);
  const files = readTar(await promisify(gunzip)(await readFile(postgisArchive())));
  return makePack(files.flatMap(({ path, bytes }) => (bytes && wanted.has(path) ? [{ path, bytes }] : [])));
}
