import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LockOptions } from '../../shared/directory-lock.ts';
import { compileWasm } from '../../shared/wasm.ts';
import { platformSql } from '../platform/platform.ts';
import { cacheDirectory as defaultCacheDirectory } from '../cache.ts';
import type { Database } from '../database.ts';
import { createDatabase } from '../session.ts';
import { stubFiles } from '../extension-stubs/stubs.ts';
import { cachedPack, sharePack } from './pack.ts';
import { lockOrBorrow } from './borrow.ts';
import { findData, refuseStub } from './directory.ts';
import { engineDirectory, makeExtensionPack } from './extensions.ts';
import { makeSnapshot, packData, snapshotVersion } from './snapshot.ts';
import type { CompiledEngine, Pack } from './protocol.ts';
import { engineVersion } from './version.ts';
import { removeLeftovers } from './served.ts';
import { postgisControl, postgisFiles } from './postgis.ts';
import { type EngineInput, startWorker, type WorkerOptions, type WorkerWire } from './worker-wire.ts';

/** What a new database has in it from the start, beside the platform's objects. */
export interface Contents {
  /** A hash of everything that they depend on, for the name of a file. */
  key: string;
  /** Writes them, as the user `postgres`; they are kept, and read for the next database with this key. */
  write(database: Database): Promise<void>;
}

export interface EmbeddedOptions extends WorkerOptions {
  /** The database's directory. Without it, the database is in memory and gone when closed. */
  directory?: string | undefined;
  /** The directory for snapshots. Default: {@link defaultCacheDirectory}. */
  cacheDirectory?: string | undefined;
  /** The user of the session: `postgres` as on Supabase (default), or the superuser. */
  owner?: 'postgres' | 'supabase_admin';
  /** Only for a database in memory. */
  contents?: Contents | undefined;
  /** How to wait if another process has the directory open. */
  lock?: LockOptions;
}

export interface EmbeddedDatabase extends Database {
  readonly kind: 'embedded';
  /** Ends the engine at once, as a crash would. A persistent database recovers when it is opened again. */
  terminate(): Promise<void>;
}

/** The relevant settings of a Supabase project, and small buffers: to write those for the first time takes much of a start. */
const settings = [
  'search_path="$user", public, extensions',
  'exit_on_error=false',
  // Nobody reads the engine's log, and it takes longer to write a long statement there than to run it.
  'log_min_messages=panic',
  'log_min_error_statement=panic',
  'log_checkpoints=false',
  'max_worker_processes=0',
  'max_parallel_workers=0',
  'max_parallel_workers_per_gather=0',
  'shared_buffers=4MB',
  'min_wal_size=2MB',
  'max_wal_size=64MB',
  'wal_level=logical',
];

let engine: Promise<CompiledEngine> | undefined;

/** Compiles the engine once per process. */
function compiledEngine(): Promise<CompiledEngine> {
  return (engine ??= compileWasm(join(engineDirectory(), 'pglite.wasm')));
}

const extensionPacks = new Map<string, Promise<Pack>>();

/** The files of extensions, which no engine changes: read once per process. */
function extensionPack(path: string): Promise<Pack> {
  const known = extensionPacks.get(path) ?? cachedPack(path, makeExtensionPack).then(sharePack);
  extensionPacks.set(path, known);
  known.catch(() => extensionPacks.delete(path));
  return known;
}

/** What starting an engine needs, besides where its data is. */
export interface Engine {
  input: Omit<EngineInput, 'directory' | 'snapshot' | 'writeTo'>;
  /** The files of a new database. The first call on a machine creates them (a few seconds) and caches them. */
  snapshot(): Promise<Pack>;
}

/** Prepares what every engine of this process shares. */
export async function prepareEngine(options: EmbeddedOptions): Promise<Engine> {
  const cache = options.cacheDirectory ?? defaultCacheDirectory();
  const own = [stubFiles(), postgisControl];
  const [module, extensions] = await Promise.all([
    compiledEngine(),
    extensionPack(join(cache, `extensions-${key(own)}.bin`)),
  ]);
  const user = options.owner === 'supabase_admin' ? undefined : 'postgres';
  const platform = [snapshotVersion, platformSql(), own, settings];
  const { contents, signal } = options;
  const input = { settings, extensions, module, late: postgisFiles(cache) };
  const empty = (): Promise<Pack> =>
    cachedPack(join(cache, `baseline-${key(platform)}.bin`), () => makeSnapshot(input, signal));
  return {
    input: { ...input, user },
    snapshot:
      contents === undefined
        ? empty
        : () =>
            cachedPack(
              join(cache, 'contents', `${key([platform, contents.key])}.bin`),
              async () => addContents({ ...input, snapshot: await empty() }, contents, signal),
              mostContents,
            ),
  };
}

/** How many databases with contents are kept; each takes about 13 MB. */
const mostContents = 4;

/** The files of a new database with contents. */
async function addContents(input: EngineInput, contents: Contents, signal?: AbortSignal): Promise<Pack> {
  const wire = await startWorker(input, { signal });
  try {
    await wire.script('SET SESSION AUTHORIZATION postgres');
    await contents.write(createDatabase(wire, 'embedded', describeEmbedded(undefined)));
    await wire.script('SET SESSION AUTHORIZATION supabase_admin');
    return await packData(wire);
  } finally {
    await wire.terminate();
  }
}

/** Starts an engine on the data of a directory that this process has locked, or in memory. */
export async function startEngine(
  { input, snapshot }: Engine,
  directory: string | undefined,
  options: WorkerOptions,
): Promise<WorkerWire> {
  if (directory === undefined) return startWorker({ ...input, snapshot: await snapshot() }, options);
  const { data, fresh, isBeforePostgis } = await findData(directory, snapshot);
  // On a disk, a page that is not in a buffer has to be read.
  const settings = [...input.settings, 'shared_buffers=16MB'];
  const files = { directory: data, snapshot: fresh?.snapshot, writeTo: fresh?.at };
  const wire = await startWorker({ ...input, settings, ...files }, options);
  try {
    await removeLeftovers(directory, wire);
    if (isBeforePostgis === true) await refuseStub(directory, wire);
    return wire;
  } catch (error) {
    await wire.terminate();
    throw error;
  }
}

/** Names a database in messages. */
export const describeEmbedded = (directory: string | undefined): string =>
  directory === undefined ? 'embedded database in memory' : `embedded database in ${directory}`;

/**
 * Opens an embedded PostgreSQL with the platform's objects in it, in a thread of its own. Where another process serves
 * the directory (`muse dev`), its engine is borrowed until the database is closed, which looks the same.
 * @throws MuseError `database-in-use` if another process has the directory open; `database-version` if it was created
 *   by another version; `embedded-failed`; `cancelled`
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const { directory } = options;
  const lock = { ...options.lock, signal: options.lock?.signal ?? options.signal };
  const access = directory === undefined ? undefined : await lockOrBorrow(directory, options, lock);
  try {
    const wire = access?.borrowed ?? (await startEngine(await prepareEngine(options), directory, options));
    const leave = async (end: () => Promise<void>): Promise<void> => {
      await end();
      await access?.release?.();
    };
    return {
      ...createDatabase(wire, 'embedded', describeEmbedded(directory)),
      kind: 'embedded',
      limitStatements: wire.limitCalls,
      close: () => leave(access ? wire.close : wire.terminate),
      terminate: () => leave(wire.terminate),
    };
  } catch (error) {
    await access?.release?.();
    throw error;
  }
}

function key(parts: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([engineVersion, parts]))
    .digest('hex')
    .slice(0, 16);
}
