import { fieldsOf } from '../sql/nodes.ts';
import { DatabaseError, type Database } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { runOneByOne, type Failed } from '../migrations/one-by-one.ts';
import type { RunText } from '../migrations/run-file.ts';
import { mayChangeSettings, type RunSettings } from '../migrations/session-state.ts';
import type { Statement } from '../sql/statement.ts';
import { mustRunAlone, planRun, wantsInput } from '../migrations/transactions.ts';

/** How a rehearsal runs files on its throw-away database. */
export interface RehearsalRun {
  database: Database;
  settings: RunSettings;
  /** The file's statements; asked for only where the file cannot run as a whole. */
  statementsOf(text: RunText): Promise<readonly Statement[]>;
  /** The file that is being run. */
  at?: RunText;
}

/** What came of one file. */
export interface FileRun {
  failed: Failed[];
  /** What the file may not hold, whether or not PostgreSQL takes it. */
  refused: Finding[];
}

/**
 * Runs a file and gives every statement of it that fails, in order. As a whole first, in one script: that is how it is
 * applied later, and it is quick. Where that fails, statement by statement, so that what stands behind the first error
 * shows as well, and what succeeds stays for the files behind.
 * @param onFailure is called in between, while nothing of the file is in the database
 */
export async function rehearseFile(run: RehearsalRun, text: RunText, onFailure?: () => Promise<void>): Promise<FileRun> {
  run.at = text;
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
  // BEGIN, COMMIT and COPY … FROM stdin are findings of their own, and the file runs as if they were not there.
  const usable = statements.filter((statement) => fieldsOf(statement.tree, 'TransactionStmt') === undefined && !wantsInput(statement));
  const alone = usable.filter((statement) => mustRunAlone(statement) !== undefined);
  const failed = alone.length === usable.length ? [] : await inTransaction(run, usable.filter((statement) => !alone.includes(statement)));
  if (alone.length > 0) failed.push(...await outside(run, alone));
  failed.sort((a, b) => a.statement.start - b.statement.start);
  return { failed, refused: plan.how === 'refused' ? plan.findings : [] };
}

async function inTransaction({ database, settings }: RehearsalRun, statements: readonly Statement[]): Promise<Failed[]> {
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
