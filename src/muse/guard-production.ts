import { type Database, DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { type Finding, hasErrors } from '../shared/finding.ts';
import { type MigrateOptions, type MigrateResult, migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { backupBefore } from './backup.ts';
import { refuseUntried } from './environments.ts';
import { type Consent, takeConsent } from './guard.ts';
import { planText, touchedTables } from './guard-plan.ts';
import type { Muse } from '../shared/muse-file.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { proveDatabase } from './verify.ts';

/** How long a statement in production may wait for a lock, and run, in ms, where the call does not say. */
export const productionLimits = { lockTimeoutMs: 5000, statementTimeoutMs: 600_000 };

export interface ProductionOptions extends MigrateOptions, Consent {
  /** Go past staging. */
  force?: boolean;
  /** Ends the run when it aborts. */
  signal?: AbortSignal | undefined;
  /** Told what is being done: the step, then each file. */
  onPhase?(text: string): void;
  /** Done behind the backup, in front of the first file. */
  prepare?(): Promise<void>;
}

/** What a migration of production came to. */
export interface ProductionResult extends MigrateResult {
  /** Path of the backup, relative to the muse. */
  backup?: string;
  /** What the verification behind it found; elsewhere what the isolation proof did. */
  findings?: Finding[];
  /** The isolation proof, of what the files changed; absent where nothing was pending, or it was skipped. */
  isolation?: IsolationReport;
  /** The migrations are applied, and the database is not as it should be. */
  error?: MuseError;
}

/**
 * Applies pending files to production: after staging had them, a plan that was agreed to, and a backup; with time limits;
 * and looks at the database afterwards.
 * @throws MuseError `not-in-staging`, `same-database`, `not-confirmed`, what the backup throws; what `migrate` throws, with
 *   the state and the way back added
 */
export async function migrateProduction(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  database: Database,
  migrations: readonly Migration[],
  pending: readonly Migration[],
  options: ProductionOptions,
): Promise<ProductionResult> {
  if (options.force !== true) await refuseUntried(muse, database, pending, environment, options.signal);
  const files = pending.map(({ file }) => file);
  const tables = await touchedTables(database, pending.map(({ sql }) => sql));
  await takeConsent('production', options, planText(`To be applied to production after a backup:\n  in the ${database.description}`, files, tables));
  const backup = await backupBefore(muse, 'production', environment, database, { onProgress: options.onPhase, signal: options.signal });
  let result: MigrateResult;
  try {
    await options.prepare?.();
    result = await migrate(database, migrations, { ...productionLimits, ...options });
  } catch (error) {
    throw withWayBack(error, backup);
  }
  options.onPhase?.('Verifying production');
  const { findings, note } = await verify(database, muse, migrations);
  const notes = note === undefined ? result.notes : [...result.notes, note];
  if (findings === undefined) return { ...result, notes, backup };
  if (!hasErrors(findings)) return { ...result, notes, backup, findings };
  return { ...result, notes, backup, findings, error: notAsItShouldBe(result, findings, backup) };
}

/** What verification says of production. That it cannot be had is told, and undoes nothing. */
async function verify(database: Database, muse: Muse, migrations: readonly Migration[]): Promise<{ findings?: Finding[]; note?: string }> {
  try {
    return { findings: (await proveDatabase(database, muse.museFile, migrations)).findings };
  } catch (error) {
    if (!(error instanceof MuseError) && !(error instanceof DatabaseError)) throw error;
    return { note: `Production was not verified: ${error.message} Run muse verify --env production.` };
  }
}

/** The same error, with the backup and the ways on and back. */
export function withWayBack(error: unknown, backup: string): unknown {
  if (!(error instanceof MuseError)) return error;
  const { code, message, detail, suggestion, cause, findings } = error;
  return new MuseError({
    code,
    message,
    detail: [...(detail === undefined ? [] : [detail]), `The backup of before is ${backup}.`].join('\n'),
    suggestion: `${suggestion} To go back instead: ${restoreCommand(backup)}`,
    cause,
    ...(findings === undefined ? {} : { findings }),
  });
}

function restoreCommand(backup: string): string {
  return `muse restore ${backup} --env production`;
}

/** Some error says what is wrong, rather than what could not be tried. */
function isProven(findings: readonly Finding[]): boolean {
  return findings.some(({ severity, rule }) => severity === 'error' && rule !== 'not-proven' && rule !== 'owner-locked-out');
}

function notAsItShouldBe({ applied }: MigrateResult, findings: readonly Finding[], backup: string): MuseError {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return new MuseError({
    code: 'findings',
    message: `${applied.length === 1 ? 'The file is' : `All ${applied.length} files are`} applied to production, and verification has ${errors} ${errors === 1 ? 'error' : 'errors'}.`,
    detail: `The backup of before is ${backup}.`,
    suggestion: isProven(findings)
      ? `Fix it with a new migration; or roll the files back, muse rollback --env production --steps ${applied.length}; or restore the backup: ${restoreCommand(backup)}`
      : 'Read what could not be proven above, and fix that with a new migration where it needs one. No row is known to be exposed, so nothing has to be rolled back.',
    findings,
  });
}
