import { join } from 'node:path';
import type { Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { inside, listNames, readBytes } from '../shared/files.ts';
import { decodeSql } from '../migrations/decode.ts';
import type { Finding } from '../shared/finding.ts';
import { refuseUnreadable } from './readable.ts';
import { loadDefault, placeIn, saidBy } from './seed-module.ts';

/** A seed, read and ready to run. */
export interface Seed {
  /** Path relative to the muse, with `/`. */
  file: string;
  /** Of an SQL seed: its text. */
  sql?: string;
  /** Of a module: its absolute path and its default export. */
  path?: string;
  run?(session: Session): Promise<unknown>;
}

const folder = 'seeds';

/**
 * The seeds of a muse, in the order of their names: `.sql` files, and `.js` and `.ts` modules whose default export takes
 * a `Session`. All are read before any is run.
 * @throws MuseError `findings` for a file that is not UTF-8; `seed-unreadable` for a module that does not load or has no such
 *   export; `path-outside` for a symbolic link
 */
export async function readSeeds(directory: string): Promise<Seed[]> {
  const names = (await listNames(join(directory, folder))).filter(
    (name) => /^[^.].*\.(?:sql|[mc]?[jt]s)$/.test(name) && !/\.d\.[mc]?ts$/.test(name),
  );
  return Promise.all(
    names.map(async (name) => readSeed(await inside(directory, `${folder}/${name}`), `${folder}/${name}`)),
  );
}

/** An `unreadable-file` for each SQL seed that is not UTF-8 text. */
export async function unreadableSeeds(directory: string): Promise<Finding[]> {
  const names = (await listNames(join(directory, folder))).filter((name) => /^[^.].*\.sql$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const file = `${folder}/${name}`;
      return decodeSql((await readBytes(await inside(directory, file))) ?? new Uint8Array(), file);
    }),
  );
  return found.flatMap((decoded) => ('finding' in decoded ? [decoded.finding] : []));
}

async function readSeed(path: string, file: string): Promise<Seed> {
  if (!file.endsWith('.sql')) return { file, path, run: await runOf(path, file) };
  const decoded = decodeSql((await readBytes(path)) ?? new Uint8Array(), file);
  if ('sql' in decoded) return { file, sql: decoded.sql };
  refuseUnreadable([decoded.finding]);
  return { file };
}

async function runOf(path: string, file: string): Promise<NonNullable<Seed['run']>> {
  let run: unknown;
  try {
    run = await loadDefault(path);
  } catch (cause) {
    throw unreadable(
      `${file}${placeIn(cause, path)}`,
      `Loading it failed: ${saidBy(cause)}.`,
      `Correct ${file}, then run muse seed again.`,
      cause,
    );
  }
  if (typeof run === 'function') return run as NonNullable<Seed['run']>;
  throw unreadable(
    file,
    'Its default export is not a function.',
    'Write: export default async (session) => { await session.query("…", […]); };',
  );
}

function unreadable(file: string, why: string, suggestion: string, cause?: unknown): MuseError {
  return new MuseError({
    code: 'seed-unreadable',
    message: `${file} cannot be used: ${why} No seed was run.`,
    suggestion,
    cause,
  });
}
