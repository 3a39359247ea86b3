/**
 * From a name to a working project, with the functions of `src/supabase` and the migrator and with a journal: the
 * pipeline without files and terminal. After an error it can be started again, like `--resume`.
 */
import { hash } from 'node:crypto';
import { migrate } from '../../src/migrations/apply.ts';
import type { Migration } from '../../src/sql/migration.ts';
import { ensureAdmin, grantRole } from '../../src/supabase/admin.ts';
import { openClient, readKeys } from '../../src/supabase/keys.ts';
import { configureAuth, ensureBuckets } from '../../src/supabase/configure.ts';
import { connectProject } from '../../src/supabase/connect.ts';
import { createProject, type CreatedProject } from '../../src/supabase/create-project.ts';
import { createHttp, type RequestRecord } from '../../src/supabase/http.ts';
import type { Intent } from '../../src/supabase/intent.ts';
import { makePassword } from '../../src/supabase/secret.ts';
import { preflight } from '../../src/supabase/preflight.ts';
import { readSettings } from '../../src/supabase/settings.ts';
import { waitForProject } from '../../src/supabase/wait.ts';
import { fastClock } from './fast-clock.ts';
import type { FakeApi } from './fake-api/fake-api.ts';
import { kitSchema } from './fake-api/schema.ts';

export interface Run {
  /** The state that survives a crash. */
  journal: { intent?: Intent; created?: CreatedProject };
  password: ReturnType<typeof makePassword>;
  /** How many of the next requests to the Management API fail with a name that does not resolve. */
  unresolved: number;
  /** Time limit of a request, in ms. */
  timeoutMs: number;
  /** Everything that was printed, and every request as shown. */
  output: string[];
}

export const makeRun = (): Run => ({
  journal: {},
  password: makePassword(),
  unresolved: 0,
  timeoutMs: 20_000,
  output: [],
});

const migration = (number: string, sql: string): Migration => ({
  layer: 'core',
  file: `migrations/core/${number}_kit.sql`,
  number,
  sql,
  checksum: hash('sha256', sql, 'hex'),
});
const migrations = [
  migration('001', kitSchema),
  migration('002', 'create table public.second (id int primary key);\ninsert into public.second values (1);\n'),
];
export const adminPassword = makePassword();

/**
 * Runs all steps, or throws.
 * @param beforeRequest called before each request to the Management API; may throw to end the run there
 */
export async function provision(
  fakeApi: FakeApi,
  run: Run,
  beforeRequest?: (record: RequestRecord) => void,
): Promise<void> {
  const settings = await readSettings(fakeApi.env);
  const clock = fastClock();
  const http = createHttp({
    baseUrl: settings.apiUrl,
    token: settings.token,
    clock,
    timeoutMs: run.timeoutMs,
    fetch: (input, init) => {
      run.unresolved -= 1;
      return fetch(run.unresolved >= 0 ? 'https://api.invalid' : input, init);
    },
    onRequest: (record) => {
      run.output.push(JSON.stringify(record));
      beforeRequest?.(record);
    },
  });
  const { journal, password } = run;
  if (!journal.created) {
    const name = 'realtymuse';
    const { organization, region } = journal.intent
      ? { organization: { slug: journal.intent.organization }, region: journal.intent.region }
      : await preflight(http, { name, organization: 'acme', region: 'eu-central-1' });
    journal.created = await createProject(
      http,
      { name, organization: organization.slug, region, password },
      {
        onIntent: async (intent) => void (journal.intent = intent),
        onRef: async (created) => void (journal.created = created),
      },
      journal.intent,
    );
  }
  const { ref, settled } = journal.created;
  await waitForProject(http, ref, {
    timeoutMs: 300_000,
    onProgress: (progress) => run.output.push(JSON.stringify(progress)),
  });
  const { database } = await connectProject({
    http,
    settings,
    ref,
    password,
    mustProve: settled === 'found',
    onNote: (note) => run.output.push(note),
  });
  try {
    await migrate(database, migrations);
  } finally {
    await database.close();
  }
  const keys = await readKeys(http, ref);
  await configureAuth(http, ref, 'https://realty.example.com');
  const service = await openClient(settings.projectUrl(ref), keys.server);
  await ensureBuckets(service, [{ id: 'photos', public: false }], clock);
  const admin = await ensureAdmin(service, { email: 'ada@example.com', password: adminPassword }, clock);
  await grantRole(service, admin.userId, { table: 'user_roles', value: 'admin' }, clock);
}

/** Continues after each failure, as a user would, and returns how often that was. */
export async function provisionToTheEnd(
  fakeApi: FakeApi,
  run: Run,
  onFailure: (error: unknown) => void | Promise<void>,
): Promise<number> {
  for (let resumed = 0; resumed < 4; resumed += 1) {
    try {
      await provision(fakeApi, run);
      return resumed;
    } catch (error) {
      run.output.push(String(error), JSON.stringify(error));
      await onFailure(error);
    }
  }
  throw new Error('it did not come to an end');
}

/** The final state on the platform and in the database. */
export async function endState(fakeApi: FakeApi): Promise<unknown> {
  const own = [...fakeApi.state.projects.values()].filter((project) => project.name === 'realtymuse');
  const [project] = own;
  if (own.length !== 1 || !project) return { projects: own.length };
  const database = await fakeApi.databases.superuser(project.ref);
  const { rows } = await database.query(`select
    (select array_agg(file || ' ' || state order by file) from muse.migrations) as ledger,
    (select array_agg(relname::text order by relname) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r') as tables,
    (select array_agg(id order by id) from public.second) as seconds,
    (select count(*)::int from public.listings) as listings,
    (select array_agg(id order by id) from storage.buckets) as buckets,
    (select array_agg(email::text order by email) from auth.users) as users,
    (select array_agg(role) from public.user_roles) as roles`);
  return { projects: 1, status: project.status, region: project.region, auth: project.authConfig, database: rows[0] };
}
