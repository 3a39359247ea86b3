import { PGlite } from '@electric-sql/pglite';
import type { Database, QueryResult, Session } from '../../src/database/database.ts';
import { DatabaseError } from '../../src/database/database.ts';
import { baseline } from './baseline.ts';

/** An embedded database with the baseline, for one file of tests. */
export async function openScratch(): Promise<Database> {
  const pglite = await PGlite.create();
  await pglite.exec(baseline);
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const { code, message, detail } = error as { code?: string; message: string; detail?: string };
      throw new DatabaseError({ code: code ?? 'XX000', message, detail, cause: error });
    }
  };
  const session: Session = {
    query: <Row>(sql: string, parameters: readonly unknown[] = []) => run<QueryResult<Row>>(async () => {
      const { rows, affectedRows } = await pglite.query<Row>(sql, [...parameters]);
      return { rows, affected: affectedRows ?? rows.length };
    }),
    script: (sql) => run(async () => { await pglite.exec(sql); }),
  };
  return {
    ...session,
    kind: 'embedded',
    description: 'scratch',
    transaction: (work) => work(session),
    withRunLock: (work) => work(),
    close: () => pglite.close(),
  };
}

/** Runs `work` on top of the SQL and takes everything back. */
export async function withSchema<T>(database: Database, sql: string, work: () => Promise<T>): Promise<T> {
  await database.script(`begin; ${sql}`);
  try {
    return await work();
  } finally {
    await database.script('rollback');
  }
}
