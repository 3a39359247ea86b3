/** What never ends, or ends the database: which statement it is. */
import { type Database, DatabaseError } from '../database/database.ts';
import type { RunText } from '../migrations/run-file.ts';
import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import { lineText } from '../shared/text.ts';
import type { Statement } from '../sql/statement.ts';
import { rehearseFile, type RehearsalRun } from './rehearse-file.ts';

/** How long a statement of a rehearsal may take, in ms: a hundred times what the slowest of real kits needs. */
export const defaultLimitMs = 30_000;

/** Error codes of the embedded database when a statement has ended it: the statement is at fault, not the run. */
const endings = ['statement-timeout', 'embedded-failed'];

/** Whether a statement has ended the database. */
export function isEnded(error: unknown): error is MuseError {
  return error instanceof MuseError && endings.includes(error.code);
}

/**
 * The finding for the statement that ended the database. The engine does not say which one of a file it was, so all that was
 * run is run again on another database, and the last file statement by statement.
 * @param openAnother opens that database; without it the finding has the file alone
 * @param limitMs how long a statement may take
 */
export async function stuckFinding(
  run: RehearsalRun,
  error: MuseError,
  openAnother: (() => Promise<Database>) | undefined,
  limitMs: number,
): Promise<Finding> {
  const found = openAnother === undefined ? undefined : await findAgain(run, await openAnother(), limitMs);
  const last = run.begun.at(-1)!;
  const advice =
    error.code === 'statement-timeout'
      ? 'Make it end: look for a loop without an exit, or a recursion that never ends. ' +
        'To allow it more time: --statement-timeout <seconds>.'
      : error.suggestion;
  if (openAnother !== undefined && found === undefined) {
    return {
      rule: 'statement-failed',
      severity: 'error',
      message:
        `${error.message} No statement of the files did so by itself: it was when the tables were asked as the API's roles, ` +
        `after ${last.file}. Nothing after it was rehearsed.`,
      suggestion: `Look at the functions that policies and views call. ${advice}`,
    };
  }
  return {
    rule: 'statement-failed',
    severity: 'error',
    file: last.file,
    ...(found === undefined ? {} : { line: found.line, column: found.column, snippet: lineText(last.sql, found.line) }),
    // What lint could not read follows from that.
    ...(found?.error === undefined ? {} : { cause: { file: last.file, line: found.line, lastLine: found.line } }),
    message: `${error.message} Nothing after it was rehearsed.`,
    suggestion: advice,
  };
}

/** A file had all the time of the rehearsal; one statement of it alone gets this at most, in ms. */
const aloneMs = 10_000;

async function findAgain(
  { begun, settings, statementsOf }: RehearsalRun,
  database: Database,
  limitMs: number,
): Promise<Statement | undefined> {
  const last: RunText = begun.at(-1)!;
  const again: RehearsalRun = { database, settings, statementsOf, begun: [] };
  try {
    database.limitStatements?.(limitMs);
    await database.script(settings.begin);
    for (const text of begun.slice(0, -1)) await rehearseFile(again, text);
    database.limitStatements?.(Math.min(limitMs, aloneMs));
    for (const statement of await statementsOf(last)) {
      try {
        await database.script(statement.sql);
      } catch (error) {
        if (isEnded(error)) return statement;
        if (!(error instanceof DatabaseError)) throw error;
      }
    }
    return undefined;
  } catch (error) {
    if (isEnded(error)) return undefined;
    throw error;
  } finally {
    await database.close();
  }
}
