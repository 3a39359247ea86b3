import type { FileName } from '../../migrations/compare.ts';
import { readMigrations } from '../../migrations/read.ts';
import { migrationStatus } from '../../migrations/status.ts';
import type { EnvironmentName, TargetKind } from '../../muse-file.ts';
import { openEnvironment } from '../target.ts';
import type { Muse } from './open.ts';

/** Where one environment of a muse stands. */
export interface EnvironmentStatus {
  name: EnvironmentName;
  target: TargetKind;
  applied: FileName[];
  pending: FileName[];
  edited: FileName[];
  missing: FileName[];
}

/**
 * What is applied, pending, edited and missing in an environment.
 * @throws MuseError what opening its database throws
 */
export async function museStatus(muse: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv): Promise<EnvironmentStatus> {
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { database, target } = await openEnvironment(muse, name, environment);
  try {
    const { applied, pending, edited, missing } = await migrationStatus(database, migrations);
    return { name, target, applied, pending, edited, missing };
  } finally {
    await database.close();
  }
}
