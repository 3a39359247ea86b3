import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listOrganizations, postProject, runQuery } from '../../src/supabase/api.ts';
import {
  type AnswerRecord,
  createHttp,
  type HttpOptions,
  rateLimitPause,
  redactBody,
  redactText,
  type RequestRecord,
  retryAfter,
} from '../../src/supabase/http.ts';
import { secret } from '../../src/supabase/secret.ts';
import { fastClock } from '../support/fast-clock.ts';
import { findSecrets } from '../support/find-secrets.ts';
import type { HttpFault } from '../support/fake-api/faults.ts';
import { startFakeApi, type FakeApi } from '../support/fake-api/fake-api.ts';

let fakeApi: FakeApi;
beforeAll(async () => {
  // No request of this file reaches a project's database.
  fakeApi = await startFakeApi(
    { host: '127.0.0.1', port: 1, user: 'nobody', password: '', postgresPassword: '' },
    'none',
  );
});
afterAll(() => fakeApi.close());

function open(options: Partial<HttpOptions> = {}) {
  const clock = fastClock();
  return { clock, http: createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock, ...options }) };
}
const body = { db_pass: 'a-password-that-nobody-sees', name: 'one', organization_slug: 'acme' };

describe('a read', () => {
  it.each<[HttpFault, Partial<HttpOptions>]>([
    ['too-many', {}],
    ['too-many-retry-after', {}],
    ['html-500', {}],
    ['html-502', {}],
    ['html-503', {}],
    ['reset', {}],
    ['answer-lost', {}],
    ['no-answer', { timeoutMs: 100 }],
    ['slow-body', { timeoutMs: 100 }],
  ])('succeeds despite %s', async (fault, options) => {
    fakeApi.http.add(fault, 'GET /v1/organizations', 2);
    const before = fakeApi.state.requests.length;
    const { http, clock } = open(options);
    expect(await listOrganizations(http)).toHaveLength(1);
    expect(fakeApi.state.requests.length - before).toBe(3);
    expect(clock.slept).toHaveLength(2);
  });

  it('waits as long as Retry-After says', async () => {
    fakeApi.http.add('too-many-retry-after', 'GET /v1/organizations');
    const { http, clock } = open();
    await listOrganizations(http);
    expect(clock.slept).toEqual([7000]);
  });

  it.each<[HttpFault, string]>([
    ['html-502', 'api-failed'],
    ['reset', 'answer-lost'],
    ['too-many', 'rate-limited'],
  ])('finally gives up on %s, with %s', async (fault, code) => {
    fakeApi.http.add(fault, 'GET /v1/organizations', 3);
    await expect(listOrganizations(open({ tries: 3 }).http)).rejects.toMatchObject({ code });
  });

  it('waits if the headers say that the rate limit is used up', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '40' };
    const { http, clock } = open({ fetch: async () => Response.json([], { headers }) });
    await listOrganizations(http);
    expect(clock.slept).toEqual([]);
    await listOrganizations(http);
    expect(clock.slept[0]).toBeGreaterThan(39_000);
  });

  it('reports an unreachable API', async () => {
    const closed = await startFakeApi(
      { host: '127.0.0.1', port: 1, user: 'nobody', password: '', postgresPassword: '' },
      'none',
    );
    await closed.close();
    const { http } = open({ baseUrl: closed.url, tries: 2 });
    await expect(listOrganizations(http)).rejects.toMatchObject({ code: 'api-unreachable' });
    const lost = open({ baseUrl: 'https://api.invalid', tries: 2 });
    await expect(listOrganizations(lost.http)).rejects.toMatchObject({ code: 'api-unreachable' });
  });

  it('does not retry what the token does not allow', async () => {
    const { http, clock } = open({ token: secret(`sbp_${'0'.repeat(40)}`) });
    await expect(listOrganizations(http)).rejects.toMatchObject({ code: 'token-refused' });
    expect(clock.slept).toEqual([]);
  });
});

