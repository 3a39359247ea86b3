import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { destroyProject } from '../../src/supabase/destroy.ts';
import { createHttp } from '../../src/supabase/http.ts';
import { planRequests } from '../../src/supabase/request-plan.ts';
import { secret } from '../../src/supabase/secret.ts';
import { fastClock } from '../support/fast-clock.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { isWhole } from '../support/sample.ts';
import { adminPassword, endState, makeRun, provision, provisionToTheEnd, type Run } from '../support/provision.ts';
import { makeConditions, type HttpFault } from '../support/fake-api/faults.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

/** Before how many requests a run is stopped: all of them where everything is tested. */
const every = isWhole ? 1 : 6;
const which = every === 1 ? 'each' : `one in ${every}`;

let fakeApi: FakeApi;
let sound: unknown;
let requests: number;
/** Every request of a run without a fault. */
let sent: string[];
const report: string[] = [];

beforeAll(async () => {
  fakeApi = await openFakeApi();
  await provision(fakeApi, makeRun());
  sound = await endState(fakeApi);
  requests = fakeApi.state.requests.filter((one) => one.part === 'management').length;
  sent = fakeApi.state.requests.map(
    (one) =>
      `${one.method} ${one.path.replace(/^\/project\/[a-z]{20}/, '{project}').replace(/\/[a-z]{20}(?=\/|$)/, '/{ref}')}`,
  );
});
afterAll(async () => {
  await fakeApi.close();
  process.stdout.write(
    `\nFaults, and what they came to (resumed = how often the user had to say --resume):\n${report.join('\n')}\n\n`,
  );
});
beforeEach(async () => {
  for (const ref of fakeApi.state.projects.keys()) await fakeApi.databases.drop(ref);
  fakeApi.state.projects.clear();
  fakeApi.state.requests.length = 0;
  Object.assign(fakeApi.conditions, makeConditions());
  Object.assign(fakeApi.state, { skewMs: 0, tokenRevoked: false });
});

interface Fault {
  name: string;
  begin: () => void;
  /** What an error for the user ends. */
  cure?: (error: unknown) => void | Promise<void>;
  /** It goes the way of another one, or of one in create-project.test.ts: only where everything is tested. */
  rare?: true;
  /** The codes of the errors that the user gets on the way. */
  told?: string[];
}

const project = '/v1/projects/{ref}';
const anywhere = [
  'GET /v1/organizations',
  'GET /v1/projects',
  `GET ${project}`,
  `GET ${project}/health`,
  `GET ${project}/config/database/pooler`,
  `GET ${project}/api-keys`,
  `GET ${project}/config/auth`,
  `PATCH ${project}/config/auth`,
];
const http =
  (fault: HttpFault, where: string[], times = 1) =>
  () => {
    // Short enough for a test of lost responses; a busy machine may need as long for real ones.
    if (fault === 'no-answer' || fault === 'slow-body') current.timeoutMs = 1500;
    for (const on of where) fakeApi.http.add(fault, on, times);
  };
const condition = (change: Partial<FakeApi['conditions']>) => () => void Object.assign(fakeApi.conditions, change);
const post = ['POST /v1/projects'];

