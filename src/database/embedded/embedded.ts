import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LockOptions } from '../../shared/directory-lock.ts';
import { compileWasm } from '../../shared/wasm.ts';
import { platformSql } from '../platform/platform.ts';
import { cacheDirectory as defaultCacheDirectory } from '../cache.ts';
import type { Database } from '../database.ts';
import { createDatabase } from '../session.ts';
import { stubFiles } from '../extension-stubs/stubs.ts';
import { cachedPack } from './pack.ts';
import { openDirectory } from './directory.ts';
import { engineDirectory, makeExtensionPack } from './extensions.ts';
import { makeSnapshot, snapshotVersion } from './snapshot.ts';
import type { CompiledEngine } from './protocol.ts';
import { engineVersion } from './version.ts';
import { startWorker, type WorkerOptions } from './worker-wire.ts';

export interface EmbeddedOptions extends WorkerOptions {
  /** The database's directory. Without it, the database is in memory and gone when closed. */
  directory?: string | undefined;
  /** The directory for snapshots. Default: {@link defaultCacheDirectory}. */
  cacheDirectory?: string | undefined;
  /** The user of the session: `postgres` as on Supabase (default), or the superuser. */
  owner?: 'postgres' | 'supabase_admin';
  /** How to wait if another process has the directory open. */
  lock?: LockOptions;
}

export interface EmbeddedDatabase extends Database {
  readonly kind: 'embedded';
  /** Ends the engine at once, as a crash would. A persistent database recovers when it is opened again. */
  terminate(): Promise<void>;
}

/** The relevant settings of a Supabase project, and small buffers, which start faster. */
const settings = [
  'search_path="$user", public, extensions',
  'exit_on_error=false',
  'log_checkpoints=false',
  'max_worker_processes=0',
  'max_parallel_workers=0',
  'max_parallel_workers_per_gather=0',
  'shared_buffers=16MB',
  'min_wal_size=2MB',
  'max_wal_size=64MB',
  'wal_level=logical',
];

let engine: Promise<CompiledEngine> | undefined;

/** Compiles the engine once per process. */
function compiledEngine(): Promise<CompiledEngine> {
  return (engine ??= compileWasm(join(engineDirectory(), 'pglite.wasm')));
}

/**
 * Opens an embedded PostgreSQL with the platform's objects in it, in a thread of its own. The first open on a machine
 * creates those objects (a few seconds) and caches a snapshot of them.
 * @throws MuseError `database-in-use` if another process has the directory open; `database-version` if it was created
 *   by another version; `embedded-failed`; `cancelled`
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const cache = options.cacheDirectory ?? defaultCacheDirectory();
  const [module, extensions] = await Promise.all([
    compiledEngine(),
    cachedPack(join(cache, `extensions-${key(stubFiles())}.bin`), makeExtensionPack),
  ]);
  const snapshot = () =>
    cachedPack(join(cache, `baseline-${key([snapshotVersion, platformSql(), stubFiles(), settings])}.bin`), () =>
      makeSnapshot({ settings, extensions, module }, options.signal),
    );
  const user = options.owner === 'supabase_admin' ? undefined : 'postgres';
  const input = { settings, extensions, module, user };
  const kept =
    options.directory === undefined
      ? undefined
      : await openDirectory(options.directory, snapshot, {
          ...options.lock,
          signal: options.lock?.signal ?? options.signal,
        });
  try {
    const wire = await startWorker(
      kept
        ? { ...input, directory: kept.data, snapshot: kept.fresh?.snapshot, writeTo: kept.fresh?.at }
        : { ...input, snapshot: await snapshot() },
      options,
    );
    const description = kept ? `embedded database in ${options.directory}` : 'embedded database in memory';
    const leave = async (end: () => Promise<void>): Promise<void> => {
      await end();
      await kept?.release();
    };
    return {
      ...createDatabase(wire, 'embedded', description),
      kind: 'embedded',
      limitStatements: wire.limitCalls,
      close: () => leave(kept ? wire.close : wire.terminate),
      terminate: () => leave(wire.terminate),
    };
  } catch (error) {
    await kept?.release();
    throw error;
  }
}

function key(parts: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([engineVersion, parts]))
    .digest('hex')
    .slice(0, 16);
}
