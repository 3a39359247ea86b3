import { DatabaseError, type Session } from '../database/database.ts';
import type { Statement } from '../sql/statement.ts';

/** A statement and PostgreSQL's error. */
export interface Failed {
  statement: Statement;
  error: DatabaseError;
}

/**
 * Runs statements in an open transaction, each in its own savepoint, so that one failure hides no later one and what
 * succeeded stays. One round trip for each.
 * @param onlyFirst stop at the first failure
 * @throws what is no DatabaseError: the connection failed
 */
export async function runOneByOne(
  session: Session,
  statements: readonly Statement[],
  onlyFirst = false,
): Promise<Failed[]> {
  const failed: Failed[] = [];
  await session.script('savepoint muse_statement');
  for (const statement of statements) {
    try {
      // The next savepoint comes after the statement, so that an error's position counts from the statement's start.
      // A statement that does not parse is sent alone: an unclosed quote would swallow the savepoint and show it in the message.
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
