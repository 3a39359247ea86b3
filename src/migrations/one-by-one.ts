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
  // Not awaited: the answers come in turn.
  const begun = session.script(`savepoint ${savepoint}`);
  begun.catch(() => undefined);
  let ended: Promise<void> | undefined;
  for (let from = 0; from < statements.length;) {
    // A statement that does not parse is sent alone: an unclosed quote would swallow the savepoint and show it in the message.
    const until = statements.findIndex(({ error }, index) => index >= from && error !== undefined);
    const together = statements.slice(from, until === -1 ? undefined : until);
    const run = runTogether(session, together, note);
    if (until === -1) ended = session.script(release);
    await Promise.all([begun, run, ended]);
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
  await (ended ?? Promise.all([begun, session.script(release)]));
  return failed;
}

/** Runs statements that parse, and notes those that fail. */
async function runTogether(
  session: Session,
  statements: readonly Statement[],
  note: (statement: Statement, error: unknown) => void,
): Promise<void> {
  if (session.each !== undefined) {
    const texts = statements.map(({ sql }) => sql);
    const errors = texts.length === 0 ? [] : await session.each(texts, savepoint);
    for (const [index, error] of errors.entries()) if (error !== undefined) note(statements[index]!, error);
    return;
  }
  // Back to the savepoint changes nothing where the statement before has made it anew.
  const answers = await Promise.allSettled(
    statements.flatMap(({ sql }) => [session.script(`${sql}${next}`), session.script(back)]),
  );
  for (const [index, answer] of answers.entries())
    if (answer.status === 'rejected') note(statements[index >> 1]!, answer.reason);
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

const savepoint = 'muse_statement';

/** The savepoint comes after the statement, so that an error's position counts from the statement's start. */
const next = `\n;release savepoint ${savepoint};savepoint ${savepoint}`;
const back = `rollback to savepoint ${savepoint}`;
const release = `release savepoint ${savepoint}`;
