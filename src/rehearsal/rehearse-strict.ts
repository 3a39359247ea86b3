/** Which files fail only because an earlier one does: a file that fails takes all of itself back. */
import { DatabaseError } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { keyOf } from '../sql/created.ts';
import { offsetInFile, offsetOfName } from '../sql/locate.ts';
import { namesIn } from '../sql/message-names.ts';
import type { Migration } from '../sql/migration.ts';
import type { RehearsalRun } from './rehearse-file.ts';
import { lineText, offsetOfCharacter, positionAt } from '../shared/text.ts';
import { planRun } from '../migrations/transactions.ts';
import { placeName, type Place, type World } from './parsed-files.ts';

/** The first error of each file that fails, by the file. */
export type StrictErrors = ReadonlyMap<string, DatabaseError>;

/**
 * Runs files as a real run would: each as a whole, and one that fails leaves nothing. All of it is rolled back.
 * @param migrations from the first that fails on
 */
export async function strictErrors(run: RehearsalRun, migrations: readonly Migration[]): Promise<StrictErrors> {
  const errors = new Map<string, DatabaseError>();
  const onPurpose = new Error('rolled back on purpose');
  await run.database.transaction(async (session) => {
    for (const migration of migrations) {
      // What cannot run in a transaction cannot be tried in one.
      if ((await planRun(migration, run.statementsOf)).how !== 'script') continue;
      run.at = migration;
      await session.script('savepoint muse_file');
      try {
        await session.script(`${migration.sql}\n;${run.settings.reset}`);
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        errors.set(migration.file, error);
        await session.script('rollback to savepoint muse_file');
      }
    }
    throw onPurpose;
  }).catch((reason: unknown) => {
    if (reason !== onPurpose) throw reason;
  });
  return errors;
}

/** The findings for files that fail only then. @param failed the statements that failed one by one */
export function strictFindings(errors: StrictErrors, migrations: readonly Migration[], failed: readonly Place[], world: World): Finding[] {
  return migrations.flatMap((migration): Finding[] => {
    const error = errors.get(migration.file);
    if (error === undefined || failed.some((place) => place.migration.file === migration.file)) return [];
    const position = positionAt(migration.sql, offsetOf(error, migration, world));
    const cause = causeOf(error, failed, world);
    return [{
      rule: 'statement-failed',
      severity: 'error',
      file: migration.file,
      ...position,
      message: `${error.message} (SQLSTATE ${error.code}) in a real run, because ${cause === undefined ? 'an earlier file' : placeName(cause)} fails and takes all of its file back.`,
      suggestion: cause === undefined ? 'Mend the files in front of it first.' : `Mend ${placeName(cause)} first: this one follows from it.`,
      snippet: lineText(migration.sql, position.line),
    }];
  });
}

function offsetOf(error: DatabaseError, migration: Migration, world: World): number {
  if (error.position !== undefined && error.position > 0) return offsetOfCharacter(migration.sql, error.position);
  const names = namesIn(error.message);
  const statement = world.parsed(migration).statements.find(({ sql }) => names.some((name) => offsetOfName(sql, name) !== undefined));
  return statement === undefined ? 0 : offsetInFile(statement, error);
}

/** The first failure of the file that would have made what is missing. */
function causeOf(error: DatabaseError, failed: readonly Place[], world: World): Place | undefined {
  const [name] = namesIn(error.message);
  const kinds = ['relation', 'function', 'type', 'schema'] as const;
  const makers = name === undefined ? [] : kinds.flatMap((kind) => world.creators(keyOf(kind, name)));
  return failed.find((place) => makers.some((maker) => maker.migration.file === place.migration.file));
}
