import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { compare, driftFindings, outOfOrder, type Comparison } from './compare.ts';
import { readHistory, type HistoryRow } from './history.ts';
import type { Migration } from '../sql/migration.ts';
import type { MigrateOptions, MigrateResult } from './run-pending.ts';

export type { MigrateOptions, MigrateProgress, MigrateResult } from './run-pending.ts';

/**
 * Applies the pending migrations in order, core before extensions, each in one transaction with its history row, under
 * the database's run lock. With nothing to do it costs one query and no lock.
 * @param migrations as `readMigrations` gives them
 * @throws MuseError `findings` (nothing was run) for edited files and for files with their own BEGIN or COMMIT;
 *   `migration-failed` if PostgreSQL refuses a statement; `history-newer`; `locked`
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<MigrateResult> {
  const before = (await readHistory(database)) ?? [];
  const known = compareHistory(migrations, before, options);
  if (isDone(known)) return beginResult(migrations, known);
  if (known.pending.length > 0) await options.beforeRun?.(known.pending, before.length === 0);
  return database.withRunLock(async () => {
    // Another run may have applied files before this one got the lock.
    const rows = await readHistory(database);
    const comparison = compareHistory(migrations, rows, options);
    const result = beginResult(migrations, comparison);
    if (isDone(comparison)) return result;
    // Loaded only here: most runs have nothing to do.
    const { runPending } = await import('./run-pending.ts');
    await runPending(database, comparison, result, { ...options, historyMissing: rows === undefined });
    return result;
  }, options.waitMs);
}

function isDone(comparison: Comparison): boolean {
  return comparison.pending.length + comparison.renamed.length + comparison.edited.length === 0;
}

/** @throws MuseError `findings` for edited files, unless they are accepted */
function compareHistory(
  migrations: readonly Migration[],
  rows: readonly HistoryRow[] | undefined,
  options: MigrateOptions,
): Comparison {
  const comparison = compare(migrations, rows ?? []);
  if (comparison.edited.length > 0 && options.acceptEdited !== true) {
    const names = comparison.edited.map(({ migration }) => migration.file).join(', ');
    throw new MuseError({
      code: 'findings',
      message: `Edited after being applied: ${names}. Nothing was run.`,
      suggestion: 'Undo the edits and write the change as a new migration, with `muse new`.',
      findings: driftFindings(comparison),
    });
  }
  return comparison;
}

function beginResult(migrations: readonly Migration[], comparison: Comparison): MigrateResult {
  const known = new Set([...comparison.applied, ...comparison.edited.map(({ migration }) => migration)]);
  return {
    applied: [],
    skipped: migrations.filter((migration) => known.has(migration)).map(({ layer, file }) => ({ layer, file })),
    renamed: comparison.renamed.map(({ migration, row }) => ({
      layer: migration.layer,
      file: migration.file,
      from: row.file,
    })),
    missing: comparison.missing.map(({ layer, file }) => ({ layer, file })),
    notes: [
      ...outOfOrder(migrations, comparison).map(
        ({ file }) => `${file} runs out of order: later files are already applied.`,
      ),
      ...comparison.interrupted.map(
        ({ file }) =>
          `${file} was interrupted outside a transaction in an earlier run: it runs again, without the invalid ` +
          'indexes that it left.',
      ),
      ...comparison.missing.map(
        ({ file, applied_at: at }) => `${file} was applied on ${at.slice(0, 10)} and the file no longer exists.`,
      ),
    ],
  };
}
