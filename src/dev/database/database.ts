/**
 * The database as the parts of the server use it: identities on top of connections. Where the connections come from is up
 * to {@link Connections}: one session that all share (embedded.ts), or several (pooled.ts).
 */
import type { QueryResult, Session, Statement, TransactionStart } from '../../database/database.ts';
import { cancelled } from '../../shared/error.ts';
import type { ActOptions, AloneOptions, DevDatabase, Identity } from '../service.ts';
import { startAs } from './begin.ts';
import { readRoleSettings, type SettingsByRole } from './roles.ts';

/** What is known of a change when it is told. */
export interface Change {
  schemaMayDiffer: boolean;
}

export interface ConnectionStart extends TransactionStart {
  /** How long one statement may take, in ms, where PostgreSQL itself cannot stop it; undefined for as long as it likes. */
  limitMs: number | undefined;
  /** Gives up the wait for a connection. */
  signal?: AbortSignal | undefined;
}

/** Where connections come from. */
export interface Connections {
  /**
   * Runs `work` in a transaction on a connection that nothing else uses until it has ended.
   * @throws DatabaseError `57014` where a statement took longer than it may
   */
  transaction<T>(work: (session: Session) => Promise<T>, start: ConnectionStart): Promise<T>;
  /** Runs one statement in a transaction of its own; throws as `transaction`. */
  alone<Row>(statement: Statement, start: ConnectionStart): Promise<QueryResult<Row>>;
  /** Ends every connection, within a moment. */
  close(): Promise<void>;
}

/** The database of `muse dev`, with what only the server itself does with it. */
export interface OwnDatabase extends DevDatabase {
  /** Tells the listeners of `onCommit` about a change that others made. */
  changed(change: Change): void;
  /** Ends every connection, within a moment. */
  close(): Promise<void>;
}

/** A statement of the server itself ends at the latest after so many ms: one that waits for nothing would stop everyone. */
const serverLimitMs = 60_000;

const startAsServer: ConnectionStart = {
  settings: { statement_timeout: String(serverLimitMs) },
  limitMs: serverLimitMs,
};

/** Ends a transaction that worked and is to be rolled back. */
class RolledBack extends Error {
  readonly value: unknown;

  constructor(value: unknown) {
    super('rolled back');
    this.value = value;
  }
}

/** Builds the database of the server on connections. */
export async function createOwnDatabase(connections: Connections): Promise<OwnDatabase> {
  const listeners = new Set<(change: Change) => void>();
  const read = (): Promise<SettingsByRole> => connections.transaction(readRoleSettings, startAsServer);
  let settings: Promise<SettingsByRole> = Promise.resolve(await read());

  function changed(change: Change): void {
    if (change.schemaMayDiffer) {
      const before = settings;
      settings = read().catch(() => before);
    }
    for (const listener of listeners) listener(change);
  }

  async function act<T>(
    start: ConnectionStart,
    work: (session: Session) => Promise<T>,
    { signal, rollback = false, readOnly = false }: ActOptions,
  ): Promise<T> {
    const inTransaction = async (session: Session): Promise<T> => {
      const value = await work(stoppedBy(signal, session));
      if (!rollback) return value;
      // What is only checked at the end would fail there.
      await session.script('SET CONSTRAINTS ALL IMMEDIATE');
      throw new RolledBack(value);
    };
    try {
      const value = await connections.transaction(inTransaction, start);
      if (!readOnly) changed({ schemaMayDiffer: false });
      return value;
    } catch (error) {
      if (error instanceof RolledBack) return error.value as T;
      throw error;
    }
  }

  async function startOf(identity: Identity, options: ActOptions): Promise<ConnectionStart> {
    const role = (await settings)[identity.role];
    return { ...startAs(identity, options, role), limitMs: role.limitMs, signal: options.signal };
  }

  return {
    close: () => connections.close(),
    changed,
    async actAs<T>(identity: Identity, work: (session: Session) => Promise<T>, options: ActOptions = {}): Promise<T> {
      return act(await startOf(identity, options), work, options);
    },
    async queryAs<Row>(identity: Identity, statement: Statement, options: AloneOptions = {}) {
      const result = await connections.alone<Row>(statement, await startOf(identity, options));
      if (options.readOnly !== true) changed({ schemaMayDiffer: false });
      return result;
    },
    asServer: (work) => act(startAsServer, work, {}),
    onCommit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The session, which runs nothing more once the signal aborts: the transaction then ends in a ROLLBACK. */
function stoppedBy(signal: AbortSignal | undefined, session: Session): Session {
  if (signal === undefined) return session;
  const check = (): void => {
    if (signal.aborted) throw cancelled(signal.reason);
  };
  return {
    async query<Row>(sql: string, parameters?: readonly unknown[]) {
      check();
      return session.query<Row>(sql, parameters);
    },
    async script(sql) {
      check();
      return session.script(sql);
    },
  };
}
