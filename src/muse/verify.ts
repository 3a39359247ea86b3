import type { Database } from '../database/database.ts';
import { openShadow } from './core-snapshot.ts';
import { checkedSession } from '../scaffold/session.ts';
import { migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import type { EnvironmentName, Muse, MuseFile } from '../shared/muse-file.ts';
import type { Hooks } from '../shared/hooks.ts';
import { checkCatalog } from '../verify/catalog/catalog-check.ts';
import type { Ways } from '../verify/catalog/ways-query.ts';
import type { OnProof } from '../verify/probes/in-parts.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { verifyIsolation } from '../verify/verify-isolation.ts';
import { expectationsOf } from './declared-schema.ts';
import { settleProof, type SettledProof } from './prove-files.ts';
import { openEnvironment } from '../targets/open.ts';
import { filesOf } from './applied.ts';

/** How a proof is stopped and followed. */
export interface VerifyHooks extends Hooks {
  /** Called with how far the proof is, where the connection delivers that. */
  onProgress?: OnProof | undefined;
}

/** What else a proof of a database goes by. */
interface ProofOptions extends Pick<VerifyHooks, 'onProgress'> {
  expected?: IsolationReport['tables'] | undefined;
  ways?: Ways | undefined;
}

/** What was proven about an environment. */
export interface MuseProof extends SettledProof {
  /** Files that are not applied: nothing is proven about what they create. */
  pending: string[];
}

/**
 * Verifies an environment: checks its catalog against the rules, and tests as users who can do what with whose rows. Leaves
 * nothing behind.
 * @param hooks with `model`, how to find out what the files alone allow; default {@link modelOf}
 * @throws MuseError what opening the database throws; `cannot-act-as`
 */
export async function verifyMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { model: makeModel = modelOf, onProgress, ...hooks }: VerifyHooks & { model?: typeof modelOf } = {},
): Promise<MuseProof> {
  const { migrations, ...files } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { database, target } = await openEnvironment(muse, name, environment, { ...hooks, reads: true });
  try {
    const { applied, had, pending } = await filesOf(database, migrations);
    // A local database is what its files created; a server may have been changed by hand.
    const model = target.local ? undefined : await makeModel(muse.museFile, applied, hooks.signal);
    const proof = await proveDatabase(database, muse.museFile, had, { expected: model?.tables, onProgress });
    return withUnreadable({ ...proof, pending }, files);
  } finally {
    await database.close();
  }
}

/** A proof that says which files it could not read: nothing is known about what they create. */
export function withUnreadable<Proof extends MuseProof>(
  proof: Proof,
  { unreadable, findings }: Pick<MigrationFiles, 'unreadable' | 'findings'>,
): Proof {
  return {
    ...proof,
    pending: [...proof.pending, ...unreadable.map(({ file }) => file)],
    findings: [...findings.filter(({ rule }) => rule === 'unreadable-file'), ...proof.findings],
  };
}

/** Verifies the migration files of a muse on a shadow database; none of its environments is opened. */
export async function verifyFiles(
  { directory, museFile }: Muse,
  { signal, onProgress }: VerifyHooks = {},
): Promise<MuseProof> {
  const files = await readMigrations(directory, museFile.migrations, { rollbacks: false });
  return withUnreadable({ ...(await modelOf(museFile, files.migrations, signal, onProgress)), pending: [] }, files);
}

/**
 * What the files alone allow, measured on a shadow database.
 * @param files those that are applied to a database: a difference there is a finding
 * @throws MuseError, DatabaseError where the files do not run
 */
export async function modelOf(
  museFile: MuseFile,
  files: readonly Migration[],
  signal?: AbortSignal,
  onProgress?: OnProof,
): Promise<SettledProof> {
  const { database: model, applied } = await openShadow(files, signal);
  try {
    await migrate(model, files.slice(applied));
    return await proveDatabase(model, museFile, files, { onProgress });
  } finally {
    await model.close();
  }
}

/**
 * {@link verifyMuse} on a database that is open.
 * @param options with `expected`, what the files alone allow, and with `ways` for a copy that lacks some of them
 */
export async function proveDatabase(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  { expected, ways, onProgress }: ProofOptions = {},
): Promise<SettledProof> {
  const expectations = await expectationsOf(migrations, museFile);
  const catalog = await checkCatalog(database, expectations);
  const proof = await verifyIsolation(database, {
    declarations: expectations.declarations,
    isolation: museFile.isolation,
    onProgress,
    ...(expected === undefined ? {} : { expected }),
    ...(ways === undefined ? {} : { ways }),
    ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
  });
  return settleProof({ ...proof, findings: [...catalog, ...proof.findings] }, museFile, migrations);
}