describe('a write that must not happen twice', () => {
  it.each<[HttpFault, string]>([
    ['html-502', 'api-failed'],
    ['reset', 'answer-lost'],
    ['no-answer', 'answer-lost'],
    ['too-many', 'rate-limited'],
  ])('is sent once through %s', async (fault, code) => {
    const { http } = open({ timeoutMs: 100 });
    fakeApi.http.add(fault, 'POST /v1/projects');
    const before = fakeApi.count('POST', '/v1/projects');
    const sent = http({ method: 'POST', path: '/v1/projects', body, retry: 'never' });
    await expect(sent).rejects.toMatchObject({ code });
    expect(fakeApi.count('POST', '/v1/projects') - before).toBe(1);
  });

  it('is sent again only if it was rejected', async () => {
    const project = fakeApi.addProject();
    fakeApi.http.add('too-many', 'POST /v1/projects/{ref}/database/query');
    fakeApi.http.add('html-502', 'POST /v1/projects/{ref}/database/query', 1, 0);
    const { http } = open();
    await expect(runQuery(http, project.ref, { query: 'select 1' })).rejects.toMatchObject({ code: 'api-failed' });
    expect(fakeApi.count('POST', '/v1/projects/{ref}/database/query')).toBe(2);
  });
});

describe('output', () => {
  it('records every request and answer without secrets', async () => {
    const records: (RequestRecord | AnswerRecord)[] = [];
    const { http } = open({
      onRequest: (record) => void records.push(record),
      onAnswer: (record) => void records.push(record),
    });
    await postProject(http, { ...body, name: 'recorded' });
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({
      method: 'POST',
      path: '/v1/projects',
      status: 201,
      body: { name: 'recorded', db_pass: '***' },
    });
    expect(findSecrets({ records: JSON.stringify(records) }, [body.db_pass, fakeApi.state.token])).toEqual([]);
  });

  it('removes secrets that the API echoes', async () => {
    const { http } = open();
    const sent = http({
      method: 'POST',
      path: '/v1/projects',
      body: { ...body, name: 7, organization_slug: `no ${body.db_pass}` },
    });
    const error: unknown = await sent.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'api-refused' });
    expect(findSecrets({ message: String((error as Error).message) }, [body.db_pass])).toEqual([]);
  });

  it.each([
    [
      { query: "alter role x password 'y'", parameters: ['y'] },
      { query: '***', parameters: '***' },
    ],
    [{ deep: [{ api_key: 'k', name: 'n' }] }, { deep: [{ api_key: '***', name: 'n' }] }],
  ])('hides secret fields: %o', (given, shown) => {
    expect(redactBody(given)).toEqual(shown);
  });

  it('hides everything that looks like a token', () => {
    expect(redactText(`with sbp_${'a'.repeat(40)} and sb_secret_abcdefghij`)).toBe('with *** and ***');
  });
});

describe('limits', () => {
  const clock = { ...fastClock(), now: () => Date.UTC(2026, 5, 1) };
  const later = new Date(clock.now() + 9000).toUTCString();
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': later }, 9000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '86400' }, Infinity],
    // The server's clock is an hour ahead of ours.
    [
      {
        'retry-after': new Date(clock.now() + 3_605_000).toUTCString(),
        date: new Date(clock.now() + 3_600_000).toUTCString(),
      },
      5000,
    ],
  ])('Retry-After %o', (headers, ms) => {
    expect(retryAfter(new Headers(headers), clock)).toBe(ms);
  });

  it.each<[Record<string, string>, number]>([
    [{}, 0],
    [{ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '30' }, 0],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }, 30_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(clock.now() / 1000 + 12) }, 12_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4000' }, 60_000],
  ])('X-RateLimit %o', (headers, ms) => {
    expect(rateLimitPause(new Headers(headers), clock)).toBe(ms);
  });
});
