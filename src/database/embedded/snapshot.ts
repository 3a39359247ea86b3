import { platformSql } from '../platform/platform.ts';
import { makePack } from './pack.ts';
import type { Pack } from './protocol.ts';
import { readTar } from './tar.ts';
import { type EngineInput, startWorker, type WorkerWire } from './worker-wire.ts';

/** Version of the snapshot's build steps. Increment it when they change, so that no older cached snapshot is used. */
export const snapshotVersion = 3;

/**
 * Creates a new database with the platform's objects and returns its files.
 * @param input the worker's other input: settings, extensions, the compiled engine
 * @throws MuseError `embedded-failed`; `cancelled` on abort
 */
export async function makeSnapshot(
  input: Omit<EngineInput, 'snapshot' | 'directory' | 'user'>,
  signal?: AbortSignal,
): Promise<Pack> {
  const wire = await startWorker(input, { signal });
  try {
    await wire.script(platformSql());
    // On Supabase supautils lets postgres drop the extensions that a project starts with.
    await wire.script(
      `UPDATE pg_catalog.pg_extension SET extowner = 'postgres'::pg_catalog.regrole WHERE extname <> 'plpgsql'`,
    );
    // Nothing here needs the template databases, and without them each start writes only a third of the files.
    await wire.script(
      `UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname IN ('template0', 'template1')`,
    );
    await wire.query('DROP DATABASE template0', []);
    await wire.query('DROP DATABASE template1', []);
    await wire.query('VACUUM (FREEZE, ANALYZE)', []);
    return await packData(wire);
  } finally {
    await wire.terminate();
  }
}

/** Returns the files of a database, as far as PostgreSQL needs them to start. The session must be the superuser's. */
export async function packData(wire: WorkerWire): Promise<Pack> {
  // The second checkpoint lets PostgreSQL drop the WAL that the first one made unnecessary.
  await wire.query('CHECKPOINT', []);
  await wire.query('CHECKPOINT', []);
  const { rows } = await wire.query('SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())', []);
  const log = `pg_wal/${rows[0]?.[0] ?? ''}`;
  return makePack(readTar(await wire.dump()).filter(({ path }) => isNeeded(path, log)));
}

/**
 * Returns whether PostgreSQL needs a file of its data directory. It recreates the free space and visibility maps, and
 * does not need the preallocated WAL segments after the current one.
 * https://www.postgresql.org/docs/17/storage-file-layout.html
 */
function isNeeded(path: string, log: string): boolean {
  if (/^(?:base\/\d+|global)\/\d+_(?:fsm|vm)$/.test(path)) return false;
  return !/^pg_wal\/[0-9A-F]{24}$/.test(path) || path <= log;
}
