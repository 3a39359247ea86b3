/** Runs the pending files, each in one transaction with its history row. The caller holds the run lock. */
import { DatabaseError, type Database } from '../database/database.ts';
import { quoteLiteral } from '../shared/quote.ts';
import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import { packageVersion } from '../shared/version.ts';
import { compare, type Comparison, type FileName } from './compare.ts';
import { readHistory } from './history.ts';
import { createHistory, insertRow, updateRow } from './history-write.ts';
import type { Layer, Migration } from '../sql/migration.ts';
import { fileScript, runAlone } from './run-file.ts';
import { mayChangeSettings, runSettings, type RunSettings, type TimeLimits } from './session-state.ts';
import { planRun, type RunPlan } from './transactions.ts';

export interface MigrateOptions extends TimeLimits {
  /** Accept the edited text of applied files: the history gets the new checksum, nothing is run. */
  acceptEdited?: boolean;
  /** How long to wait for another run, in ms. */
  waitMs?: number;
  /** What the user runs again if a file fails; default `muse migrate`. */
  command?: string;
  onProgress?: (event: MigrateProgress) => void;
  /**
   * Called once before anything is run, if something is pending; what it throws ends the run with nothing applied.
   * @param isFirst whether the database has no migrations yet
   */
  beforeRun?: (pending: readonly Migration[], isFirst: boolean) => Promise<void>;
}

/** What a run says of each file, before and after it. */
export interface MigrateProgress {
  status: 'started' | 'applied';
  layer: Layer;
  file: string;
  /** 0-based place among the `count` files of this run. */
  index: number;
  count: number;
  /** With `applied`: how long it took. */
  ms?: number;
}

export interface MigrateResult {
  applied: (FileName & { ms: number })[];
  /** Applied before. */
  skipped: FileName[];
  /** In the history under an old name, which was replaced by the new one. */
  renamed: (FileName & { from: string })[];
  /** In the history, and no longer among the files. */
  missing: FileName[];
  /** Shown to people: what ran out of order, history rows without a file, what was finished after an interruption. */
  notes: string[];
}

/**
 * Applies what a comparison found pending, and corrects the rows of renamed and of accepted files.
 * @param result what was done is added to it, file by file, so that it is right even if the run fails
 * @throws MuseError `findings` if a file cannot be run as it is (nothing was run); `migration-failed`
 */
export async function runPending(
  database: Database,
  comparison: Comparison,
  result: MigrateResult,
  options: MigrateOptions & { historyMissing: boolean },
): Promise<void> {
  const plans = await planAll(comparison.pending);
  const corrections = [
    ...comparison.renamed.map(({ migration, row }) => updateRow(row, renamedTo(migration))),
    ...comparison.edited.map(({ migration }) => updateRow(migration, `checksum = '${migration.checksum}'`)),
  ];
  if (corrections.length > 0) await database.script(`${corrections.join(';\n')};`);
  const settings = await runSettings(database, options, true);
  // One round trip. A crash that loses the history loses the files in it too, so its commit need not wait for the disk.
  const begin = `${settings.begin}\n${options.historyMissing ? createHistory() : ''}`.trim();
  if (begin !== '') await database.script(begin);
  try {
    await runAll(database, plans, comparison, settings, result, options);
  } finally {
    // If the connection is gone, so are its settings, and the first error says more than this one.
    if (settings.end !== '') await database.script(settings.end).catch(() => undefined);
  }
}

async function runAll(
  database: Database,
  plans: readonly PlannedFile[],
  comparison: Comparison,
  settings: RunSettings,
  result: MigrateResult,
  options: MigrateOptions,
): Promise<void> {
  const tool = packageVersion();
  const count = plans.length;
  let reset = false;
  for (const [index, { migration, plan }] of plans.entries()) {
    const event = { layer: migration.layer, file: migration.file, index, count };
    options.onProgress?.({ ...event, status: 'started' });
    const began = performance.now();
    // A function that one file creates may change settings when a later file calls it.
    reset ||= mayChangeSettings(migration.sql);
    const script = fileScript(migration.sql, insertRow(migration, 'applied', tool), settings, {
      durable: index === count - 1,
      reset,
    });
    const interrupted = comparison.interrupted.some(
      (row) => row.file === migration.file && row.layer === migration.layer,
    );
    try {
      await (plan.how === 'script'
        ? database.script(script.text)
        : runAlone(database, migration, plan.statements, { settings, tool, interrupted }));
    } catch (error) {
      if (await wasAppliedMeanwhile(database, migration, error)) {
        result.skipped.push({ layer: migration.layer, file: migration.file });
        continue;
      }
      const { failure } = await import('./failure.ts');
      const waiting = plans.slice(index + 1).map((next) => next.migration);
      throw await failure(
        database,
        error,
        migration,
        script,
        { applied: result.applied, waiting },
        options.command ?? 'muse migrate',
      );
    }
    const ms = Math.round(performance.now() - began);
    result.applied.push({ layer: migration.layer, file: migration.file, ms });
    options.onProgress?.({ ...event, status: 'applied', ms });
  }
}

interface PlannedFile {
  migration: Migration;
  plan: Exclude<RunPlan, { how: 'refused' }>;
}

/** @throws MuseError `findings` for files that cannot be run as they are */
async function planAll(pending: readonly Migration[]): Promise<PlannedFile[]> {
  const findings: Finding[] = [];
  const planned: PlannedFile[] = [];
  for (const migration of pending) {
    const plan = await planRun(migration);
    if (plan.how === 'refused') findings.push(...plan.findings);
    else planned.push({ migration, plan });
  }
  if (findings.length === 0) return planned;
  throw new MuseError({
    code: 'findings',
    message:
      `${findings.length === 1 ? 'One statement' : `${findings.length} statements`} cannot run in a file's ` +
      'transaction. Nothing was run.',
    suggestion: findings[0]!.suggestion,
    findings,
  });
}

function renamedTo(migration: Migration): string {
  return `layer = ${quoteLiteral(migration.layer)}, file = ${quoteLiteral(migration.file)}`;
}

/** Says whether the file failed only because a run that does not know our lock has applied the same text meanwhile. */
async function wasAppliedMeanwhile(database: Database, migration: Migration, error: unknown): Promise<boolean> {
  if (!(error instanceof DatabaseError)) return false;
  return compare([migration], (await readHistory(database)) ?? []).applied.length === 1;
}
