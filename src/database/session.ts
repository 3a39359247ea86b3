import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, DatabaseKind, QueryResult, Session, TransactionScripts } from './database.ts';
import { parseValue, toParameter } from './values.ts';
import type { Wire } from './wire.ts';
import { toDatabaseError } from './error-report.ts';

/** Builds a `Session` on a wire. */
function createSession(wire: Wire): Session {
  return {
    async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
      const { fields, rows, affected } = await wire.query(sql, parameters.map(toParameter));
      const objects = rows.map((row) => {
        const entries = fields.map((field, index) => [field.name, parseValue(row[index] ?? null, field.type)] as const);
        return Object.fromEntries(entries) as Row;
      });
      return { rows: objects, affected };
    },
    script: (sql) => wire.script(sql),
  };
}

/**
 * Builds a `Database` on a wire. Transactions wait for each other. There is one connection, so a query on the database
 * itself while a transaction runs is part of it.
 */
export function createDatabase(wire: Wire, kind: DatabaseKind, description: string): Database {
  const session = createSession(wire);
  const inside = new AsyncLocalStorage<true>();
  let last: Promise<unknown> = Promise.resolve();
  let lock: Promise<Database['withRunLock']> | undefined;

  /** A session whose first statement takes the script along that starts its transaction, or also ends it. */
  function opening(begin: string, one: boolean): { session: Session; open: () => boolean } {
    let first: string | undefined = begin;
    let ended = false;
    const take = (): string | undefined => {
      const taken = first;
      first = undefined;
      return taken;
    };
    const own: Wire = {
      ...wire,
      async query(sql, parameters) {
        if (ended) throw new Error('The transaction was to be one query, and it has ended');
        const result = await wire.query(sql, parameters, take(), one ? 'COMMIT' : undefined);
        ended = one;
        return result;
      },
      async script(sql) {
        const begin = take();
        if (begin !== undefined) await wire.script(begin);
        await wire.script(sql);
      },
    };
    return { session: createSession(own), open: () => first === undefined && !ended };
  }

  async function run<T>(
    work: (session: Session) => Promise<T>,
    { begin, one = false }: TransactionScripts,
  ): Promise<T> {
    if (begin === undefined) await wire.query('BEGIN', []);
    const { session: own, open } = begin === undefined ? { session, open: () => true } : opening(begin, one);
    try {
      const value = await inside.run(true, () => work(own));
      if (!open()) return value;
      const { command } = await wire.query('COMMIT', []);
      // COMMIT of a transaction in which a statement failed is a ROLLBACK, which only the command tag shows.
      if (command !== 'COMMIT') {
        throw toDatabaseError({ code: '25P02', message: 'the transaction had failed, so COMMIT rolled it back' });
      }
      return value;
    } catch (error) {
      if (open()) await wire.query('ROLLBACK', []).catch(() => undefined);
      throw error;
    }
  }

  return {
    ...session,
    kind,
    description,
    transaction<T>(work: (session: Session) => Promise<T>, options: TransactionScripts = {}): Promise<T> {
      if (inside.getStore()) return Promise.reject(new Error('A transaction inside a transaction: use a SAVEPOINT'));
      const mine = last.then(() => run(work, options));
      last = mine.catch(() => undefined);
      return mine;
    },
    async queryText(sql) {
      const { fields, ...result } = await wire.query(sql, []);
      return { ...result, columns: fields.map(({ name }) => name) };
    },
    withRunLock: async (work, waitMs) => {
      // Loaded lazily, because most sessions only read.
      lock ??= import('./run-lock.ts').then(({ createRunLock }) => createRunLock(session));
      return (await lock)(work, waitMs);
    },
    ...(wire.onRaise === undefined ? {} : { onRaise: wire.onRaise }),
    close: () => wire.close(),
  };
}
