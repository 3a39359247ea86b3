import { cancelled } from '../../shared/error.ts';
import type { Database, QueryResult, Session, Statement, TransactionStart } from '../database.ts';
import { createDatabase, toResult } from '../session.ts';
import { toParameter } from '../values.ts';
import type { WireResult } from '../wire.ts';
import { type Channels, createChannels } from './channels.ts';
import { deleteData, lockDirectory } from './directory.ts';
import { describeEmbedded, type EmbeddedOptions, prepareEngine, startEngine } from './embedded.ts';
import { lend } from './lend.ts';
import { markServed, removeLeftovers } from './served.ts';
import { type Change, createTurns, type SessionUser, type Turns } from './turns.ts';
import type { WorkerWire } from './worker-wire.ts';

/** How a transaction starts in an engine that knows no `statement_timeout`. */
export interface LimitedStart extends TransactionStart {
  /** A statement that takes longer than so many ms ends the engine, with `statement-timeout`; undefined for no limit. */
  limitMs?: number | undefined;
  /** Gives up the wait for a turn. */
  signal?: AbortSignal | undefined;
}

export interface SharedDatabase extends Database {
  transaction<T>(work: (session: Session) => Promise<T>, start?: LimitedStart): Promise<T>;
  alone<Row = Record<string, unknown>>(statement: Statement, start: LimitedStart): Promise<QueryResult<Row>>;
}

/**
 * An embedded database that one process has open and shares: with its own requests, with clients of the wire protocol,
 * and with commands of other processes, which find its socket in the directory.
 */
export interface SharedEmbedded {
  /**
   * The database for the process's own work. A transaction, and a query outside of one, wait for their turn. An engine
   * that was ended (`limitMs`, a fault) is started again for the next turn.
   */
  readonly database: SharedDatabase;
  /** For others that take turns on the session. */
  readonly turns: Turns;
  readonly channels: Channels;
  /** Tells the listeners that another user's turn changed something. */
  changed(change: Change): void;
  /** Calls back after anything but the process's own work may have changed the database. Returns what ends it. */
  onChange(listener: (change: Change) => void): () => void;
  /** Ends all that borrow it, and the engine. What runs is ended, as by a crash, where it takes longer than a moment. */
  close(): Promise<void>;
}

/** The process's own work: it changes the session only inside of its transactions. */
const own: SessionUser = {};
/** How long work that runs when the database is closed may still take, in ms. */
const graceMs = 500;

/**
 * Opens a database to share it.
 * @throws MuseError what `openEmbedded` throws; it never borrows
 */
export async function shareEmbedded(options: EmbeddedOptions = {}): Promise<SharedEmbedded> {
  const { directory } = options;
  const lock = { ...options.lock, signal: options.lock?.signal ?? options.signal };
  const release = directory === undefined ? undefined : await lockDirectory(directory, lock);
  let current: WorkerWire | undefined;
  let closed = false;
  const engine = prepareEngine(options);
  const channels = createChannels();
  const turns = createTurns(async () => {
    if (closed) throw new Error('The shared database is closed');
    current = await startEngine(await engine, directory, options);
    if (directory !== undefined) await markServed(directory);
    current.onNotification(channels.publish);
    return current;
  }, channels.subscribe);
  const listeners = new Set<(change: Change) => void>();
  const changed = (change: Change): void => {
    for (const listener of listeners) turns.outside(() => listener(change));
  };
  let stopLending: (() => Promise<void>) | undefined;
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    await stopLending?.();
    const timer = setTimeout(() => void current?.terminate(), graceMs);
    // Where it fails, the next open does it.
    if (directory !== undefined && current?.isOpen() === true)
      await turns.take(own, (wire) => removeLeftovers(directory, wire)).catch(() => undefined);
    await turns.withoutEngine(() => Promise.resolve());
    clearTimeout(timer);
    await release?.();
  }
  try {
    // Before the engine is there: who comes now waits for its turn.
    if (directory !== undefined) {
      const drop = (): Promise<void> => turns.withoutEngine(() => deleteData(directory));
      stopLending = await lend(directory, { turns, changed, drop });
    }
    await turns.take(own, () => Promise.resolve());
  } catch (error) {
    await close();
    throw error;
  }
  const inTurn = <T>(work: (wire: WorkerWire) => Promise<T>): Promise<T> => {
    const mine = turns.mine();
    return mine === undefined ? turns.take(own, work) : work(mine);
  };
  const inner = createDatabase(
    {
      query: (sql, parameters, opening) => inTurn((wire) => wire.query(sql, parameters, opening)),
      script: (sql) => inTurn((wire) => wire.script(sql)),
      close,
    },
    'embedded',
    describeEmbedded(directory),
  );
  return {
    database: {
      ...inner,
      transaction: (work, options) =>
        turns.take(own, (wire) => {
          const { limitMs, signal, ...start } = options ?? {};
          if (signal?.aborted) throw cancelled(signal.reason);
          wire.limitCalls(limitMs);
          return inner.transaction(work, options && start);
        }),
      async alone<Row>({ sql, values }: Statement, { limitMs, signal, ...start }: LimitedStart) {
        const send = (wire: WorkerWire): Promise<WireResult> => {
          if (signal?.aborted) throw cancelled(signal.reason);
          wire.limitCalls(limitMs);
          return wire.query(sql, values.map(toParameter), { ...start, whole: true });
        };
        return toResult<Row>(await (start.readOnly === true ? turns.ahead(own, send) : turns.take(own, send)));
      },
    },
    turns,
    channels,
    changed,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}
