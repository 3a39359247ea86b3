import { type Database, DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Hooks } from '../shared/hooks.ts';
import { type Finding, hasErrors } from '../shared/finding.ts';
import { type MigrateOptions, type MigrateResult, migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { backupBefore } from './backup.ts';
import { refuseUntried } from './environments.ts';
import { type Consent, takeConsent } from './guard.ts';
import { planText, touchedTables } from './guard-plan.ts';
import type { Muse } from '../shared/muse-file.ts';
import { shellPath } from '../shared/shell.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { proveDatabase } from './verify.ts';

/** Default limits for production: how long a statement may wait for a lock, and run, in ms. */
export const productionLimits = { lockTimeoutMs: 5000, statementTimeoutMs: 600_000 };

export interface ProductionOptions extends MigrateOptions, Consent, Hooks {
  /** Skip the check that staging has applied the files. */
  force?: boolean;
  /** Called with the current step, then with each file. */
  onPhase?(text: string): void;
  /** Called after the backup and before the first file. */
  prepare?(): Promise<void>;
}

/** The result of migrating production. */
export interface ProductionResult extends MigrateResult {
  /** Path of the backup, relative to the muse. */
  backup?: string;
  /** What the verification after it found; elsewhere what the isolation proof did. */
  findings?: Finding[];
  /** The isolation proof of what the files changed; absent where nothing was pending, or it was skipped. */
  isolation?: IsolationReport;
  /** Set if the migrations are applied, but verification found errors. */
  error?: MuseError;
}

/**
 * Applies pending files to production, with time limits: checks that staging has applied them, asks for confirmation of the plan,
 * takes a backup, migrates, and verifies the database.
 * @throws MuseError `not-in-staging`, `same-database`, `not-confirmed`, what the backup throws; what `migrate` throws, with
 *   the backup and the command that restores it added
 */
export async function migrateProduction(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  database: Database,
  migrations: readonly Migration[],
  pending: readonly Migration[],
  options: ProductionOptions,
): Promise<ProductionResult> {
  if (options.force !== true) await refuseUntried(muse, database, pending, environment, options);
  const files = pending.map(({ file }) => file);
  const tables = await touchedTables(
    database,
    pending.map(({ sql }) => sql),
  );
  await takeConsent(
    'production',
    options,
    planText(
      `These files will be applied to production, after a backup:\n  in the ${database.description}`,
      files,
      tables,
    ),
  );
  const backup = await backupBefore(muse, 'production', environment, database, {
    ...options,
    onProgress: options.onPhase,
  });
  let result: MigrateResult;
  try {
    await options.prepare?.();
    result = await migrate(database, migrations, { ...productionLimits, ...options });
  } catch (error) {
    throw withRestoreHint(error, backup);
  }
  options.onPhase?.('Verifying production');
  const { findings, note } = await verify(database, muse, migrations);
  const notes = note === undefined ? result.notes : [...result.notes, note];
  if (findings === undefined) return { ...result, notes, backup };
  if (!hasErrors(findings)) return { ...result, notes, backup, findings };
  return { ...result, notes, backup, findings, error: notAsItShouldBe(result, findings, backup) };
}

/** Verifies production. A verification that cannot run is reported as a note, and undoes nothing. */
async function verify(
  database: Database,
  muse: Muse,
  migrations: readonly Migration[],
): Promise<{ findings?: Finding[]; note?: string }> {
  try {
    return { findings: (await proveDatabase(database, muse.museFile, migrations)).findings };
  } catch (error) {
    if (!(error instanceof MuseError) && !(error instanceof DatabaseError)) throw error;
    return { note: `Production was not verified: ${error.message} Run muse verify --env production.` };
  }
}

/** The same error, with the backup and the command that restores it. */
export function withRestoreHint(error: unknown, backup: string): unknown {
  if (!(error instanceof MuseError)) return error;
  const { code, message, detail, suggestion, cause, findings } = error;
  return new MuseError({
    code,
    message,
    detail: [...(detail === undefined ? [] : [detail]), `Backup taken before the run: ${backup}`].join('\n'),
    suggestion: `${suggestion} To restore the backup instead: ${restoreCommand(backup)}`,
    cause,
    ...(findings === undefined ? {} : { findings }),
  });
}

function restoreCommand(backup: string): string {
  return `muse restore ${shellPath(backup)} --env production`;
}

/** Says whether an error is a proven problem, rather than something that could not be tested. */
function isProven(findings: readonly Finding[]): boolean {
  return findings.some(
    ({ severity, rule }) => severity === 'error' && rule !== 'not-proven' && rule !== 'owner-locked-out',
  );
}

function notAsItShouldBe({ applied }: MigrateResult, findings: readonly Finding[], backup: string): MuseError {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return new MuseError({
    code: 'findings',
    message:
      `${applied.length === 1 ? 'The file is' : `All ${applied.length} files are`} applied to production, but ` +
      `verification found ${errors} ${errors === 1 ? 'error' : 'errors'}.`,
    detail: `Backup taken before the run: ${backup}`,
    suggestion: isProven(findings)
      ? 'Fix the findings with a new migration. Or roll back: muse rollback --env production --steps ' +
        `${applied.length}. Or restore the backup: ${restoreCommand(backup)}`
      : 'No row is known to be exposed, so a rollback is not necessary. Read above what could not be proven, and ' +
        'add a migration where one is needed.',
    findings,
  });
}
