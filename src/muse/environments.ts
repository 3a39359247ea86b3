import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Hooks } from '../shared/hooks.ts';
import { readHistory } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';
import { openEnvironment } from '../targets/open.ts';
import type { Muse } from '../shared/muse-file.ts';

/**
 * Requires that staging has applied each file, with the same text, before production does. A muse without a staging environment passes.
 * @param production its database, open
 * @param pending the files that are about to be applied to production
 * @throws MuseError `not-in-staging` with the files; `same-database` where staging is production's own database; what
 *   opening staging throws
 */
export async function refuseUntried(
  muse: Muse,
  production: Database,
  pending: readonly Migration[],
  environment: NodeJS.ProcessEnv,
  hooks: Hooks = {},
): Promise<void> {
  if (muse.museFile.environments.staging === undefined) return;
  const { database: staging } = await openEnvironment(muse, 'staging', environment, { ...hooks, reads: true });
  try {
    if ((await identityOf(staging)) === (await identityOf(production))) throw sameDatabase(production.description);
    const history = (await readHistory(staging)) ?? [];
    const untried = pending.filter(
      ({ layer, file, checksum }) =>
        !history.some(
          (row) => row.layer === layer && row.file === file && row.checksum === checksum && row.state === 'applied',
        ),
    );
    if (untried.length > 0) throw notInStaging(untried);
  } finally {
    await staging.close();
  }
}

/** Tells databases apart, however their URLs are written. */
async function identityOf(database: Database): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    "select pg_catalog.pg_postmaster_start_time()::text || ' ' || (select oid::text || ' ' || datname from " +
      'pg_catalog.pg_database where datname = pg_catalog.current_database()) as id',
  );
  // The start time tells servers apart, but an embedded database starts when it is opened.
  return `${database.kind === 'embedded' ? database.description : 'server'} ${rows[0]?.id}`;
}

function sameDatabase(description: string): MuseError {
  return new MuseError({
    code: 'same-database',
    message: `Staging and production are the same database: ${description}. Nothing was run.`,
    suggestion:
      'Put the URL of each in its own file: .env.staging.local and .env.production.local. A URL in the environment counts for both.',
  });
}

function notInStaging(files: readonly Migration[]): MuseError {
  return new MuseError({
    code: 'not-in-staging',
    message:
      `Staging has not applied ${files.length === 1 ? 'this file' : 'these files'} in the current version: ` +
      `${files.map(({ file }) => file).join(', ')}. Nothing was run.`,
    suggestion:
      'Run muse migrate --env staging first, and check the result there. To skip staging, add --force production.',
  });
}
