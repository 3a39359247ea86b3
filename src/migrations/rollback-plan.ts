import type { Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { FileName } from './compare.ts';
import { lossOf, type Loss } from './loss.ts';
import { readHistory, type HistoryRow } from './history.ts';
import type { Migration } from '../sql/migration.ts';
import { hasStatements } from '../sql/trivia.ts';
import { plainNumber } from './order.ts';
import type { Rollback } from './read.ts';

/** How far to roll back. Without either: one file. */
export interface RollbackTarget {
  /**
   * The migration that stays the newest: the number of an extension file, or the path or name of any file.
   * `0` rolls back all extension files.
   */
  to?: string;
  /** How many files, newest first. */
  steps?: number;
}

/** One file to roll back. */
export interface RollbackStep extends FileName {
  rollback: Rollback;
}

export interface RollbackPlan {
  /** Newest first. */
  files: RollbackStep[];
  /** Tables and columns with data that would be dropped. */
  losses: Loss[];
}

/**
 * What a rollback would run, newest first, and the data that would be lost. Changes nothing.
 * @param rollbacks as `readMigrations` gives them
 * @throws MuseError `bad-rollback-target`, `rollback-missing` if a file has no rollback, `history-newer`
 */
export async function rollbackPlan(
  database: Session,
  migrations: readonly Migration[],
  rollbacks: ReadonlyMap<string, Rollback>,
  target: RollbackTarget,
): Promise<RollbackPlan> {
  const files = rollbackSteps(migrations, rollbacks, (await readHistory(database)) ?? [], target);
  return {
    files,
    losses: await lossOf(
      database,
      files.map((step) => step.rollback.sql),
    ),
  };
}

/** The files of a rollback, newest first. Pure. @throws MuseError as {@link rollbackPlan} */
export function rollbackSteps(
  migrations: readonly Migration[],
  rollbacks: ReadonlyMap<string, Rollback>,
  rows: readonly HistoryRow[],
  target: RollbackTarget,
): RollbackStep[] {
  const place = new Map(migrations.map((migration, index) => [migration.file, index]));
  const newest = [...rows].sort(
    (a, b) =>
      Date.parse(b.applied_at) - Date.parse(a.applied_at) || (place.get(b.file) ?? 0) - (place.get(a.file) ?? 0),
  );
  const chosen =
    target.to === undefined ? newest.slice(0, checkedSteps(target)) : newerThan(migrations, newest, place, target);
  const without = chosen.filter((row) => !rollbacks.has(row.file)).map((row) => row.file);
  if (without.length > 0) throw missing(without, place);
  const doesNothing = chosen
    .map(({ file }) => file)
    .find((file) => isEmptyRollback(migrations[place.get(file) ?? -1], rollbacks.get(file)));
  if (doesNothing !== undefined) throw empty(doesNothing, rollbacks.get(doesNothing)!.file);
  return chosen.map(({ layer, file }) => ({ layer, file, rollback: rollbacks.get(file)! }));
}

function checkedSteps({ steps = 1 }: RollbackTarget): number {
  if (Number.isInteger(steps) && steps > 0) return steps;
  throw badTarget(`"${steps}" is not a number of files.`, 'Pass a whole number, e.g. --steps 1.');
}

function newerThan(
  migrations: readonly Migration[],
  newest: readonly HistoryRow[],
  place: ReadonlyMap<string, number>,
  target: RollbackTarget,
): HistoryRow[] {
  const to = target.to!;
  if (target.steps !== undefined) throw badTarget('--to and --steps cannot be used together.', 'Pass one of them.');
  if (/^0+$/.test(to) && !migrations.some((migration) => isMeant(migration, to)))
    return newest.filter((row) => row.layer === 'extension');
  const stays = migrations.find((migration) => isMeant(migration, to));
  if (stays === undefined) {
    throw badTarget(
      `No migration is "${to}".`,
      'Pass the number of an extension file, or the path of any migration file; `muse status` lists them.',
    );
  }
  const last = place.get(stays.file)!;
  // A file that no longer exists counts as the newest of its layer.
  return newest.filter(
    (row) => (place.get(row.file) ?? (row.layer === 'core' && stays.layer === 'extension' ? -1 : Infinity)) > last,
  );
}

function isMeant({ layer, file, number }: Migration, to: string): boolean {
  if (/^\d+$/.test(to)) return layer === 'extension' && plainNumber(number) === plainNumber(to);
  return file === to || file.endsWith(`/${to}`);
}

function badTarget(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-rollback-target', message: `${message} Nothing was rolled back.`, suggestion });
}

/** Says whether a rollback file does nothing although its migration does something. */
export function isEmptyRollback(
  migration: Pick<Migration, 'sql'> | undefined,
  rollback: Pick<Rollback, 'sql'> | undefined,
): boolean {
  return (
    rollback !== undefined && !hasStatements(rollback.sql) && migration !== undefined && hasStatements(migration.sql)
  );
}

function empty(migration: string, rollback: string): MuseError {
  return new MuseError({
    code: 'rollback-missing',
    message: `${rollback}, the rollback of ${migration}, is empty: what the migration made would stay. Nothing was rolled back.`,
    suggestion: '`muse lint --fix` writes it from the migration; or write in it what rolls the migration back.',
  });
}

function missing(files: readonly string[], place: ReadonlyMap<string, number>): MuseError {
  const gone = files.filter((file) => !place.has(file));
  return new MuseError({
    code: 'rollback-missing',
    message: `There is no rollback file for ${files.join(', ')}. Nothing was rolled back.`,
    ...(gone.length === 0
      ? {}
      : { detail: `The migration history has ${gone.join(', ')}, and the migration file no longer exists.` }),
    suggestion: '`muse lint --fix` writes rollback files from the migrations; or roll back less, with --steps or --to.',
  });
}
