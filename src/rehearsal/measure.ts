import type { Database } from '../database/database.ts';
import { runSettings } from '../migrations/session-state.ts';
import type { GoesOn, Measured } from '../rules/engine/fix/access.ts';
import { tableOf } from '../sql/names.ts';
import type { Migration } from '../sql/migration.ts';
import { recovered } from '../sql/recover.ts';
import type { Statement } from '../sql/statement.ts';
import { parsedFilesOf, type ParsedFiles } from './parsed-files.ts';
import { rehearseFile, type RehearsalRun } from './rehearse-file.ts';
import { readAccess } from './rights.ts';
import { defaultLimitMs, isEnded } from './stuck.ts';

/**
 * Runs migrations once, file by file, or statement by statement if a file does not run as a whole, and reads who can do
 * what afterwards.
 * @param database a shadow database with the platform's objects; it cannot be used afterwards
 * @param how `onFile` is called before each file; `failing` as in {@link RehearsalRun}
 * @returns undefined if the files crash the database or never finish, or `goesOn` ended the run
 */
export async function measureAccess(
  database: Database,
  migrations: readonly Migration[],
  how: MeasureOptions = {},
): Promise<Measured | undefined> {
  try {
    database.limitStatements?.(defaultLimitMs);
    return await measured(database, migrations, how);
  } catch (error) {
    if (isEnded(error)) return undefined;
    throw error;
  }
}

/** How {@link measureAccess} runs files. */
export interface MeasureOptions extends Pick<RehearsalRun, 'failing'> {
  onFile?: (file: string) => void;
  goesOn?: GoesOn | undefined;
}

async function measured(
  database: Database,
  migrations: readonly Migration[],
  { onFile, goesOn, failing }: MeasureOptions,
): Promise<Measured | undefined> {
  const settings = await runSettings(database, { statementTimeoutMs: defaultLimitMs }, true);
  let parsing: Promise<ParsedFiles> | undefined;
  const parsedFiles = (): Promise<ParsedFiles> => (parsing ??= parsedFilesOf(migrations));
  const run: RehearsalRun = {
    database,
    settings,
    begun: [],
    failing,
    statementsOf: async (text) => (await parsedFiles()).parsed(text).statements,
  };
  const failed = new Map<string, number>();
  const statements: Statement[] = [];
  await database.script(settings.begin);
  for (const migration of migrations) {
    onFile?.(migration.file);
    const result = await rehearseFile(run, migration);
    failed.set(migration.file, result.failed.length);
    if (goesOn?.(migration.file, result.failed.length) === false) return undefined;
    statements.push(...result.failed.map(({ statement }) => statement));
  }
  return measuredNow(database, failed, statements);
}

/**
 * Who can do what in a database in which files have run once.
 * @param failed how many statements failed, by file
 * @param statements those statements
 */
export async function measuredNow(
  database: Database,
  failed: ReadonlyMap<string, number>,
  statements: readonly Statement[],
): Promise<Measured> {
  const tables = statements.flatMap((statement) => {
    const tree = statement.tree ?? recovered(statement).tree;
    return tree === undefined ? [] : (tableOf(tree) ?? []);
  });
  return { access: await readAccess(database), failed, doubtful: new Set(tables) };
}
