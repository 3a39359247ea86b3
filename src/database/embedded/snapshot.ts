import { baselineSql } from '../baseline/baseline.ts';
import { makePack } from './pack.ts';
import type { Pack, WorkerInput } from './protocol.ts';
import { readTar } from './tar.ts';
import { startWorker } from './worker-wire.ts';

/**
 * Makes a new database with the baseline in it and takes its files.
 * @param input what the worker needs besides: settings, extensions, the compiled engine
 * @throws MuseError `embedded-failed`
 */
export async function makeSnapshot(input: Omit<WorkerInput, 'snapshot' | 'directory' | 'user'>): Promise<Pack> {
  const wire = await startWorker(input);
  try {
    await wire.script(baselineSql());
    // Nothing here needs it, and without it there is a third less to read at each start.
    await wire.script(`UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'template0'`);
    await wire.query('DROP DATABASE template0', []);
    await wire.query('VACUUM (FREEZE, ANALYZE)', []);
    // The second one lets PostgreSQL drop the log that the first one made superfluous.
    await wire.query('CHECKPOINT', []);
    await wire.query('CHECKPOINT', []);
    return makePack(readTar(await wire.dump()));
  } finally {
    await wire.terminate();
  }
}