const faults: Fault[] = [
  { name: 'POST applied, answer lost', begin: http('answer-lost', post) },
  { rare: true, name: 'POST applied, answered 502', begin: http('applied-502', post) },
  { name: 'POST applied, body never ends', begin: http('slow-body', post) },
  { name: 'POST not applied, connection reset', begin: http('reset', post) },
  { rare: true, name: 'POST not applied, no answer', begin: http('no-answer', post) },
  { rare: true, name: 'POST not applied, 500 (HTML)', begin: http('html-500', post) },
  { rare: true, name: 'POST not applied, 429', begin: http('too-many', post) },
  { name: 'every call once: answer lost', begin: http('answer-lost', anywhere) },
  { rare: true, name: 'every call once: 429', begin: http('too-many', anywhere) },
  { name: 'every call once: 429 with Retry-After', begin: http('too-many-retry-after', anywhere) },
  { rare: true, name: 'every call once: 500 (HTML)', begin: http('html-500', anywhere) },
  { name: 'every call once: 502 (HTML)', begin: http('html-502', anywhere) },
  { rare: true, name: 'every call once: 503 (HTML)', begin: http('html-503', anywhere) },
  { rare: true, name: 'every call once: connection reset', begin: http('reset', anywhere) },
  { name: 'calls that never answer', begin: http('no-answer', [`GET ${project}`, `GET ${project}/api-keys`]) },
  { rare: true, name: 'slow bodies', begin: http('slow-body', ['GET /v1/projects', `PATCH ${project}/config/auth`]) },
  { name: 'DNS failure at first', begin: () => void (current.unresolved = 4) },
  { name: 'DNS failure for long', begin: () => void (current.unresolved = 6), told: ['api-unreachable'] },
  { name: 'the API is down for long', begin: http('html-503', [`GET ${project}`], 8), told: ['api-failed'] },
  { name: 'a status never seen before', begin: condition({ newStatus: 'DEFROSTING' }) },
  {
    name: 'coming up for ever',
    begin: condition({ neverHealthy: true }),
    cure: condition({ neverHealthy: false }),
    told: ['wait-timeout'],
  },
  { name: 'one service unhealthy for a while', begin: condition({ unhealthyService: { name: 'auth', looks: 4 } }) },
  {
    name: 'one service unhealthy for long',
    begin: condition({ unhealthyService: { name: 'storage', looks: 1e9 } }),
    cure: condition({ unhealthyService: undefined }),
    told: ['wait-timeout'],
  },
  { name: 'pooler list empty at first', begin: condition({ poolerEmpty: 3 }) },
  { name: 'tenant not found at first', begin: condition({ tenantNotFound: 3 }) },
  { name: '28P01 at first', begin: condition({ passwordRefused: 2 }) },
  { name: 'no PostgreSQL socket at all: SQL over HTTPS', begin: condition({ poolerClosed: true }) },
  { name: 'direct host answers', begin: condition({ directOpen: true }) },
  { name: 'API keys late', begin: condition({ keysNull: 2 }) },
  {
    name: 'connection cut in the middle of a migration',
    begin: () => fakeApi.wire.add('cut-during', 'create table public.listings'),
    told: ['connection-lost'],
  },
  {
    rare: true,
    name: 'connection cut before a migration',
    begin: () => fakeApi.wire.add('cut-before', 'create table public.second'),
    told: ['connection-lost'],
  },
  {
    name: 'connection cut between COMMIT and answer',
    begin: () => fakeApi.wire.add('cut-after-commit', 'create table public.second'),
    told: ['connection-lost'],
  },
  {
    name: 'over HTTPS: answer lost after COMMIT of a migration',
    begin: () => {
      fakeApi.conditions.poolerClosed = true;
      // The first migration comes after reading the history, taking the lease, and reading the history again.
      fakeApi.http.add('answer-lost', `POST ${project}/database/query`, 1, 5);
    },
    told: ['answer-lost'],
  },
  {
    name: 'token revoked half-way',
    begin: () => fakeApi.killAfterRequest(8, () => void (fakeApi.state.tokenRevoked = true)),
    cure: () => void (fakeApi.state.tokenRevoked = false),
    told: ['token-refused'],
  },
  { name: 'quota reached', begin: http('refused-quota', post), told: ['quota-reached'] },
  { rare: true, name: 'plan limit reached (402)', begin: http('refused-plan', post), told: ['quota-reached'] },
  {
    name: "name taken by a stranger's project",
    begin: () => void fakeApi.addProject({ name: 'realtymuse' }),
    cure: () => fakeApi.state.projects.clear(),
    told: ['name-taken'],
  },
  {
    name: 'clock two hours ahead, answer lost',
    begin: () => {
      fakeApi.state.skewMs = 7_200_000;
      http('answer-lost', post)();
    },
  },
  {
    rare: true,
    name: 'clock two hours behind, answer lost',
    begin: () => {
      fakeApi.state.skewMs = -7_200_000;
      http('answer-lost', post)();
    },
  },
  {
    name: 'INIT_FAILED, deleted and tried again',
    begin: condition({ initFailed: 1, notReadyForDeletion: 2 }),
    cure: async () => {
      const [ref = ''] = fakeApi.state.projects.keys();
      await destroyProject(
        createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: fastClock() }),
        ref,
      );
      current.journal = {};
    },
    told: ['init-failed'],
  },
];
let current: Run;

