import { fieldsOf } from '../sql/nodes.ts';
import { DatabaseError, type Database } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { runOneByOne, type Failed } from '../migrations/one-by-one.ts';
import type { RunText } from '../migrations/run-file.ts';
import { mayChangeSettings, type RunSettings } from '../migrations/session-state.ts';
import { copiedRows } from '../rules/engine/psql.ts';
import type { Statement } from '../sql/statement.ts';
import { mustRunAlone, planRun, wantsInput } from '../migrations/transactions.ts';

/** How a rehearsal runs files on its shadow database. */
export interface RehearsalRun {
  database: Database;
  settings: RunSettings;
  /** The file's statements; needed only if the file cannot run as a whole. */
  statementsOf(text: RunText): Promise<readonly Statement[]>;
  /** The files that have been run, each as often as it was; the last one runs now. */
  begun: RunText[];
}

/** The result of one file. */
export interface FileRun {
  failed: Failed[];
  /** Statements that a file must not contain, whether or not PostgreSQL accepts them. */
  refused: Finding[];
}

/**
 * Runs a file and returns every statement that fails, in order. First it runs as one script, the way it is applied
 * later, which is fast. If that fails, it runs statement by statement, so that errors after the first are found too,
 * and what succeeds stays for the later files.
 * @param onFailure called between the two, while nothing of the file is in the database
 */
export async function rehearseFile(
  run: RehearsalRun,
  text: RunText,
  onFailure?: () => Promise<void>,
): Promise<FileRun> {
  run.begun.push(text);
  const plan = await planRun(text, run.statementsOf);
  if (plan.how === 'script') {
    try {
      await run.database.script(`${text.sql}\n;${mayChangeSettings(text.sql) ? run.settings.reset : ''}`);
      return { failed: [], refused: [] };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    }
    await onFailure?.();
  }
  const statements = await run.statementsOf(text);
  // BEGIN, COMMIT and COPY … FROM stdin with its rows have their own findings, and the file runs without them.
  const rows = copiedRows(statements);
  const usable = statements.filter(
    (statement) =>
      fieldsOf(statement.tree, 'TransactionStmt') === undefined && !wantsInput(statement) && !rows.has(statement),
  );
  return { failed: await rehearseStatements(run, usable), refused: plan.how === 'refused' ? plan.findings : [] };
}

/** Runs statements one by one, and returns those that fail. */
export async function rehearseStatements(run: RehearsalRun, statements: readonly Statement[]): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const { alone, group } of groupsOf(statements))
    failed.push(...(await (alone ? outside : inTransaction)(run, group)));
  return failed;
}

/** The statements in order, grouped by whether PostgreSQL allows them in a transaction. */
function groupsOf(statements: readonly Statement[]): { alone: boolean; group: Statement[] }[] {
  const groups: { alone: boolean; group: Statement[] }[] = [];
  for (const statement of statements) {
    const alone = mustRunAlone(statement) !== undefined;
    const last = groups.at(-1);
    if (last?.alone === alone) last.group.push(statement);
    else groups.push({ alone, group: [statement] });
  }
  return groups;
}

async function inTransaction(
  { database, settings }: RehearsalRun,
  statements: readonly Statement[],
): Promise<Failed[]> {
  return database.transaction(async (session) => {
    const failed = await runOneByOne(session, statements);
    await session.script(settings.reset);
    return failed;
  });
}

async function outside({ database, settings }: RehearsalRun, statements: readonly Statement[]): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const statement of statements) {
    try {
      await database.script(statement.sql);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      failed.push({ statement, error });
    }
  }
  await database.script(settings.reset);
  return failed;
}
