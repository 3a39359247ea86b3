import type { Database } from '../../database/database.ts';
import { cancelled, MuseError } from '../../shared/error.ts';
import type { Connections } from './database.ts';

/** How many connections a local server keeps at most: PostgREST's own default. */
const most = 10;

/**
 * Connections to a PostgreSQL server, opened as they are needed and kept for the next. Each belongs to one piece of work
 * at a time; the server ends a statement that takes too long by its `statement_timeout`.
 * @param open opens one connection
 */
export function poolConnections(open: () => Promise<Database>): Connections {
  const idle: Database[] = [];
  const busy = new Set<Database>();
  const waiting: (() => void)[] = [];
  let opened = 0;
  let closed = false;
  const isFree = (): boolean => idle.length > 0 || opened < most || closed;

  async function take(signal: AbortSignal | undefined): Promise<Database> {
    while (!isFree()) await new Promise<void>((resolve) => waiting.push(resolve));
    if (closed) throw cancelled(undefined);
    if (signal?.aborted) {
      waiting.shift()?.();
      throw cancelled(signal.reason);
    }
    const kept = idle.pop();
    if (kept !== undefined) return kept;
    opened += 1;
    try {
      return await open();
    } catch (error) {
      opened -= 1;
      waiting.shift()?.();
      throw error;
    }
  }

  async function use<T>(signal: AbortSignal | undefined, work: (database: Database) => Promise<T>): Promise<T> {
    const database = await take(signal);
    busy.add(database);
    let lost = false;
    try {
      return await work(database);
    } catch (error) {
      // PostgreSQL's own errors leave the connection as it was.
      lost = error instanceof MuseError && error.code !== 'cancelled';
      throw error;
    } finally {
      busy.delete(database);
      if (lost || closed) {
        opened -= 1;
        await database.close();
      } else idle.push(database);
      waiting.shift()?.();
    }
  }

  return {
    transaction: (work, { signal, ...start }) => use(signal, (database) => database.transaction(work, start)),
    alone: (statement, { signal, ...start }) => use(signal, (database) => database.alone(statement, start)),
    async close() {
      closed = true;
      for (const wake of waiting.splice(0)) wake();
      await Promise.all([...idle.splice(0), ...busy].map((database) => database.close()));
    },
  };
}

/** The same connections, on which no transaction can write. */
export function readOnly(connections: Connections): Connections {
  return {
    transaction: (work, start) => connections.transaction(work, { ...start, readOnly: true }),
    alone: (statement, start) => connections.alone(statement, { ...start, readOnly: true }),
    close: () => connections.close(),
  };
}
