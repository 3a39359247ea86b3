import type { Database } from '../../database/database.ts';
import { openEmbedded } from '../../database/embedded/embedded.ts';
import { checkedSession } from '../../extension/session.ts';
import type { Migration } from '../../migrations/migration.ts';
import { migrate } from '../../migrations/apply.ts';
import { readMigrations } from '../../migrations/read.ts';
import { migrationStatus } from '../../migrations/status.ts';
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
  const { database, target } = await openEnvironment(muse, name, environment);
  try {
    // A kept embedded database is what its files made; a server may have been changed by hand.
    const model = target === 'embedded' ? undefined : await modelOf(database, muse.museFile, migrations);
    return await proveDatabase(database, muse.museFile, migrations, model?.tables);
  } finally {
    await database.close();
  }
}

/** What the applied files alone allow, proven on a throw-away database: more or less than that is a finding. */
async function modelOf(database: Database, museFile: MuseFile, migrations: readonly Migration[]): Promise<IsolationReport> {
  const { applied } = await migrationStatus(database, migrations);
  const files = migrations.filter((migration) => applied.some(({ file }) => file === migration.file));
  const model = await openEmbedded();
  try {
    await migrate(model, files);
    return await proveDatabase(model, museFile, files);
  } finally {
    await model.close();
  }
}

/**
 * {@link verifyMuse} on a database that is open.
 * @param expected what is allowed where the files alone made the database
 */
export async function proveDatabase(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  expected?: IsolationReport['tables'],
): Promise<IsolationReport> {
  const expectations = await expectationsOf(migrations, museFile);
  const catalog = await checkCatalog(database, expectations);
  const proof = await verifyIsolation(database, {
    declarations: expectations.declarations,
    isolation: museFile.isolation,
    ...(expected === undefined ? {} : { expected }),
    ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
  });
  return { tables: proof.tables, findings: [...catalog, ...proof.findings] };
}
