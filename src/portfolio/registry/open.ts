/** Opens the registry: an embedded database of this user, or a PostgreSQL server that a team and its workers share. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, DatabaseError, type Session } from '../../database/database.ts';
import { packageDirectory } from '../../kit/builtin.ts';
import { migrate } from '../../migrations/apply.ts';
import { readHistory } from '../../migrations/history.ts';
import { readMigrations } from '../../migrations/read.ts';
import { MuseError } from '../../shared/error.ts';
import type { Hooks } from '../../shared/hooks.ts';
import { installQueue } from '../queue.ts';

/** The registry, open. */
export interface Registry {
  /** For messages: where it is, without secrets. */
  readonly description: string;
  /** Whether only this process can have it open. */
  readonly isEmbedded: boolean;
  /** What this machine is called in it: muses and workers are on machines. An embedded registry knows only one. */
  readonly host: string;
  /**
   * Runs `work` in one transaction, after those that were asked for before. There is no other way to its data: with one
   * connection, a query beside a transaction would be part of it.
   *
   * Where the connection is lost it is opened again and `work` runs anew. Whether the lost transaction was committed is not
   * known then, so `work` must change nothing that it finds already changed.
   */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Where a registry is, and how long to try to reach it again. */
export interface RegistryPlace {
  /** The URL of a PostgreSQL server; undefined for the embedded registry. */
  url?: string | undefined;
  /** The data directory of this machine, which holds the embedded registry. */
  directory: string;
  /** How long a connection that was lost is tried again, in ms; default 60,000. */
  reconnectMs?: number | undefined;
}

const defaultReconnectMs = 60_000;

/** Codes of a connection that may come back. */
const passing = new Set([
  'connection-lost',
  'database-unreachable',
  'database-starting',
  'database-full',
  'database-unknown-host',
]);

/**
 * Opens the registry and brings its tables up to date.
 * @throws MuseError `bad-registry` for a database that holds something else, and what opening a database throws
 */
export async function openRegistry(place: RegistryPlace, hooks: Hooks = {}): Promise<Registry> {
  let database = await openDatabase(place, hooks);
  try {
    await prepare(database);
    // Nobody else can have an embedded registry open: every worker that it knows of has ended.
    if (place.url === undefined)
      await database.query('update portfolio.workers set ended_at = clock_timestamp() where ended_at is null');
  } catch (error) {
    await database.close();
    throw error;
  }
  let closed = false;
  const again = async (error: unknown): Promise<void> => {
    const until = performance.now() + (place.reconnectMs ?? defaultReconnectMs);
    for (let wait = 250; ; wait = Math.min(2 * wait, 5000)) {
      if (closed || performance.now() > until) throw error;
      await sleep(wait);
      try {
        const next = await openDatabase(place, hooks);
        await database.close();
        database = next;
        return;
      } catch (failure) {
        if (!isPassing(failure)) throw failure;
      }
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const attempt = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await database.transaction(work);
      } catch (error) {
        if (isLostRace(error)) continue;
        if (place.url === undefined || !isPassing(error)) throw error;
        await again(error);
      }
    }
  };
  return {
    description: place.url === undefined ? `the embedded registry in ${place.directory}` : database.description,
    isEmbedded: place.url === undefined,
    host: place.url === undefined ? 'localhost' : hostname(),
    transaction(work) {
      const mine = last.then(() => attempt(work));
      last = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      closed = true;
      await last;
      await database.close();
    },
  };
}

const isPassing = (error: unknown): boolean => error instanceof MuseError && passing.has(error.code);

/** Two processes changed the same rows at once, and PostgreSQL asks this one to try again. */
const isLostRace = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01');

/** No signal is passed on: what is stopped still has to be written down. */
async function openDatabase({ url, directory }: RegistryPlace, { signal, onNote }: Hooks): Promise<Database> {
  if (url === undefined) {
    const { openEmbedded } = await import('../../database/embedded/embedded.ts');
    return openEmbedded({ directory: join(directory, 'registry'), lock: { signal, onWait: onNote } });
  }
  const { openPostgres } = await import('../../database/postgres/postgres.ts');
  return openPostgres({ url, applicationName: 'muse portfolio' });
}

/** @throws MuseError `bad-registry` */
async function prepare(database: Database): Promise<void> {
  const { migrations } = await readMigrations(
    join(packageDirectory, 'templates', 'portfolio'),
    { core: ['migrations'], extensions: [], rollback: 'rollback', archive: 'archive', order: 'number' },
    { rollbacks: false },
  );
  const known = await readHistory(database);
  const first = migrations[0]?.file;
  if (known !== undefined && known.length > 0 && !known.some(({ file }) => file === first)) {
    throw new MuseError({
      code: 'bad-registry',
      message: `The ${database.description} has the migrations of a muse, so it cannot hold the registry too.`,
      suggestion: 'Create a database for the registry alone, and name that: --registry postgres://…',
    });
  }
  await migrate(database, migrations, { command: 'muse portfolio list' });
  await database.withRunLock(() => installQueue(database));
}
