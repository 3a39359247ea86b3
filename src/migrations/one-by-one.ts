import { DatabaseError, type Session } from '../database/database.ts';
import type { Statement } from '../sql/statement.ts';

/** A statement and what PostgreSQL said to it. */
export interface Failed {
  statement: Statement;
  error: DatabaseError;
}

/**
 * Runs statements in an open transaction, each in its own savepoint, so that one failure hides none behind it and what
 * succeeded stays. One round trip for each.
 * @param onlyFirst stop at the first failure
 * @throws what is no DatabaseError: the connection failed
 */
export async function runOneByOne(session: Session, statements: readonly Statement[], onlyFirst = false): Promise<Failed[]> {
  const failed: Failed[] = [];
  await session.script('savepoint muse_statement');
  for (const statement of statements) {
    try {
      // In front of the statement nothing, so that an error's position counts from its start; behind it the next savepoint.
      // What does not parse is sent alone: what never closes would swallow ours, and show it in its message.
      const after = statement.error === undefined ? '\n;release savepoint muse_statement;savepoint muse_statement' : '';
      await session.script(`${statement.sql}${after}`);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      failed.push({ statement, error });
      if (onlyFirst) return failed;
      await session.script('rollback to savepoint muse_statement');
    }
  }
  await session.script('release savepoint muse_statement');
  return failed;
}
