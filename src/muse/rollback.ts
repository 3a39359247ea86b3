import { MuseError } from '../shared/error.ts';
import { fileDone, type Hooks } from '../shared/hooks.ts';
import type { FileName } from '../migrations/compare.ts';
import type { Loss } from '../migrations/loss.ts';
import { rollback, type RollbackOptions } from '../migrations/rollback.ts';
import { type RollbackTarget, rollbackPlan } from '../migrations/rollback-plan.ts';
import type { TimeLimits } from '../migrations/session-state.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment } from '../targets/open.ts';
import { readReadable } from './readable.ts';
import { commandFor, type Consent, needConsent, takeConsent } from './guard.ts';
import { lostBuckets, planText, touchedTables } from './guard-plan.ts';

/** What a rollback did. */
export interface RollbackResult {
  rolledBack: (FileName & { ms: number })[];
  losses: Loss[];
  /** The backup that was taken first: production only. */
  backup?: string;
  /** The file of TypeScript types that was brought up to date: development only. */
  types?: string;
}

export interface RollbackGuard extends Consent, TimeLimits, Hooks {
  onPhase?(text: string): void;
}

/**
 * Rolls migrations back, newest first. In production after a backup, and with time limits.
 * @param agree asked if data would be lost, with a list of it; false stops the rollback before anything runs
 * @param guard how a rollback of production is confirmed
 * @throws MuseError `bad-confirmation`, `not-confirmed`; `data-would-be-lost` without agreement; `bucket-not-empty` where
 *   a bucket with files would be deleted; what `rollbackPlan` and `rollback` throw
 */
export async function rollbackMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  target: RollbackTarget,
  agree: (losses: readonly Loss[]) => Promise<boolean>,
  guard: RollbackGuard = {},
): Promise<RollbackResult> {
  if (name === 'production') needConsent(name, guard, 'muse rollback --env production');
  const { migrations, rollbacks } = await readReadable(muse);
  const { database } = await openEnvironment(muse, name, environment, {
    ...guard,
    timeoutMs: guard.statementTimeoutMs,
  });
  try {
    const { lockTimeoutMs, statementTimeoutMs } = guard;
    const limits = {
      ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
    };
    const run = {
      ...target,
      ...limits,
      command: commandFor('muse rollback', name),
      onProgress: followRollback(guard, guard.onPhase),
    };
    const { files, losses } = await rollbackPlan(database, migrations, rollbacks, target);
    const scripts = files.map((step) => step.rollback.sql);
    const buckets = await lostBuckets(database, scripts);
    if (buckets.length > 0) throw bucketsNotEmpty(buckets);
    if (losses.length > 0 && !(await agree(losses))) throw wouldBeLost(losses, saidAgain(name, target, guard));
    if (name !== 'production' || files.length === 0) {
      const result = { ...(await rollback(database, migrations, rollbacks, run)), losses };
      if (name !== 'development' || files.length === 0) return result;
      const types = await (await import('./types.ts')).refreshTypes(muse.directory, database);
      return { ...result, ...(types === undefined ? {} : { types }) };
    }
    const plan = planText(
      `These files will be rolled back in production, after a backup:\n  in the ${database.description}`,
      files.map(({ file }) => file),
      await touchedTables(database, scripts),
    );
    await takeConsent(name, guard, losses.length === 0 ? plan : `${plan}\nThis drops data:\n${describeLosses(losses)}`);
    const [{ backupBefore }, { productionLimits, withRestoreHint }] = await Promise.all([
      import('./backup.ts'),
      import('./guard-production.ts'),
    ]);
    const backup = await backupBefore(muse, name, environment, database, {
      ...guard,
      onProgress: guard.onPhase,
    });
    try {
      return { ...(await rollback(database, migrations, rollbacks, { ...productionLimits, ...run })), losses, backup };
    } catch (error) {
      throw withRestoreHint(error, backup);
    }
  } finally {
    await database.close();
  }
}

/** Tells of each file as it is rolled back. */
export function followRollback(
  { onDone }: Hooks,
  onPhase: ((text: string) => void) | undefined,
): NonNullable<RollbackOptions['onProgress']> {
  return ({ status, layer, file, ms, index, count }) => {
    if (status === 'started') onPhase?.(`${index + 1}/${count} ${file}`);
    else onDone?.(fileDone('rolledBack', { layer, file, ...(ms === undefined ? {} : { ms }) }));
  };
}

/** What would be lost, a line each. */
export function describeLosses(losses: readonly Loss[]): string {
  return losses
    .map(
      (loss) =>
        `${loss.table}${loss.column === undefined ? '' : `.${loss.column}`}: ${loss.rows} ${loss.rows === 1 ? 'row' : 'rows'}`,
    )
    .join('\n');
}

/** The command as it was typed, with the flag that agrees. */
function saidAgain(name: EnvironmentName, { to, steps }: RollbackTarget, { confirmed }: Consent): string {
  const flags = [
    to === undefined ? '' : ` --to ${to}`,
    steps === undefined ? '' : ` --steps ${steps}`,
    confirmed === undefined ? '' : ` --confirm ${confirmed}`,
  ];
  return `${commandFor('muse rollback', name)}${flags.join('')} --yes`;
}

function wouldBeLost(losses: readonly Loss[], command: string): MuseError {
  return new MuseError({
    code: 'data-would-be-lost',
    message: 'The rollback would drop tables or columns that hold data. Nothing was run.',
    detail: describeLosses(losses),
    suggestion: `Back up what you need (muse backup), then confirm: ${command}`,
  });
}

/** The refusal of a rollback that would delete buckets with files in them. */
export function bucketsNotEmpty(buckets: readonly { bucket: string; files: number }[]): MuseError {
  return new MuseError({
    code: 'bucket-not-empty',
    message: 'The rollback would delete storage buckets that hold files. Nothing was run.',
    detail: buckets.map(({ bucket, files }) => `${bucket}: ${files} ${files === 1 ? 'file' : 'files'}`).join('\n'),
    suggestion:
      'SQL only deletes their entries: the files would stay in storage, be charged for, and be out of reach. ' +
      'Empty the buckets in the dashboard or through the Storage API, then run this again.',
  });
}
