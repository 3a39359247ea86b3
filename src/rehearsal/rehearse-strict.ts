/** Which files fail only because an earlier one does: all of a failed file is rolled back. */
import { DatabaseError } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { keyOf } from '../sql/created.ts';
import { offsetInFile, offsetOfName } from '../sql/locate.ts';
import { namesIn } from '../sql/message-names.ts';
import type { Migration } from '../sql/migration.ts';
import type { RehearsalRun } from './rehearse-file.ts';
import { lineText, offsetOfCharacter, positionAt } from '../shared/text.ts';
import { planRun } from '../migrations/transactions.ts';
import { causeAt, placeName, type Place, type ParsedFiles } from './parsed-files.ts';

/** The first error of each failed file, by its path. */
export type StrictErrors = ReadonlyMap<string, DatabaseError>;

/**
 * Runs files as a real run does: each as a whole, and a failed one leaves nothing behind. Everything is rolled back at
 * the end.
 * @param migrations from the first that fails on
 */
export async function strictErrors(run: RehearsalRun, migrations: readonly Migration[]): Promise<StrictErrors> {
  const errors = new Map<string, DatabaseError>();
  const onPurpose = new Error('rolled back on purpose');
  await run.database
    .transaction(async (session) => {
      for (const migration of migrations) {
        // A file that cannot run in a transaction cannot be tested this way.
        if ((await planRun(migration, run.statementsOf)).how !== 'script') continue;
        run.begun.push(migration);
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
    })
    .catch((reason: unknown) => {
      if (reason !== onPurpose) throw reason;
    });
  return errors;
}

/**
 * The findings for files that fail only in such a run.
 * @param failed the statements that failed when run one by one
 * @param onlyThere those of them that run on the target
 */
export function strictFindings(
  errors: StrictErrors,
  migrations: readonly Migration[],
  failed: readonly Place[],
  parsedFiles: ParsedFiles,
  onlyThere: readonly Place[] = [],
): Finding[] {
  const failing = failed.filter((place) => !onlyThere.includes(place));
  if (failing.length === 0) return [];
  return migrations.flatMap((migration, index): Finding[] => {
    const error = errors.get(migration.file);
    if (error === undefined || failed.some((place) => place.migration.file === migration.file)) return [];
    const position = positionAt(migration.sql, offsetOf(error, migration, parsedFiles));
    const cause = causeOf(error, failed, parsedFiles);
    if (cause !== undefined && !failing.some(({ migration: { file } }) => file === cause.migration.file)) return [];
    // What it needs may come from any of the files that are rolled back before it: it goes with the first one's error.
    const root = cause ?? failing.find(({ file }) => file < index);
    return [
      {
        rule: 'statement-failed',
        severity: 'error',
        file: migration.file,
        ...position,
        message:
          `${error.message} (SQLSTATE ${error.code}) in a real run, because ` +
          `${cause === undefined ? 'an earlier file' : placeName(cause)} fails, and all of its file is rolled back.`,
        suggestion:
          cause === undefined
            ? 'Fix the files before it first.'
            : `Fix ${placeName(cause)} first; this error follows from it.`,
        snippet: lineText(migration.sql, position.line),
        ...(root === undefined ? {} : { cause: causeAt(root) }),
      },
    ];
  });
}

function offsetOf(error: DatabaseError, migration: Migration, parsedFiles: ParsedFiles): number {
  if (error.position !== undefined && error.position > 0) return offsetOfCharacter(migration.sql, error.position);
  const names = namesIn(error.message);
  const statement = parsedFiles
    .parsed(migration)
    .statements.find(({ sql }) => names.some((name) => offsetOfName(sql, name) !== undefined));
  return statement === undefined ? 0 : offsetInFile(statement, error);
}

/** The first failure of the file that would have created what is missing. */
function causeOf(error: DatabaseError, failed: readonly Place[], parsedFiles: ParsedFiles): Place | undefined {
  const [name] = namesIn(error.message);
  const kinds = ['relation', 'function', 'type', 'schema'] as const;
  const makers = name === undefined ? [] : kinds.flatMap((kind) => parsedFiles.creators(keyOf(kind, name)));
  return failed.find((place) => makers.some((maker) => maker.migration.file === place.migration.file));
}
