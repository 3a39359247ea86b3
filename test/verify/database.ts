import type { Session } from '../../src/database/database.ts';

/** Runs `work` after the SQL and rolls everything back. Its failures do not affect others. */
export async function withSchema<T>(
  database: Session,
  sql: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const guarded = async <R>(run: () => Promise<R>): Promise<R> => {
    await database.script('savepoint each');
    try {
      return await run();
    } catch (error) {
      await database.script('rollback to savepoint each');
      throw error;
    } finally {
      await database.script('release savepoint each');
    }
  };
  await database.script('begin');
  try {
    await database.script(sql);
    return await work({
      query: (text, parameters) => guarded(() => database.query(text, parameters)),
      script: (text) => guarded(() => database.script(text)),
    });
  } finally {
    await database.script('rollback');
  }
}