it('a run sends exactly the requests of --dry-run', () => {
  const planned = planRequests({
    name: 'realtymuse',
    organization: 'acme',
    region: 'eu-central-1',
    siteUrl: 'https://realty.example.com',
    buckets: ['photos'],
    adminEmail: 'ada@example.com',
  });
  const shown = planned.map((one) => `${one.method} ${one.path.replace(/\?.*$/, '').replace(/ or .*$/, '')}`);
  expect([...new Set(sent)].sort()).toEqual([...new Set(shown)].sort());
  expect(findSecrets({ plan: JSON.stringify(planned) })).toEqual([]);
});

describe('the result is the same with each fault, with exactly one project', () => {
  it.each(faults.filter(({ rare }) => isWhole || rare === undefined))(
    '$name',
    async ({ name, begin, cure, told = [] }) => {
      current = makeRun();
      begin();
      const met: string[] = [];
      const resumed = await provisionToTheEnd(fakeApi, current, async (error) => {
        met.push((error as { code?: string }).code ?? String(error));
        expect((error as { suggestion?: string }).suggestion).toBeTruthy();
        await cure?.(error);
      });
      expect(met).toEqual(told);
      expect(await endState(fakeApi)).toEqual(sound);
      const [own] = fakeApi.state.projects.values();
      const secrets = [current.password, adminPassword]
        .map((one) => one.reveal())
        .concat(fakeApi.state.token, own?.keys.secret ?? '', own?.keys.serviceRole ?? '');
      expect(
        findSecrets({ output: current.output.join('\n'), journal: JSON.stringify(current.journal) }, secrets),
      ).toEqual([]);
      const posts = fakeApi.count('POST', '/v1/projects');
      report.push(
        `  ${name.padEnd(52)} ${String(fakeApi.state.requests.length).padStart(3)} requests, ${posts} POST, resumed ${resumed}${told.length > 0 ? ` (${told.join(', ')})` : ''}`,
      );
    },
  );

  it(`stopped before ${which} request, and resumed`, async () => {
    for (let stop = 1; stop <= requests; stop += every) {
      current = makeRun();
      let number = 0;
      const stopped = provision(fakeApi, current, () => {
        number += 1;
        if (number === stop) throw new Error(`stopped before request ${stop}`);
      });
      await expect(stopped).rejects.toThrow('stopped before');
      await provision(fakeApi, current);
      expect(await endState(fakeApi)).toEqual(sound);
      for (const ref of fakeApi.state.projects.keys()) await fakeApi.databases.drop(ref);
      fakeApi.state.projects.clear();
    }
    report.push(
      `  stopped before ${which} of ${requests} requests, and resumed (kill -9 at each request of the command: test/create/supabase-kill.test.ts)`,
    );
  });

  it('two runs at once', async () => {
    const results = await Promise.allSettled([provision(fakeApi, makeRun()), provision(fakeApi, makeRun())]);
    expect(results.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'name-taken' } });
    expect(await endState(fakeApi)).toEqual(sound);
    report.push('  two runs at once: one makes the project, the other is told that the name is taken');
  });
});
