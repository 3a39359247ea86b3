import { type ErrorCode, MuseError } from '../shared/error.ts';
import type { Hooks } from '../shared/hooks.ts';
import type { Finding } from '../shared/finding.ts';
import type { Drift, expectedSchema } from './drift.ts';
import type { FileName } from '../migrations/compare.ts';
import { readMigrations } from '../migrations/read.ts';
import { migrationStatus } from '../migrations/compare.ts';
import type { Environment, EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment } from '../targets/open.ts';
import { unreadableSeeds } from './seed-files.ts';
import type { TargetHealth } from '../targets/target.ts';

/** Where one environment of a muse stands. */
export interface EnvironmentStatus {
  name: EnvironmentName;
  target: string;
  applied: FileName[];
  pending: FileName[];
  edited: FileName[];
  missing: FileName[];
  /** Migrations, rollbacks and seeds that are not UTF-8 text: whether they are applied as they are is not known. */
  unreadable: { file: string; layer?: FileName['layer'] }[];
  /** What is wrong with them. */
  findings: Finding[];
  /** The status of the service, if the target is one. */
  health?: TargetHealth;
  /** With `drift`: where the schema differs from the files. */
  drift?: Drift[];
  /** Set if the environment cannot be reached; the lists are empty then. */
  error?: { code: ErrorCode; message: string; suggestion: string };
}

export interface StatusOptions extends Hooks {
  /** Also compares the schema with the files, which takes seconds. */
  drift?: boolean;
  /** Finds out what the files create, for `drift`; default {@link expectedSchema}. */
  expected?: typeof expectedSchema;
}

/**
 * What is applied, pending, edited and missing in an environment.
 * @throws MuseError what opening its database throws
 */
export async function museStatus(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { drift = false, expected, ...hooks }: StatusOptions = {},
): Promise<EnvironmentStatus> {
  const files = await readMigrations(muse.directory, muse.museFile.migrations);
  const { migrations } = files;
  const seeds = await unreadableSeeds(muse.directory);
  const unreadable = [...files.unreadable, ...seeds.map(({ file = '' }) => ({ file }))];
  const findings = [...files.findings.filter(({ rule }) => rule === 'unreadable-file'), ...seeds];
  const { database, target, place } = await openEnvironment(muse, name, environment, { ...hooks, reads: true });
  try {
    const { applied, pending, edited, missing } = await migrationStatus(database, migrations);
    const isThere = ({ file }: FileName): boolean => unreadable.some((one) => one.file === file);
    const status: EnvironmentStatus = {
      name,
      target: place.entry.target,
      applied,
      pending,
      edited,
      missing: missing.filter((one) => !isThere(one)),
      unreadable,
      findings,
    };
    const health = await target.health?.(place, hooks);
    if (health !== undefined) status.health = health;
    if (drift) {
      const { schemaDrift } = await import('./drift.ts');
      status.drift = await schemaDrift(database, migrations, hooks.signal, expected);
    }
    return status;
  } finally {
    await database.close();
  }
}

/**
 * {@link museStatus} of every environment in `muse.json`; one that cannot be reached has an `error`, and the others are reported.
 * @throws MuseError of the first environment, if none can be reached
 */
export async function museStatuses(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  options: StatusOptions = {},
): Promise<EnvironmentStatus[]> {
  const statuses: EnvironmentStatus[] = [];
  const errors: MuseError[] = [];
  for (const [name, { target }] of Object.entries(muse.museFile.environments) as [EnvironmentName, Environment][]) {
    try {
      statuses.push(await museStatus(muse, name, environment, options));
    } catch (error) {
      if (!(error instanceof MuseError) || options.signal?.aborted) throw error;
      errors.push(error);
      const { code, message, suggestion } = error;
      statuses.push({
        name,
        target,
        applied: [],
        pending: [],
        edited: [],
        missing: [],
        unreadable: [],
        findings: [],
        error: { code, message, suggestion },
      });
    }
  }
  if (errors[0] !== undefined && errors.length === statuses.length) throw errors[0];
  return statuses;
}
