import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import type { FileName } from './compare.ts';
import { failure } from './failure.ts';
import { readHistory } from './history.ts';
import { deleteRow } from './history-write.ts';
import type { Migration } from '../sql/migration.ts';
import type { Rollback } from './read.ts';
import { rollbackSteps, type RollbackStep, type RollbackTarget } from './rollback-plan.ts';
import { fileScript, rollbackAlone } from './run-file.ts';
import { runSettings, type RunSettings, type TimeLimits } from './session-state.ts';
import { planRun, type RunPlan } from './transactions.ts';

export interface RollbackOptions extends RollbackTarget, TimeLimits {
  /** How long to wait for another run, in ms. */
  waitMs?: number;
  /** What the user runs again if a file fails; default `muse rollback`. The number of files is added. */
  command?: string;
  onProgress?: (
    event: { status: 'started' | 'rolled-back'; index: number; count: number; ms?: number } & FileName,
  ) => void;
}

/**
 * Rolls migrations back, newest first, each rollback file in one transaction with the removal of its history row, under the
 * database's run lock. Nothing runs if any of the files has no rollback.
 * @param rollbacks as `readMigrations` gives them
 * @throws MuseError `bad-rollback-target`, `rollback-missing`, `findings` for a rollback with its own BEGIN or COMMIT,
 *   `migration-failed` if PostgreSQL refuses a statement: that file is as it was, those before it are rolled back
 */
export async function rollback(
  database: Database,
  migrations: readonly Migration[],
  rollbacks: ReadonlyMap<string, Rollback>,
  options: RollbackOptions = {},
): Promise<{ rolledBack: (FileName & { ms: number })[] }> {
  return database.withRunLock(async () => {
    const steps = rollbackSteps(migrations, rollbacks, (await readHistory(database)) ?? [], options);
    const plans = await plansOf(steps);
    const rolledBack: (FileName & { ms: number })[] = [];
    if (steps.length === 0) return { rolledBack };
    const settings = await runSettings(database, options, false);
    if (settings.begin !== '') await database.script(settings.begin);
    try {
      await runAll(database, steps, plans, settings, rolledBack, options);
    } finally {
      // If the connection is gone, so are its settings, and the first error says more than this one.
      if (settings.end !== '') await database.script(settings.end).catch(() => undefined);
    }
    return { rolledBack };
  }, options.waitMs);
}

async function runAll(
  database: Database,
  steps: readonly RollbackStep[],
  plans: readonly RunPlan[],
  settings: RunSettings,
  rolledBack: (FileName & { ms: number })[],
  options: RollbackOptions,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const event = { layer: step.layer, file: step.file, index, count: steps.length };
    options.onProgress?.({ ...event, status: 'started' });
    const began = performance.now();
    const script = fileScript(step.rollback.sql, deleteRow(step), settings, { durable: true, reset: true });
    const plan = plans[index]!;
    try {
      await (plan.how === 'alone'
        ? rollbackAlone(database, step, plan.statements, settings)
        : database.script(script.text));
    } catch (error) {
      throw await failure(
        database,
        error,
        step.rollback,
        script,
        { applied: rolledBack, waiting: steps.slice(index + 1) },
        `${options.command ?? 'muse rollback'} --steps ${steps.length - index}`,
      );
    }
    const ms = Math.round(performance.now() - began);
    rolledBack.push({ layer: step.layer, file: step.file, ms });
    options.onProgress?.({ ...event, status: 'rolled-back', ms });
  }
}

/** @throws MuseError `findings` for files that cannot be run as they are */
async function plansOf(steps: readonly RollbackStep[]): Promise<RunPlan[]> {
  const plans = await Promise.all(steps.map((step) => planRun(step.rollback)));
  const findings = plans.flatMap((plan): Finding[] => (plan.how === 'refused' ? plan.findings : []));
  if (findings.length === 0) return plans;
  throw new MuseError({
    code: 'findings',
    message: 'A rollback file cannot run in a transaction. Nothing was rolled back.',
    suggestion: findings[0]!.suggestion,
    findings,
  });
}
