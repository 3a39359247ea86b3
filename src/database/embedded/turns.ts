import { AsyncLocalStorage } from 'node:async_hooks';
import { NeverStarted, type WorkerWire } from './worker-wire.ts';

/** What was changed in a shared database. */
export interface Change {
  /** There may be other tables, columns, functions or policies than before. */
  schemaMayDiffer: boolean;
}

/**
 * One of those that take turns on the one session of an embedded database. When the session goes from one user to another,
 * `leave` of the first runs at a transaction boundary, the session is reset, and `enter` of the next sets it up.
 */
export interface SessionUser {
  leave?(wire: WorkerWire): Promise<void>;
  enter?(wire: WorkerWire): Promise<void>;
}

/** The one session of an embedded database, which several users take turns on, in the order in which they asked. */
export interface Turns {
  /**
   * Runs `work` while nobody else uses the session. It leaves no transaction open. An engine that has ended is started
   * again first.
   * @param signal ends the wait, with its reason; not the work
   * @throws MuseError what starting the engine throws
   */
  take<T>(user: SessionUser, work: (wire: WorkerWire) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /**
   * As `take`, for work that is one message which starts and ends a transaction that only reads: the next of the same
   * user may be sent before it is answered, so that the engine need not wait for this thread. Where the engine ends before
   * it came to it, the work is done again.
   */
  ahead<T>(user: SessionUser, work: (wire: WorkerWire) => Promise<T>): Promise<T>;
  /** The session that the caller's turn has; undefined outside of a turn. */
  mine(): WorkerWire | undefined;
  /** Runs something outside of the caller's turn, so that it can take one of its own. */
  outside<T>(work: () => T): T;
  /** How many wait for their turn. */
  waiting(): number;
  /** Runs `work` as a turn in which no engine runs. */
  withoutEngine<T>(work: () => Promise<T>): Promise<T>;
}

/** How many messages are sent before the first is answered: enough for the engine always to have one. */
const mostAhead = 4;

/** Puts the session back to what it was when it was opened. DISCARD ALL does not change the user of the session. */
async function reset(wire: WorkerWire): Promise<void> {
  await wire.query('ROLLBACK', []);
  await wire.query('SET SESSION AUTHORIZATION DEFAULT', []);
  await wire.query('DISCARD ALL', []);
}

/**
 * @param start starts the engine; called before the first turn, and again after the engine has ended
 * @param prepare does what every user finds in a session that is as new
 */
export function createTurns(start: () => Promise<WorkerWire>, prepare: (wire: WorkerWire) => Promise<void>): Turns {
  const turn = new AsyncLocalStorage<WorkerWire>();
  const queue: (() => void)[] = [];
  /** What was sent ahead and is not answered, oldest first. None of these fails. */
  const sent = new Set<Promise<unknown>>();
  let busy = false;
  let wire: WorkerWire | undefined;
  /** Whose state the session has; undefined for a session that is as new. */
  let last: SessionUser | undefined;

  async function acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!busy) {
      busy = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', give);
        resolve();
      };
      const give = (): void => {
        queue.splice(queue.indexOf(begin), 1);
        reject(signal?.reason as Error);
      };
      queue.push(begin);
      signal?.addEventListener('abort', give, { once: true });
    });
  }

  function release(): void {
    const next = queue.shift();
    if (next === undefined) busy = false;
    else next();
  }

  async function stop(): Promise<void> {
    await wire?.terminate();
    wire = undefined;
    last = undefined;
  }

  /** Takes the session away from its last user. Where that fails, a new engine is as good. */
  async function handOver(from: SessionUser, session: WorkerWire): Promise<void> {
    try {
      await from.leave?.(session);
      await reset(session);
      await prepare(session);
    } catch {
      await stop();
    }
    last = undefined;
  }

  async function sessionFor(user: SessionUser): Promise<WorkerWire> {
    if (wire?.isOpen() === false) await stop();
    if (wire !== undefined && last !== undefined && last !== user) await handOver(last, wire);
    if (wire === undefined) {
      wire = await start();
      await prepare(wire);
    }
    if (last !== user) {
      wire.limitCalls(undefined);
      await user.enter?.(wire);
      last = user;
    }
    return wire;
  }

  /** Does work whose answer the next need not wait for. */
  async function send<T>(user: SessionUser, work: (wire: WorkerWire) => Promise<T>): Promise<T> {
    await acquire();
    try {
      if (last !== user) await Promise.all(sent);
      while (sent.size >= mostAhead) await sent.values().next().value;
      const answer = work(await sessionFor(user));
      const settled: Promise<unknown> = answer.catch(() => undefined).finally(() => sent.delete(settled));
      sent.add(settled);
      return answer;
    } finally {
      release();
    }
  }

  return {
    async take(user, work, signal) {
      if (turn.getStore() !== undefined) throw nested();
      await acquire(signal);
      try {
        await Promise.all(sent);
        const session = await sessionFor(user);
        return await turn.run(session, () => work(session));
      } finally {
        release();
      }
    },
    async ahead(user, work) {
      if (turn.getStore() !== undefined) throw nested();
      for (;;) {
        try {
          return await send(user, work);
        } catch (error) {
          if (!(error instanceof NeverStarted)) throw error;
        }
      }
    },
    mine: () => turn.getStore(),
    outside: (work) => turn.exit(work),
    waiting: () => queue.length,
    async withoutEngine(work) {
      await acquire();
      try {
        await Promise.all(sent);
        await wire?.close();
        await stop();
        return await work();
      } finally {
        release();
      }
    },
  };
}

const nested = (): Error => new Error('A turn inside a turn would wait for itself');
