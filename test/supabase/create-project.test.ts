import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProject, type CreatedProject } from '../../src/supabase/create-project.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import { isFrom, type Intent, type ProjectRequest } from '../../src/supabase/intent.ts';
import { makePassword, secret } from '../../src/supabase/secret.ts';
import { preflight } from '../../src/supabase/preflight.ts';
import { fastClock, type FastClock } from '../support/fast-clock.ts';
import { findSecrets } from '../support/find-secrets.ts';
import type { HttpFault } from '../support/fake-api/faults.ts';
import { startFakeApi, type FakeApi } from '../support/fake-api/fake-api.ts';

let fakeApi: FakeApi;
let clock: FastClock;
let http: Http;
let journal: { intents: Intent[]; created: CreatedProject[] };
beforeEach(async () => {
  fakeApi = await startFakeApi(
    { host: '127.0.0.1', port: 1, user: 'nobody', password: '', postgresPassword: '' },
    'none',
  );
  clock = fastClock();
  http = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock, timeoutMs: 300 });
  journal = { intents: [], created: [] };
});
afterEach(() => fakeApi.close());

const request: ProjectRequest = {
  name: 'realtymuse',
  organization: 'acme',
  region: { type: 'smartGroup', code: 'emea' },
  password: makePassword(),
};
const hooks = {
  onIntent: async (intent: Intent) => {
    journal.intents.push(intent);
    // Nothing has been sent when the intent is journaled.
    expect(fakeApi.count('POST', '/v1/projects')).toBe(journal.intents.length - 1);
  },
  onRef: async (created: CreatedProject) => {
    journal.created.push(created);
  },
};
const run = (previous?: Intent) => createProject(http, request, hooks, previous);
const names = (): string[] => [...fakeApi.state.projects.values()].map((project) => project.name);

describe('preflight', () => {
  it('chooses the only organization and the recommended group', async () => {
    expect(await preflight(http, { name: 'realtymuse' })).toMatchObject({
      organization: { slug: 'acme' },
      plan: 'pro',
      region: { type: 'smartGroup', code: 'emea' },
      warnings: [],
    });
  });

  it.each([
    ['bad-organization', { name: 'a', organization: 'nobody' }],
    ['bad-region', { name: 'a', region: 'moon-1' }],
    ['bad-name', { name: '' }],
    ['name-taken', { name: 'stranger' }],
  ])('reports %s for %o, and creates nothing', async (code, wanted) => {
    fakeApi.addProject();
    await expect(preflight(http, wanted)).rejects.toMatchObject({ code });
    expect(fakeApi.state.requests.filter((one) => one.method !== 'GET')).toEqual([]);
  });

  it("warns about the free plan's limit", async () => {
    const [organization] = fakeApi.state.organizations;
    if (organization) organization.plan = 'free';
    fakeApi.addProject({ name: 'a' });
    fakeApi.addProject({ name: 'b' });
    expect((await preflight(http, { name: 'c' })).warnings).toHaveLength(1);
  });
});

