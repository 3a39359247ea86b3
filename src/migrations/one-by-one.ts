import { DatabaseError, type Session } from '../database/database.ts';
import type { Statement } from './statement.ts';

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
  for (const statement of statements) {
    try {
      // One message: inside a transaction block PostgreSQL runs it statement by statement.
      await session.script(`savepoint muse_statement;${statement.sql}\n;release savepoint muse_statement`);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      failed.push({ statement, error });
      if (onlyFirst) break;
      await session.script('rollback to savepoint muse_statement; release savepoint muse_statement');
    }
  }
  return failed;
}
