import { type MigrateOptions, type MigrateResult, migrate } from '../../migrations/apply.ts';
import { readMigrations } from '../../migrations/read.ts';
import { migrationStatus } from '../../migrations/status.ts';
import type { EnvironmentName } from '../../muse-file.ts';
import { openEnvironment } from '../target.ts';
import { copyReports } from './copied.ts';
import { needConsent } from './guard.ts';
import type { ProductionOptions, ProductionResult } from './guard-production.ts';
import type { Muse } from './open.ts';

/**
 * Applies the pending migrations of an environment, after a rehearsal of all of them where there are any. Production also
 * needs staging to have had them, its name as a consent, and a backup, and is verified behind it.
 * @throws MuseError `bad-confirmation` for production without a way to agree; `findings` where the rehearsal says no; what
 *   opening the database, `migrate` and `migrateProduction` throw
 */
export async function migrateMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options: MigrateOptions & ProductionOptions & { onRehearsal?(): void } = {},
): Promise<MigrateResult & ProductionResult> {
  if (name === 'production') needConsent(name, options, 'muse migrate --env production');
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { database } = await openEnvironment(muse, name, environment);
  try {
    const { pending } = await migrationStatus(database, migrations);
    if (pending.length > 0) {
      options.onRehearsal?.();
      // Loaded only here: a run with nothing to do starts faster without them.
      const [{ rehearseMuse }, { refuseErrors }] = await Promise.all([import('./rehearse.ts'), import('../examine.ts')]);
      const { findings } = await rehearseMuse(muse);
      refuseErrors(findings, 'Nothing was applied.');
    }
    const told = async <R extends MigrateResult>(result: R): Promise<R> => {
      if (result.applied.length > 0) result.notes.push(...(await copyReports(database, migrations, result.applied)));
      return result;
    };
    if (name !== 'production' || pending.length === 0) return await told(await migrate(database, migrations, options));
    const { migrateProduction } = await import('./guard-production.ts');
    const files = new Set(pending.map(({ layer, file }) => `${layer} ${file}`));
    return await told(await migrateProduction(muse, environment, database, migrations, migrations.filter(({ layer, file }) => files.has(`${layer} ${file}`)), options));
  } finally {
    await database.close();
  }
}
