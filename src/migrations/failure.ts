/** The error for a migration that PostgreSQL refused: file, line, column, the line itself, and what was done before. */
import { DatabaseError, type Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { detailedAdvice } from './advice.ts';
import type { FileName } from './compare.ts';
import { offsetInFile, offsetOfName } from '../sql/locate.ts';
import { namesIn } from '../sql/message-names.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import { firstFailure } from './one-by-one.ts';
import { FailedStatement, type FileScript, type RunText } from './run-file.ts';
import type { Statement } from '../sql/statement.ts';
import { caretSnippet, offsetOfCharacter, positionAt } from '../shared/text.ts';

/** How far the run got. */
export interface RunState {
  applied: readonly FileName[];
  waiting: readonly FileName[];
}

/**
 * The error to throw for a file that failed.
 * @param command what the user runs again, e.g. `muse migrate`
 */
export async function failure(
  database: Database,
  thrown: unknown,
  text: RunText,
  script: FileScript,
  state: RunState,
  command: string,
): Promise<unknown> {
  const error = thrown instanceof FailedStatement ? thrown.cause : thrown;
  if (!(error instanceof DatabaseError)) return withState(error, text, state, command);
  const offset =
    thrown instanceof FailedStatement
      ? offsetInFile(thrown.statement, error)
      : await offsetOf(database, error, text, script);
  const { line, column } = positionAt(text.sql, offset);
  return new MuseError({
    code: 'migration-failed',
    message: `${text.file}:${line}:${column}: ${said(error)} (SQLSTATE ${error.code}).`,
    detail: [
      caretSnippet(text.sql, { line, column }),
      ...[error.detail, error.where].filter((more) => more !== undefined),
      ...(error.hint === undefined ? [] : [`Hint: ${error.hint}`]),
      ...progress(text, state),
    ].join('\n'),
    suggestion: `${suggestionFor(error, text)} run \`${command}\` again: it continues from there.`,
    cause: error,
  });
}

/** What to do first, up to the command that continues. */
function suggestionFor(error: DatabaseError, { file }: RunText): string {
  const advice = detailedAdvice(error);
  return advice === undefined ? `${timeLimit(error) ?? `Correct ${file}`}, then` : `${advice} Then`;
}

/** What to do about a statement that exceeded a time limit; undefined for any other error. */
function timeLimit({ code, message }: DatabaseError): string | undefined {
  if (code === '55P03')
    return (
      'Wait until the session that holds the lock is done (pg_stat_activity shows it), or wait longer with ' +
      '--lock-timeout 60'
    );
  if (code === '57014' && message.includes('statement timeout'))
    return 'Allow more time with --statement-timeout 3600, or split the statement';
  return undefined;
}

/** The message; for a syntax error its first line, because an unclosed quote is shown with everything sent after it. */
function said({ code, message }: DatabaseError): string {
  const [first, ...rest] = message.split('\n');
  return code === '42601' && rest.length > 0 ? `${first}…"` : message;
}

/** An error of the connection or of this tool: the same error, with how far the run got. */
function withState(error: unknown, text: RunText, state: RunState, command: string): unknown {
  if (!(error instanceof MuseError)) return error;
  return new MuseError({
    code: error.code,
    message: error.message,
    detail: [
      ...(error.detail === undefined ? [] : [error.detail]),
      `${text.file} was running: the migration history tells the next run whether it was applied.`,
      ...progress(text, state),
    ].join('\n'),
    suggestion: `${error.suggestion} Then run \`${command}\` again: it continues from there.`,
    cause: error,
  });
}

/** Longer lists of names end in a count. */
const most = 4;

function progress(text: RunText, state: RunState): string[] {
  const list = (files: readonly FileName[]): string =>
    files.length === 0
      ? 'none'
      : files.length > most
        ? `${files
            .slice(0, most - 1)
            .map(({ file }) => file)
            .join(', ')} and ${files.length - most + 1} more`
        : files.map(({ file }) => file).join(', ');
  return [
    `Done before it: ${list(state.applied)}.`,
    `Not done: ${list([{ layer: 'core', file: text.file }, ...state.waiting])}.`,
  ];
}

async function offsetOf(database: Database, error: DatabaseError, text: RunText, script: FileScript): Promise<number> {
  const own = (error.position ?? 0) - script.offset;
  if (own > 0) return Math.min(offsetOfCharacter(text.sql, own), text.sql.length);
  await loadParser();
  const { statements } = parseSql(text.sql);
  // A statement that took too long is not run again only to find its line.
  const statement =
    (timeLimit(error) === undefined
      ? await failing(database, error, statements)
      : statements[script.offset === 0 ? (error.done ?? 0) : 0]) ?? statements[0];
  return statement === undefined ? 0 : offsetInFile(statement, error);
}

/**
 * The statement that failed. PostgreSQL gives most errors of DDL no position, and the script is rolled back: where there
 * are transactions, the statements run again in one that is rolled back too; over HTTPS the name in the message is used.
 */
async function failing(
  database: Database,
  error: DatabaseError,
  statements: readonly Statement[],
): Promise<Statement | undefined> {
  if (database.kind === 'https') {
    const names = namesIn(error.message);
    return statements.find((statement) => names.some((name) => offsetOfName(statement.sql, name) !== undefined));
  }
  const again = new Error('rolled back on purpose');
  let found: Statement | undefined;
  await database
    .transaction(async (session) => {
      found = await firstFailure(session, statements);
      throw again;
    })
    .catch((reason: unknown) => {
      if (reason !== again) throw reason;
    });
  return found;
}
