import type { Database } from '../../database/database.ts';
import { checkedSession } from '../../extension/session.ts';
import type { Migration } from '../../migrations/migration.ts';
import { readMigrations } from '../../migrations/read.ts';
import type { EnvironmentName, MuseFile } from '../../muse-file.ts';
import { checkCatalog } from '../../verify/catalog-check.ts';
import type { IsolationReport } from '../../verify/report.ts';
import { verifyIsolation } from '../../verify/verify-isolation.ts';
import { expectationsOf } from '../facts.ts';
import { openEnvironment } from '../target.ts';
import type { Muse } from './open.ts';

/**
 * Proves an environment: its catalog against the rules, and by acting as users who can do what with whose rows. Leaves
 * nothing behind.
 * @throws MuseError what opening the database throws; `cannot-act-as`
 */
export async function verifyMuse(muse: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv): Promise<IsolationReport> {
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { database } = await openEnvironment(muse, name, environment);
  try {
    return await proveDatabase(database, muse.museFile, migrations);
  } finally {
    await database.close();
  }
}

/** {@link verifyMuse} on a database that is open. */
export async function proveDatabase(database: Database, museFile: MuseFile, migrations: readonly Migration[]): Promise<IsolationReport> {
  const expectations = await expectationsOf(migrations, museFile);
  const catalog = await checkCatalog(database, expectations);
  const proof = await verifyIsolation(database, {
    declarations: expectations.declarations,
    isolation: museFile.isolation,
    ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
  });
  return { tables: proof.tables, findings: [...catalog, ...proof.findings] };
}
