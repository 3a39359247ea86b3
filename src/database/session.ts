import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, DatabaseKind, QueryResult, Session, Statement, TransactionStart } from './database.ts';
import { parseValue, toParameter } from './values.ts';
import type { Opening, Wire, WireResult } from './wire.ts';
import { toDatabaseError } from './error-report.ts';

/** Builds a `Session` on a wire. */
function createSession(wire: Wire): Session {
  return {
    async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
      return toResult<Row>(await wire.query(sql, parameters.map(toParameter)));
    },
    script: (sql) => wire.script(sql),
    ...(wire.each === undefined ? {} : { each: wire.each }),
  };
}

/** A wire's result with values as JavaScript has them. */
export function toResult<Row>({ fields, rows, affected }: WireResult): QueryResult<Row> {
  const objects = rows.map((row) => {
    const entries = fields.map((field, index) => [field.name, parseValue(row[index] ?? null, field.type)] as const);
    return Object.fromEntries(entries) as Row;
  });
  return { rows: objects, affected };
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

  /** A session whose first statement takes along what starts the transaction. */
  function opening(start: TransactionStart): { session: Session; open: () => boolean } {
    let opened = false;
    const take = (): Opening | undefined => {
      if (opened) return undefined;
      opened = true;
      return { ...start, whole: false };
    };
    const begin = async (): Promise<void> => {
      const first = take();
      if (first !== undefined) await wire.query('SELECT 1', [], first);
    };
    const { each } = wire;
    const own: Wire = {
      ...wire,
      query: (sql, parameters) => wire.query(sql, parameters, take()),
      async script(sql) {
        await begin();
        await wire.script(sql);
      },
      ...(each === undefined ? {} : { each: (...some) => begin().then(() => each(...some)) }),
    };
    return { session: createSession(own), open: () => opened };
  }

  async function run<T>(work: (session: Session) => Promise<T>, start: TransactionStart | undefined): Promise<T> {
    if (start === undefined) await wire.query('BEGIN', []);
    const { session: own, open } = start === undefined ? { session, open: () => true } : opening(start);
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

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (inside.getStore()) return Promise.reject(new Error('A transaction inside a transaction: use a SAVEPOINT'));
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  }

  return {
    ...session,
    kind,
    description,
    transaction: (work, start) => inTurn(() => run(work, start)),
    ...(wire.each === undefined
      ? {}
      : { eachWhole: (statements) => inTurn(() => wire.each!(statements, 'muse_statement', true)) }),
    alone: <Row>({ sql, values }: Statement, start: TransactionStart) =>
      inTurn(async () => toResult<Row>(await wire.query(sql, values.map(toParameter), { ...start, whole: true }))),
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
