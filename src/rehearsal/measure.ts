import type { Database } from '../database/database.ts';
import { runSettings } from '../migrations/session-state.ts';
import { MuseError } from '../shared/error.ts';
import type { Measured } from '../rules/engine/fix/access.ts';
import { tableOf } from '../sql/names.ts';
import type { Migration } from '../sql/migration.ts';
import { recovered } from '../sql/recover.ts';
import { parsedFilesOf, type ParsedFiles } from './parsed-files.ts';
import { rehearseFile, type RehearsalRun } from './rehearse-file.ts';
import { readAccess } from './rights.ts';

/** Error codes of a database that crashed or hung because of the files. */
const fatal = ['statement-timeout', 'embedded-failed'];

/**
 * Runs migrations once, file by file, or statement by statement if a file does not run as a whole, and reads who can do
 * what afterwards.
 * @param database a shadow database with the platform's objects; it cannot be used afterwards
 * @returns undefined if the files crash the database or never finish
 */
export async function measureAccess(
  database: Database,
  migrations: readonly Migration[],
): Promise<Measured | undefined> {
  try {
    return await measured(database, migrations);
  } catch (error) {
    if (error instanceof MuseError && fatal.includes(error.code)) return undefined;
    throw error;
  }
}

async function measured(database: Database, migrations: readonly Migration[]): Promise<Measured> {
  const settings = await runSettings(database, { statementTimeoutMs: 30_000 }, true);
  let parsing: Promise<ParsedFiles> | undefined;
  const parsedFiles = (): Promise<ParsedFiles> => (parsing ??= parsedFilesOf(migrations));
  const run: RehearsalRun = {
    database,
    settings,
    statementsOf: async (text) => (await parsedFiles()).parsed(text).statements,
  };
  const failed = new Map<string, number>();
  const doubtful = new Set<string>();
  await database.script(settings.begin);
  for (const migration of migrations) {
    const result = await rehearseFile(run, migration);
    failed.set(migration.file, result.failed.length);
    for (const { statement } of result.failed) {
      const tree = statement.tree ?? recovered(statement).tree;
      const table = tree === undefined ? undefined : tableOf(tree);
      if (table !== undefined) doubtful.add(table);
    }
  }
  return { access: await readAccess(database), failed, doubtful };
}
