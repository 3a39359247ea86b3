import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { stubFiles } from '../extension-stubs/stubs.ts';
import { makePack } from './pack.ts';
import { postgisControl } from './postgis.ts';
import type { Pack } from './protocol.ts';
import { readTar } from './tar.ts';

/** Extensions that PGlite includes and that Supabase offers to `postgres`. */
const bundled = [
  'bloom',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'pg_hashids',
  'pg_trgm',
  'pg_walinspect',
  'pgcrypto',
  'pgtap',
  'postgres_fdw',
  'seg',
  'tablefunc',
  'tcn',
  'tsm_system_rows',
  'tsm_system_time',
  'unaccent',
  'uuid-ossp',
  'vector',
];

/**
 * Every file that CREATE EXTENSION needs, for PGlite's own extensions and for the extension stubs, relative to PostgreSQL's
 * installation; of PostGIS the control file alone, see `postgis.ts`. Each is marked `trusted`, because on Supabase a superuser
 * creates them for `postgres`.
 */
export async function makeExtensionPack(): Promise<Pack> {
  const bundles = await Promise.all(bundled.map(readBundle));
  const files = bundles
    .flat()
    .map((file) => (file.path.endsWith('.control') ? { path: file.path, bytes: trust(file.bytes) } : file));
  const directory = 'share/postgresql/extension';
  const own = stubFiles().map(({ name, content }) => ({ path: `${directory}/${name}`, bytes: Buffer.from(content) }));
  const postgis = { path: postgisControl.path, bytes: Buffer.from(postgisControl.content) };
  return makePack([...files, ...own, postgis]);
}

async function readBundle(name: string): Promise<{ path: string; bytes: Uint8Array }[]> {
  const archive = await readFile(join(engineDirectory(), `${name}.tar.gz`));
  const files = readTar(await promisify(gunzip)(archive));
  return files.flatMap(({ path, bytes }) => (bytes && /^(lib|share)\//.test(path) ? [{ path, bytes }] : []));
}

function trust(control: Uint8Array): Buffer {
  const lines = Buffer.from(control)
    .toString('utf8')
    .split('\n')
    .filter((line) => !/^\s*trusted\b/.test(line));
  return Buffer.from([...lines, 'trusted = true', ''].join('\n'));
}

/** The directory of PGlite's engine and extension bundles. */
export function engineDirectory(): string {
  return dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'));
}