describe('createProject', () => {
  it('journals the intent, sends the request, then journals the ref', async () => {
    const created = await run();
    expect(created).toMatchObject({ region: 'eu-central-1', settled: 'answered' });
    expect(journal.intents).toHaveLength(1);
    expect(journal.created).toEqual([created]);
    expect(findSecrets({ journal: JSON.stringify(journal) }, [request.password.reveal(), fakeApi.state.token])).toEqual(
      [],
    );
  });

  it.each<[HttpFault, number, string]>([
    ['answer-lost', 1, 'found'],
    ['applied-502', 1, 'found'],
    ['no-answer', 2, 'answered'],
    ['slow-body', 1, 'found'],
    ['reset', 2, 'answered'],
    ['html-500', 2, 'answered'],
    ['html-502', 2, 'answered'],
    ['html-503', 2, 'answered'],
    ['too-many', 2, 'answered'],
    ['too-many-retry-after', 2, 'answered'],
  ])('creates exactly one project through %s (%i requests, %s)', async (fault, posts, settled) => {
    fakeApi.http.add(fault, 'POST /v1/projects');
    const created = await run();
    expect(created.settled).toBe(settled);
    expect(names()).toEqual(['realtymuse']);
    expect(fakeApi.count('POST', '/v1/projects')).toBe(posts);
  });

  it('waits as long as Retry-After says', async () => {
    const sent: number[] = [];
    const watched = createHttp({
      baseUrl: fakeApi.url,
      token: secret(fakeApi.state.token),
      clock,
      onRequest: ({ method }) => void (method === 'POST' && sent.push(clock.now())),
    });
    fakeApi.http.add('too-many-retry-after', 'POST /v1/projects');
    await createProject(watched, request, hooks);
    expect((sent[1] ?? 0) - (sent[0] ?? 0)).toBeGreaterThanOrEqual(7000);
  });

  it.each([[-3 * 3_600_000], [3 * 3_600_000]])(
    'recognizes its project with a clock that is %i ms off',
    async (skew) => {
      fakeApi.state.skewMs = skew;
      fakeApi.http.add('answer-lost', 'POST /v1/projects');
      expect((await run()).settled).toBe('found');
      expect(names()).toEqual(['realtymuse']);
    },
  );

  it("refuses a stranger's project of that name, and sends nothing", async () => {
    fakeApi.addProject({ name: 'realtymuse' });
    await expect(run()).rejects.toMatchObject({ code: 'name-taken' });
    expect(fakeApi.count('POST', '/v1/projects')).toBe(0);
  });

  it("refuses a stranger's project that was created in between", async () => {
    const first = {
      ...hooks,
      onIntent: async (intent: Intent) => void (intent.refused || fakeApi.addProject({ name: 'realtymuse' })),
    };
    await expect(createProject(http, request, first)).rejects.toMatchObject({ code: 'name-taken' });
    expect(journal.created).toEqual([]);
  });

  it("does not use a stranger's project after a rejected request", async () => {
    fakeApi.http.add('too-many', 'POST /v1/projects');
    fakeApi.killAfterRequest(3, () => void fakeApi.addProject({ name: 'realtymuse' }), 'before');
    await expect(run()).rejects.toMatchObject({ code: 'name-taken' });
  });

  it('reports a reached quota, and sends once', async () => {
    fakeApi.http.add('refused-quota', 'POST /v1/projects');
    await expect(run()).rejects.toMatchObject({ code: 'quota-reached' });
    expect(fakeApi.count('POST', '/v1/projects')).toBe(1);
  });

  it('reports a revoked token', async () => {
    fakeApi.killAfterRequest(1, () => {
      fakeApi.state.tokenRevoked = true;
    });
    await expect(run()).rejects.toMatchObject({ code: 'token-refused' });
    expect(names()).toEqual([]);
  });

  it('two concurrent runs create one project', async () => {
    const results = await Promise.allSettled([
      run(),
      createProject(
        http,
        { ...request, password: makePassword() },
        { onIntent: async () => undefined, onRef: async () => undefined },
      ),
    ]);
    expect(results.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(names()).toEqual(['realtymuse']);
  });
});

describe('resuming', () => {
  it('uses the project that the dead run created', async () => {
    const dead = { onIntent: hooks.onIntent, onRef: () => Promise.reject(new Error('killed')) };
    await expect(createProject(http, request, dead)).rejects.toThrow('killed');
    const created = await run(journal.intents[0]);
    expect(created.settled).toBe('found');
    expect(names()).toEqual(['realtymuse']);
    expect(fakeApi.count('POST', '/v1/projects')).toBe(1);
  });

  it('creates it if the dead run did not', async () => {
    let written: Intent | undefined;
    const dead = {
      ...hooks,
      onIntent: (intent: Intent) => {
        written = intent;
        return Promise.reject(new Error('killed'));
      },
    };
    await expect(createProject(http, request, dead)).rejects.toThrow('killed');
    expect((await run(written)).settled).toBe('answered');
    expect(names()).toEqual(['realtymuse']);
    expect(fakeApi.count('POST', '/v1/projects')).toBe(1);
  });

  it("does not use a stranger's project after a refusal", async () => {
    let written: Intent | undefined;
    const first = {
      ...hooks,
      onIntent: async (intent: Intent) => {
        if (!written) fakeApi.addProject({ name: 'realtymuse' });
        written = intent;
      },
    };
    await expect(createProject(http, request, first)).rejects.toMatchObject({ code: 'name-taken' });
    await expect(run(written)).rejects.toMatchObject({ code: 'name-taken' });
    expect(journal.created).toEqual([]);
  });

  it('refuses another password than the one that was sent', async () => {
    await run();
    const other = createProject(http, { ...request, password: makePassword() }, hooks, journal.intents[0]);
    await expect(other).rejects.toMatchObject({ code: 'intent-differs' });
  });
});

describe('isFrom', () => {
  const intent: Intent = {
    name: 'n',
    organization: 'acme',
    region: { type: 'specific', code: 'eu-central-1' },
    at: '2026-06-01T12:00:00.000Z',
    skewMs: 0,
    digest: '',
    before: ['old'],
  };
  const project = {
    ref: 'new',
    name: 'n',
    organization_slug: 'acme',
    organization_id: 'acme',
    region: 'eu-central-1',
    status: 'UNKNOWN',
    created_at: '2026-06-01T12:00:05Z',
  };
  it.each([
    ['itself', {}, true],
    ['another name', { name: 'm' }, false],
    ['another organization', { organization_slug: 'other' }, false],
    ['another region', { region: 'us-east-1' }, false],
    ['one that was there before', { ref: 'old' }, false],
    ['one made an hour earlier', { created_at: '2026-06-01T11:00:00Z' }, false],
    ['one made an hour later', { created_at: '2026-06-01T13:00:00Z' }, false],
  ])('%s', (_, change, expected) => {
    expect(isFrom(intent, { ...project, ...change })).toBe(expected);
  });
});
