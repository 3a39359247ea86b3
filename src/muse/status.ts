import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import type { FileName } from '../migrations/compare.ts';
import { readMigrations } from '../migrations/read.ts';
import { migrationStatus } from '../migrations/history-status.ts';
import type { Environment, EnvironmentName, Muse, TargetKind } from '../shared/muse-file.ts';
import { openEnvironment } from '../targets/open.ts';

/** Where one environment of a muse stands. */
export interface EnvironmentStatus {
  name: EnvironmentName;
  target: TargetKind;
  applied: FileName[];
  pending: FileName[];
  edited: FileName[];
  missing: FileName[];
  /** Supabase: the project and its services. */
  health?: { status: string; services: { name: string; status: string }[] };
  /** Where it was asked for: what differs from what the files say. */
  drift?: Finding[];
  /** Why nothing is known of it: it cannot be reached, and the lists are empty. */
  error?: { code: string; message: string; suggestion: string };
}

/**
 * What is applied, pending, edited and missing in an environment.
 * @param drift whether to compare the schema with the files, which takes seconds
 * @throws MuseError what opening its database throws
 */
export async function museStatus(muse: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv, drift = false): Promise<EnvironmentStatus> {
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { database, target } = await openEnvironment(muse, name, environment);
  try {
    const { applied, pending, edited, missing } = await migrationStatus(database, migrations);
    const status: EnvironmentStatus = { name, target, applied, pending, edited, missing };
    const ref = muse.museFile.environments[name]?.ref;
    if (target === 'supabase' && ref !== undefined) status.health = await healthOf(ref, environment);
    if (drift) status.drift = await (await import('./drift.ts')).schemaDrift(database, migrations);
    return status;
  } finally {
    await database.close();
  }
}

async function healthOf(ref: string, environment: NodeJS.ProcessEnv): Promise<NonNullable<EnvironmentStatus['health']>> {
  const [{ openCloud }, { projectStatus }] = await Promise.all([import('../targets/cloud.ts'), import('../supabase/wait.ts')]);
  const { status, services } = await projectStatus((await openCloud(environment)).http, ref);
  return { status, services };
}

/**
 * {@link museStatus} of every environment in `muse.json`; one that cannot be reached says so, and the others are told.
 * @throws MuseError the first one's, where none can be reached
 */
export async function museStatuses(muse: Muse, environment: NodeJS.ProcessEnv, drift = false): Promise<EnvironmentStatus[]> {
  const statuses: EnvironmentStatus[] = [];
  const errors: MuseError[] = [];
  for (const [name, { target }] of Object.entries(muse.museFile.environments) as [EnvironmentName, Environment][]) {
    try {
      statuses.push(await museStatus(muse, name, environment, drift));
    } catch (error) {
      if (!(error instanceof MuseError)) throw error;
      errors.push(error);
      const { code, message, suggestion } = error;
      statuses.push({ name, target, applied: [], pending: [], edited: [], missing: [], error: { code, message, suggestion } });
    }
  }
  if (errors[0] !== undefined && errors.length === statuses.length) throw errors[0];
  return statuses;
}
