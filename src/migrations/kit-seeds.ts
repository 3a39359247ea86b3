/** The seeds that the Supabase CLI runs after a kit's migrations, on a database that it has made anew. */
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { inside, readBytes, readText } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import type { Migration } from '../sql/migration.ts';
import { decodeSql } from './decode.ts';
import { checksumOf } from './read.ts';

/** What `[db.seed]` of a `config.toml` says. */
interface SeedSettings {
  enabled?: unknown;
  sql_paths?: unknown;
}

/** Seeds of a kit, in the order in which they run after its migrations; each file that is not text has its finding instead. */
export interface KitSeeds {
  seeds: Migration[];
  findings: Finding[];
}

const byDefault = ['./seed.sql'];

/**
 * Reads the seeds of a kit: those that `[db.seed]` of the `config.toml` beside its migrations names, else `seed.sql`. None where it
 * turns them off, and where nothing beside the migrations is the Supabase CLI's.
 * @param root the directory that the folders are in
 * @throws MuseError `path-outside` for a symbolic link out of it
 */
export async function readKitSeeds(root: string, { core }: Pick<MigrationFolders, 'core'>): Promise<KitSeeds> {
  const found: KitSeeds = { seeds: [], findings: [] };
  for (const folder of new Set(core.map((each) => posix.dirname(each)))) {
    for (const file of await seedFiles(root, folder)) {
      const bytes = await readBytes(await inside(root, file));
      if (bytes === undefined) continue;
      const decoded = decodeSql(bytes, file);
      if ('finding' in decoded) found.findings.push(decoded.finding);
      else {
        const { sql } = decoded;
        found.seeds.push({ layer: 'extension', file, number: '', sql, checksum: checksumOf(sql) });
      }
    }
  }
  return found;
}

/** The seeds below a folder, in the order of the patterns that name them. */
async function seedFiles(root: string, folder: string): Promise<string[]> {
  const toml = await readText(join(root, folder, 'config.toml'));
  if (toml === undefined && posix.basename(folder) !== 'supabase') return [];
  const { enabled, sql_paths: stated } = toml === undefined ? {} : await settingsIn(toml);
  if (enabled === false) return [];
  const patterns = (Array.isArray(stated) ? stated : byDefault).filter((each) => typeof each === 'string');
  const named = new Set<string>();
  for (const pattern of patterns)
    for (const path of await matching(root, posix.join(folder, pattern))) if (path.endsWith('.sql')) named.add(path);
  return [...named];
}

/** The paths that a pattern is for, below the root, in the order of their names. */
async function matching(root: string, pattern: string): Promise<string[]> {
  if (pattern.startsWith('../')) return [];
  const { default: picomatch } = await import('picomatch');
  const { base, isGlob } = picomatch.scan(pattern);
  if (!isGlob) return [pattern];
  const matches = picomatch(pattern);
  const below = await readdir(join(root, base), { recursive: true }).catch(() => []);
  return below
    .map((path) => posix.join(base, path.replaceAll('\\', '/')))
    .filter((path) => matches(path))
    .sort();
}

/** `[db.seed]` of a `config.toml`; nothing where that cannot be read. */
async function settingsIn(toml: string): Promise<SeedSettings> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return (parse(toml) as { db?: { seed?: SeedSettings } }).db?.seed ?? {};
  } catch (error) {
    if (error instanceof TomlError) return {};
    throw error;
  }
}
