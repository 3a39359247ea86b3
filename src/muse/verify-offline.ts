import { buildCopy, type NotCopied } from '../database/copy/build.ts';
import { type CopyStep, readCopy } from '../database/copy/read.ts';
import type { Database, Session } from '../database/database.ts';
import { openEmbedded } from '../database/embedded/embedded.ts';
import { stubsInUse } from '../database/extension-stubs/stubs.ts';
import type { Finding } from '../shared/finding.ts';
import { hasHistory } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';
import { readMigrations } from '../migrations/read.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import type { Hooks } from '../shared/hooks.ts';
import { jobsOf } from '../verify/catalog/jobs.ts';
import { readWays, type Ways } from '../verify/catalog/ways-query.ts';
import { checkedSession } from '../scaffold/session.ts';
import { countProven, notProven } from '../verify/report/not-proven.ts';
import { openEnvironment } from '../targets/open.ts';
import { type FilesOfDatabase, filesOf } from './applied.ts';
import { modelOf, type MuseProof, proveDatabase, type VerifyHooks, withUnreadable } from './verify.ts';

/** A proof that was taken on a copy. */
export interface OfflineReport extends MuseProof {
  /** What the copy has in place of things that an embedded database lacks, a sentence each. */
  standIns: string[];
  /** What the copy lacks, and why. */
  notCopied: NotCopied[];
}

/** Kinds of objects that do not affect who may do what. */
const harmless = new Set([
  'index',
  'extension',
  'cast',
  'collation',
  'operator',
  'operator class',
  'text search configuration',
  'sequence',
  'sequence owner',
  'foreign table',
]);

/**
 * Verifies an environment on a copy of its schema: reads its catalog in a read-only transaction, recreates the schema in a
 * shadow database, and acts as users there. Nothing is written to the environment's own database.
 * @throws MuseError what opening the database throws
 */
export async function verifyOffline(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { onProgress, ...hooks }: VerifyHooks = {},
): Promise<OfflineReport> {
  const { signal } = hooks;
  const read = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const { migrations } = read;
  const {
    steps,
    files: { applied, had, pending },
    version,
    ways,
  } = await readEnvironment(muse, name, environment, migrations, hooks);
  const model = await modelOf(muse.museFile, applied, signal);
  // Setting owners and access lists as in the original needs a superuser.
  const copy = await openEmbedded({ owner: 'supabase_admin', signal });
  try {
    const notCopied = withoutParts(await buildCopy(copy, steps));
    const proof = await proveDatabase(copy, muse.museFile, had, { expected: model.tables, ways, onProgress });
    const standIns = [
      'auth, storage and realtime as the embedded database has them',
      ...(await stubsInUse(copy)).map(({ extension, note }) => `${extension}: ${note}`),
      ...(version === 17 ? [] : [`PostgreSQL 17, for PostgreSQL ${version}`]),
    ];
    const findings = [...unproven(notCopied), ...proof.findings];
    return withUnreadable(
      { ...proof, findings, ...countProven(proof.tables, findings), pending, standIns, notCopied },
      read,
    );
  } finally {
    await copy.close();
  }
}

interface Original {
  steps: CopyStep[];
  /** Default privileges, memberships of roles and the like, which the copy has not. */
  ways: Ways;
  files: FilesOfDatabase;
  /** The server's major version. */
  version: number;
}

async function readEnvironment(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  migrations: readonly Migration[],
  hooks: Hooks,
): Promise<Original> {
  const { database } = await openEnvironment(muse, name, environment, { ...hooks, reads: true });
  const read = async (session: Session): Promise<Original> => {
    const { rows } = await session.query<{ version: number }>(
      "SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS version",
    );
    return {
      steps: await readCopy(session),
      ways: {
        ...(await readWays(
          session,
          muse.museFile.isolation === 'session' ? checkedSession(muse.museFile.session).role : 'authenticated',
        )),
        jobs: await jobsOf(session),
      },
      files: (await hasHistory(session))
        ? await filesOf(session, migrations)
        : { applied: [], had: migrations, pending: [] },
      version: rows[0]?.version ?? 17,
    };
  };
  try {
    return await readOnly(database, read);
  } finally {
    await database.close();
  }
}

/** Over HTTPS no transaction stays open: there only SELECTs are sent. */
function readOnly<T>(database: Database, read: (session: Session) => Promise<T>): Promise<T> {
  if (database.kind === 'https') return read(database);
  return database.transaction(async (session) => {
    await session.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return read(session);
  });
}

/** For a relation that is missing itself, what belongs to it is not reported separately. */
function withoutParts(all: readonly NotCopied[]): NotCopied[] {
  const gone = new Set(
    all
      .filter(({ kind }) => ['table', 'view', 'materialized view', 'foreign table'].includes(kind))
      .map(({ of }) => of),
  );
  return all.filter(
    ({ kind, of }) =>
      of === null || !gone.has(of) || ['table', 'view', 'materialized view', 'foreign table'].includes(kind),
  );
}

/** What the copy lacks may be what protects or opens a relation: nothing is proven for that relation. */
function unproven(notCopied: readonly NotCopied[]): Finding[] {
  const telling = notCopied.filter(({ kind }) => !harmless.has(kind));
  const byObject = new Map<string, NotCopied[]>();
  for (const one of telling)
    byObject.set(one.of ?? `${one.kind} ${one.name}`, [
      ...(byObject.get(one.of ?? `${one.kind} ${one.name}`) ?? []),
      one,
    ]);
  return [...byObject].map(([object, parts]) =>
    notProven({
      object,
      reason: `the copy differs from the database: ${parts.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`).join('; ')}`,
      suggestion: 'Run muse verify without --offline: it tests the database itself and leaves nothing behind.',
    }),
  );
}
