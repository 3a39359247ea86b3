import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from '../../database/database.ts';
import type { EmbeddedDatabase } from '../../database/embedded/embedded.ts';
import { cancelled, MuseError } from '../../shared/error.ts';
import type { Connections, TurnOptions } from './database.ts';

/** The one session of an embedded database, shared in turns. */
export interface EmbeddedConnections extends Connections {
  withConnection<T>(work: (database: EmbeddedDatabase) => Promise<T>, options?: TurnOptions): Promise<T>;
  /**
   * Runs `work` while the database is closed and its directory is free, e.g. to delete it. It is open again afterwards.
   */
  whileClosed<T>(work: () => Promise<T>): Promise<T>;
  /** Calls back when the session has ended with all that was in it: another one is open, or will be. */
  onRestart(listener: () => void): void;
}

/** What is left of a second, in ms, for a statement that runs when the server ends. */
const closeMs = 400;

/**
 * Shares the session of an embedded database: who comes first has it until the end of its work. PGlite cannot stop a
 * statement, so one that takes too long ends the engine: it is opened again, and what waited runs there.
 * @param open opens the database; called again after the engine has ended
 */
export async function shareEmbedded(open: () => Promise<EmbeddedDatabase>): Promise<EmbeddedConnections> {
  const inside = new AsyncLocalStorage<true>();
  const restarted = new Set<() => void>();
  const closing = new AbortController();
  let current: EmbeddedDatabase | undefined = await open();
  let last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything before it has ended. */
  function inTurn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // It would wait for itself.
    if (inside.getStore()) return Promise.reject(new Error('A transaction inside a transaction: use its session'));
    const run = async (): Promise<T> => {
      if (closing.signal.aborted) throw cancelled(closing.signal.reason);
      if (signal?.aborted) throw cancelled(signal.reason);
      return inside.run(true, work);
    };
    const mine = last.then(run);
    last = mine.catch(() => undefined);
    return mine;
  }

  /** Forgets an engine that has ended, and frees its directory. */
  async function forget(database: EmbeddedDatabase): Promise<void> {
    current = undefined;
    await database.terminate();
    for (const listener of restarted) listener();
  }

  return {
    withConnection: (work, { limitMs, signal } = {}) =>
      inTurn(async () => {
        const database = (current ??= await open());
        database.limitStatements?.(limitMs);
        try {
          return await work(database);
        } catch (error) {
          if (!(error instanceof MuseError) || !endings.has(error.code)) throw error;
          await forget(database);
          throw asReport(error);
        }
      }, signal),
    whileClosed: (work) =>
      inTurn(async () => {
        await current?.close();
        current = undefined;
        for (const listener of restarted) listener();
        return work();
      }),
    onRestart: (listener) => void restarted.add(listener),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await Promise.race([last, sleep(closeMs, undefined, { ref: false })]);
      const database = current;
      current = undefined;
      // A statement that still runs is stopped as a crash would stop it: what was committed is kept.
      await Promise.race([
        database?.close(),
        sleep(closeMs, undefined, { ref: false }).then(() => database?.terminate()),
      ]);
    },
  };
}

/** Errors after which the engine is gone. */
const endings: ReadonlySet<string> = new Set([
  'statement-timeout',
  'embedded-failed',
  'disk-full',
  'database-closed',
  'out-of-memory',
]);

/** What PostgreSQL says where it can stop a statement itself. */
function asReport(error: MuseError): Error {
  if (error.code !== 'statement-timeout') return error;
  return new DatabaseError({ code: '57014', message: 'canceling statement due to statement timeout', cause: error });
}
