import type { Database } from '../database/database.ts';
import { type MigrateResult, migrate } from '../migrations/apply.ts';
import { compare } from '../migrations/compare.ts';
import type { Migration } from '../sql/migration.ts';
import { readHistory } from '../migrations/history.ts';
import { readMigrations } from '../migrations/read.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { type OpenEnvironment, openEnvironment } from '../targets/open.ts';
import { commandFor, needConsent } from './guard.ts';
import type { ProductionOptions, ProductionResult } from './guard-production.ts';

/** How a run of migrations is confirmed, limited, followed and stopped. */
export interface MigrateMuseOptions extends Omit<ProductionOptions, 'prepare' | 'onProgress' | 'beforeRun' | 'command'> {
  /** Installs what every Supabase project has on a plain PostgreSQL server first. */
  supabaseBaseline?: boolean;
}

/**
 * Applies the pending migrations of an environment, after a rehearsal of all of them where there are any. Production also
 * requires that staging has applied them, its name as a confirmation, and a backup, and is verified afterwards.
 * @throws MuseError `bad-confirmation` for production without a way to confirm; `findings` where the rehearsal says no; what
 *   opening the database, `migrate` and `migrateProduction` throw
 */
export async function migrateMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options: MigrateMuseOptions = {},
): Promise<MigrateResult & ProductionResult> {
  if (name === 'production') needConsent(name, options, 'muse migrate --env production');
  const { database, migrations, target } = await openBeside(muse, name, environment, options.signal);
  let prepare = (): Promise<void> => Promise.resolve();
  const beforeRun = async (): Promise<void> => {
    // A database with applied migrations has what they build on.
    if (((await readHistory(database)) ?? []).length === 0) prepare = await target.preparePlatform(database, options.supabaseBaseline === true);
    options.onPhase?.('Rehearsing on a shadow database');
    // Loaded only here: a run with nothing to do starts faster without them.
    const [{ rehearseMuse }, { fixInMuse, refuseErrors }] = await Promise.all([import('./rehearse.ts'), import('./examine.ts')]);
    const { findings } = await rehearseMuse(muse, options.signal);
    refuseErrors(findings, 'Nothing was applied.', fixInMuse);
    // In production nothing is installed before the run is confirmed.
    if (name !== 'production') await prepare();
  };
  let running = '';
  const onProgress = ({ file }: { file: string }): void => {
    running = file;
    options.onPhase?.(file);
  };
  database.onRaise?.((text) => options.onPhase?.(`${running}: ${text}`));
  const run = { ...options, onProgress, beforeRun, prepare: () => prepare(), command: commandFor('muse migrate', name) };
  try {
    const result = name === 'production' ? await toProduction(muse, environment, database, migrations, run) : await migrate(database, migrations, run);
    if (result.applied.length > 0) {
      const { copyReports } = await import('./copied.ts');
      result.notes.push(...(await copyReports(database, migrations, result.applied)));
    }
    return result;
  } finally {
    await database.close();
  }
}

async function toProduction(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  database: Database,
  migrations: readonly Migration[],
  { beforeRun, ...options }: ProductionOptions & { beforeRun(): Promise<void> },
): Promise<ProductionResult> {
  const { pending } = compare(migrations, (await readHistory(database)) ?? []);
  if (pending.length === 0) return migrate(database, migrations, options);
  await beforeRun();
  const { migrateProduction } = await import('./guard-production.ts');
  return migrateProduction(muse, environment, database, migrations, pending, options);
}

/** Opens the database while the files are read: the server's answer to a connection takes as long as a hundred files. */
async function openBeside(muse: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<OpenEnvironment & { migrations: Migration[] }> {
  const [opened, read] = await Promise.allSettled([
    openEnvironment(muse, name, environment, { signal }),
    readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false }),
  ]);
  if (opened.status === 'fulfilled' && read.status === 'fulfilled') return { ...opened.value, migrations: read.value.migrations };
  if (opened.status === 'fulfilled') await opened.value.database.close();
  throw read.status === 'rejected' ? read.reason : (opened as PromiseRejectedResult).reason;
}
