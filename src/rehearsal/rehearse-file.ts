import { fieldsOf } from '../sql/nodes.ts';
import { DatabaseError, type Database } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { withoutHash } from '../migrations/graphile-hash.ts';
import { runOneByOne, type Failed } from '../migrations/one-by-one.ts';
import type { RunText } from '../migrations/run-file.ts';
import { mayChangeSettings, type RunSettings } from '../migrations/session-state.ts';
import { copiedRows } from '../rules/engine/psql.ts';
import type { Statement } from '../sql/statement.ts';
import { runsOutside } from '../migrations/sections.ts';
import { planRun, runsAlone, wantsInput } from '../migrations/transactions.ts';

/** How a rehearsal runs files on its shadow database. */
export interface RehearsalRun {
  database: Database;
  settings: RunSettings;
  /** The file's statements; needed only if the file cannot run as a whole. */
  statementsOf(text: RunText): Promise<readonly Statement[]>;
  /**
   * Texts, without the hashes at their top, that failed as a whole on a database before, to which those that do now are added: they are
   * not tried as a whole again, which would only take time.
   */
  failing?: Set<string> | undefined;
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
  // Where a failure matters, whether it happens has to be seen.
  const isKnown = onFailure === undefined && run.failing?.has(withoutHash(text.sql)) === true;
  if (plan.how === 'script' && !isKnown) {
    try {
      await run.database.script(`${text.sql}\n;${mayChangeSettings(text.sql) ? run.settings.reset : ''}`);
      return { failed: [], refused: [] };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    }
    run.failing?.add(withoutHash(text.sql));
    await onFailure?.();
  }
  const statements = await run.statementsOf(text);
  // COPY … FROM stdin with its rows has its own finding, and the file runs without it.
  const rows = copiedRows(statements);
  const usable = statements.filter((statement) => !wantsInput(statement) && !rows.has(statement));
  const failed = await rehearseStatements(run, usable, runsOutside(text.sql));
  return { failed, refused: plan.how === 'refused' ? plan.findings : [] };
}

/**
 * Runs statements one by one, and returns those that fail. BEGIN and COMMIT have their own findings; the statements between
 * them run as the author meant them to, in a transaction of their own, so that what follows from leaving them out is not
 * reported as well.
 * @param mayCommit their file asks to run outside a transaction
 */
async function rehearseStatements(
  { database, settings }: RehearsalRun,
  statements: readonly Statement[],
  mayCommit = false,
): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const { how, group } of groupsOf(statements, mayCommit))
    failed.push(...(await (how === 'alone' ? outside : inTransaction)(database, group, how === 'undone')));
  if (statements.some(({ sql }) => mayChangeSettings(sql))) await database.script(settings.reset);
  return failed;
}

/**
 * Runs statements and rolls them back, and returns those that fail.
 * @param statements none that PostgreSQL refuses in a transaction
 */
export function tryStatements(
  { database }: Pick<RehearsalRun, 'database'>,
  statements: readonly Statement[],
): Promise<Failed[]> {
  return inTransaction(database, statements, true);
}

/** Statements that run together: outside a transaction, in one, or in one that is rolled back. */
interface Group {
  how: 'alone' | 'together' | 'undone';
  group: Statement[];
}

/** The statements in order, grouped by whether PostgreSQL allows them in a transaction, and by the file's own transactions. */
function groupsOf(statements: readonly Statement[], mayCommit: boolean): Group[] {
  const groups: Group[] = [];
  let current: Group | undefined;
  let begun = false;
  for (const statement of statements) {
    const control = fieldsOf(statement.tree, 'TransactionStmt');
    if (control !== undefined) {
      // Each statement has a savepoint already, so that the file's own are left out.
      if (control.kind !== undefined && withinTransaction.has(control.kind)) continue;
      if (begun && control.kind === 'TRANS_STMT_ROLLBACK' && current?.how === 'together') current.how = 'undone';
      begun = control.kind === 'TRANS_STMT_BEGIN' || control.kind === 'TRANS_STMT_START' || control.chain === true;
      current = undefined;
      continue;
    }
    const how = runsAlone(statement, mayCommit) ? 'alone' : 'together';
    if (current?.how !== how) groups.push((current = { how, group: [] }));
    current.group.push(statement);
  }
  return groups;
}

/** Statements about a part of a transaction. */
const withinTransaction: ReadonlySet<string> = new Set([
  'TRANS_STMT_SAVEPOINT',
  'TRANS_STMT_RELEASE',
  'TRANS_STMT_ROLLBACK_TO',
]);

async function inTransaction(database: Database, statements: readonly Statement[], undo: boolean): Promise<Failed[]> {
  const refused: Failed[] = [];
  for (let rest = statements; ;) {
    try {
      const failed = await inOneTransaction(database, rest, undo);
      if (refused.length === 0) return failed;
      const all = [...failed, ...refused];
      return statements.flatMap((each) => all.find(({ statement }) => statement === each) ?? []);
    } catch (error) {
      if (!(error instanceof DatabaseError) || rest.length === 0) throw error;
      const statement = await deferredBy(database, rest);
      refused.push({ statement, error });
      rest = refused.length < mostRefused ? rest.filter((each) => each !== statement) : [];
    }
  }
}

/** So many statements are taken out of a transaction that PostgreSQL does not commit, before nothing of it is run. */
const mostRefused = 10;

/**
 * The statement because of which PostgreSQL does not commit a transaction: the one after which a deferred constraint or trigger
 * would refuse it, and does so up to the end.
 */
async function deferredBy(database: Database, statements: readonly Statement[]): Promise<Statement> {
  let found: Statement | undefined;
  const undone = new Error('Only tried.');
  await database
    .transaction(async (session) => {
      for (const statement of statements) {
        await runOneByOne(session, [statement]);
        await session.script('savepoint muse_deferred');
        const isRefused = await session.script('set constraints all immediate').then(
          () => false,
          () => true,
        );
        found = isRefused ? (found ?? statement) : undefined;
        await session.script('rollback to savepoint muse_deferred');
      }
      throw undone;
    })
    .catch((error: unknown) => {
      if (error !== undone) throw error;
    });
  return found ?? statements.at(-1)!;
}

async function inOneTransaction(
  database: Database,
  statements: readonly Statement[],
  undo: boolean,
): Promise<Failed[]> {
  if (!undo && database.eachWhole !== undefined && statements.every(({ error }) => error === undefined)) {
    const errors = await database.eachWhole(statements.map(({ sql }) => sql));
    return statements.flatMap((statement, index) => {
      const error = errors[index];
      return error === undefined ? [] : [{ statement, error }];
    });
  }
  let failed: Failed[] = [];
  const undone = new Error('Rolled back, as the file says.');
  await database
    .transaction(async (session) => {
      failed = await runOneByOne(session, statements);
      if (undo) throw undone;
    })
    .catch((error: unknown) => {
      if (error !== undone) throw error;
    });
  return failed;
}

async function outside(database: Database, statements: readonly Statement[]): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const statement of statements) {
    try {
      await database.script(statement.sql);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      failed.push({ statement, error });
    }
  }
  return failed;
}
