import { type MigrateOptions, type MigrateResult, migrate } from '../../migrations/apply.ts';
import { readMigrations } from '../../migrations/read.ts';
import { migrationStatus } from '../../migrations/status.ts';
import type { EnvironmentName } from '../../muse-file.ts';
import { lazily } from '../lazily.ts';
import { openEnvironment } from '../target.ts';
import type { Muse } from './open.ts';

/**
 * Applies the pending migrations of an environment, after a rehearsal of all of them where there are any.
 * @throws MuseError `findings` where the rehearsal says no; what opening the database and `migrate` throw
 */
export async function migrateMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options: MigrateOptions & { onRehearsal?(): void } = {},
): Promise<MigrateResult> {
  // The files are read while the server answers.
  const open = lazily(async () => (await openEnvironment(muse, name, environment)).database);
  void open().catch(() => undefined);
  try {
    const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
    const database = await open();
    const { pending } = await migrationStatus(database, migrations);
    if (pending.length > 0) {
      options.onRehearsal?.();
      // Loaded only here: a run with nothing to do starts faster without them.
      const [{ rehearseMuse }, { refuseErrors }] = await Promise.all([import('./rehearse.ts'), import('../examine.ts')]);
      const { findings } = await rehearseMuse(muse);
      refuseErrors(findings, 'Nothing was applied.');
    }
    return await migrate(database, migrations, options);
  } finally {
    await open.close();
  }
}
