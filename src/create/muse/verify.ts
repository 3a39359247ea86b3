import type { Database, Session } from '../../database/database.ts';
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
    const model = target === 'embedded' ? undefined : await modelOf(muse.museFile, await appliedOf(database, migrations));
    return await proveDatabase(database, muse.museFile, migrations, model?.tables);
  } finally {
    await database.close();
  }
}

/**
 * What files alone allow, proven on a throw-away database.
 * @param files those that a database has had: more or less than this, there, is a finding
 * @throws MuseError, DatabaseError where the files do not run
 */
export async function modelOf(museFile: MuseFile, files: readonly Migration[]): Promise<IsolationReport> {
  const model = await openEmbedded();
  try {
    await migrate(model, files);
    return await proveDatabase(model, museFile, files);
  } finally {
    await model.close();
  }
}

/** The files that a database has had with the text that they have now. */
export async function appliedOf(session: Session, migrations: readonly Migration[]): Promise<Migration[]> {
  const { applied } = await migrationStatus(session, migrations);
  return migrations.filter((migration) => applied.some(({ file }) => file === migration.file));
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
