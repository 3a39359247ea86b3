import { DatabaseError, type Session } from '../database/database.ts';
import type { Statement } from '../sql/statement.ts';

/** A statement and PostgreSQL's error. */
export interface Failed {
  statement: Statement;
  error: DatabaseError;
}

/**
 * Runs statements in an open transaction, each in its own savepoint, so that one failure hides no later one and what
 * succeeded stays. They are sent at once, without waiting for each other's answers.
 * @throws what is no DatabaseError: the connection failed
 */
export async function runOneByOne(session: Session, statements: readonly Statement[]): Promise<Failed[]> {
  const failed: Failed[] = [];
  const note = (statement: Statement, error: unknown): void => {
    if (!(error instanceof DatabaseError)) throw error;
    failed.push({ statement, error });
  };
  await session.script('savepoint muse_statement');
  for (let from = 0; from < statements.length;) {
    // A statement that does not parse is sent alone: an unclosed quote would swallow the savepoint and show it in the message.
    const until = statements.findIndex(({ error }, index) => index >= from && error !== undefined);
    const together = statements.slice(from, until === -1 ? undefined : until);
    // Back to the savepoint changes nothing where the statement before has made it anew.
    const answers = await Promise.allSettled(
      together.flatMap(({ sql }) => [session.script(`${sql}${next}`), session.script(back)]),
    );
    for (const [index, answer] of answers.entries())
      if (answer.status === 'rejected') note(together[index >> 1]!, answer.reason);
    from += together.length;
    if (until === -1) break;
    const alone = statements[until]!;
    try {
      await session.script(alone.sql);
    } catch (error) {
      note(alone, error);
      await session.script(back);
    }
    from += 1;
  }
  await session.script('release savepoint muse_statement');
  return failed;
}

/** Runs statements in an open transaction until one fails. Returns that one. */
export async function firstFailure(session: Session, statements: readonly Statement[]): Promise<Statement | undefined> {
  for (const statement of statements) {
    try {
      await session.script(statement.sql);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return statement;
    }
  }
  return undefined;
}

/** The savepoint comes after the statement, so that an error's position counts from the statement's start. */
const next = '\n;release savepoint muse_statement;savepoint muse_statement';
const back = 'rollback to savepoint muse_statement';
