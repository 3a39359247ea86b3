import { request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DatabaseError } from '../../src/database/database.ts';
import { readBody } from '../../src/dev/body.ts';
import { ApiError } from '../../src/dev/errors.ts';
import { createHttp, type Http, jsonAnswer } from '../../src/dev/http.ts';
import { createKeys, generateKeys, type KeptKeys } from '../../src/dev/keys.ts';
import type { DevAnswer, DevPart, DevRequest } from '../../src/dev/service.ts';
import { MuseError } from '../../src/shared/error.ts';

let keys: KeptKeys;
let others: KeptKeys;
let http: Http;
let url: string;
const gone: string[] = [];

/** Says what it was asked; its paths make it fail in every way. */
const echo: DevPart = {
  async handle({ method, path, query, identity, token, body, signal }: DevRequest): Promise<DevAnswer> {
    if (path === '/refused')
      throw new ApiError(406, { code: 'PGRST106', message: 'no' }, { headers: { 'x-why': 'so' } });
    if (path === '/database') throw new DatabaseError({ code: 'XX000', message: 'broken' });
    if (path === '/late') throw new DatabaseError({ code: '57014', message: 'too late' });
    if (path === '/muse')
      throw new MuseError({ code: 'disk-full', message: 'The disk is full.', suggestion: 'Free some.' });
    if (path === '/bug') throw new TypeError('a bug');
    if (path === '/stream') return { status: 200, body: Readable.from(['a', 'b']) };
    if (path === '/long') return { status: 200, body: String((await readBody(body, 10)).length) };
    if (path === '/unread') return { status: 403, body: 'no' };
    if (path === '/waits')
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(gone.push('left') as never)));
    return jsonAnswer(200, {
      method,
      path,
      query: String(query),
      role: identity.role,
      sub: identity.claims['sub'],
      token: token !== undefined,
    });
  },
};

beforeAll(async () => {
  keys = await createKeys(await generateKeys());
  others = await createKeys(await generateKeys());
  http = await createHttp({
    keys,
    routes: Promise.resolve([
      { prefix: '/rest/v1', part: echo, badToken: (error) => error },
      { prefix: '/auth/v1', part: echo, open: (path) => path === '/verify' },
      { prefix: '/_muse', part: echo, local: true },
    ]),
  });
  url = `http://127.0.0.1:${await http.listen(0)}`;
});

afterAll(() => http.close());

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;
const signed = (claims: object, by = keys): Promise<string> =>
  by.sign({ sub: 'me', role: 'authenticated', exp: inAnHour(), ...claims });

async function ask(
  path: string,
  headers: Record<string, string> = {},
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown> | string; headers: Headers }> {
  const response = await fetch(url + path, { ...init, headers });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text, headers: response.headers };
}

describe('who a request acts as', () => {
  const apikey = (): Record<string, string> => ({ apikey: keys.publishable });
  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>, object]>([
    ['the publishable key', apikey, { role: 'anon', token: false }],
    ['the secret key', () => ({ apikey: keys.secret }), { role: 'service_role', token: false }],
    [
      'the anon token',
      () => ({ apikey: keys.anonToken, authorization: `Bearer ${keys.anonToken}` }),
      { role: 'anon', token: false },
    ],
    ['the service token', () => ({ apikey: keys.serviceToken }), { role: 'service_role' }],
    [
      'the key as bearer too',
      () => ({ ...apikey(), authorization: `Bearer ${keys.publishable}` }),
      { role: 'anon', token: false },
    ],
    [
      'a user',
      async () => ({ ...apikey(), authorization: `Bearer ${await signed({})}` }),
      { role: 'authenticated', sub: 'me', token: true },
    ],
    [
      'a token without a role',
      async () => ({ ...apikey(), authorization: `bearer ${await signed({ role: undefined })}` }),
      { role: 'anon', token: true },
    ],
  ])('%s', async (_, headers, expected) => {
    expect(await ask('/rest/v1/todos', await headers())).toMatchObject({ status: 200, body: expected });
  });

  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>, object]>([
    [
      'no key',
      () => ({}),
      { message: 'No API key found in request', hint: 'No `apikey` request header or url param was found.' },
    ],
    ['another key', () => ({ apikey: 'sb_secret_guess' }), { message: 'Invalid API key' }],
    ["another server's key", () => ({ apikey: others.anonToken }), { message: 'Invalid API key' }],
    [
      "another server's token",
      async () => ({ ...apikey(), authorization: `Bearer ${await signed({}, others)}` }),
      { code: 'PGRST301', message: 'No suitable key or wrong key type' },
    ],
    [
      'an expired token',
      async () => ({ ...apikey(), authorization: `Bearer ${await signed({ exp: 1 })}` }),
      { code: 'PGRST303', message: 'JWT expired' },
    ],
    [
      'no token at all',
      () => ({ ...apikey(), authorization: 'Bearer abc' }),
      { code: 'PGRST301', message: 'Expected 3 parts in JWT; got 1' },
    ],
    [
      'a role that nobody may have',
      async () => ({ ...apikey(), authorization: `Bearer ${await signed({ role: 'postgres' })}` }),
      { code: 'PGRST303' },
    ],
    [
      'an unsigned token',
      () => ({ ...apikey(), authorization: `Bearer ${unsigned({ role: 'service_role' })}` }),
      { code: 'PGRST301' },
    ],
  ])('refuses %s', async (_, headers, body) => {
    expect(await ask('/rest/v1/todos', await headers())).toMatchObject({ status: 401, body });
  });

  it('knows a verified token until it expires', async () => {
    const headers = { ...apikey(), authorization: `Bearer ${await signed({})}` };
    expect((await ask('/rest/v1/', headers)).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 });
    try {
      expect(await ask('/rest/v1/', headers)).toMatchObject({ status: 401, body: { code: 'PGRST303' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets a service that looks at tokens itself do so', async () => {
    const answer = await ask('/auth/v1/user', { ...apikey(), authorization: 'Bearer abc' });
    expect(answer).toMatchObject({ status: 200, body: { role: 'anon', token: true } });
  });

  it('needs no key where the gateway needs none', async () => {
    expect((await ask('/auth/v1/verify?token=x')).status).toBe(200);
    expect((await ask('/auth/v1/verify/more')).status).toBe(401);
  });
});

describe('paths', () => {
  it.each([
    ['/rest/v1', '/', ''],
    ['/rest/v1/', '/', ''],
    ['/rest/v1/a%20b/..%2F?x=1&apikey=KEY&y=%26', '/a%20b/..%2F', 'x=1&y=%26'],
  ])('%s', async (path, below, query) => {
    const answer = await ask(path.replace('KEY', keys.publishable), { apikey: keys.publishable });
    expect(answer.body).toMatchObject({ path: below, query });
  });

  it.each([
    ['/', 404, 'no Route matched with those values'],
    ['/rest/v12', 404, 'no Route matched with those values'],
    ['/functions/v1/hello', 501, 'muse dev does not serve /functions/v1.'],
    ['/graphql/v1', 501, 'muse dev does not serve /graphql/v1.'],
  ])('%s is not there', async (path, status, message) => {
    expect(await ask(path, { apikey: keys.publishable })).toMatchObject({ status, body: { message } });
  });
});

describe('answers', () => {
  it.each<[string, number, object | string]>([
    ['/refused', 406, { code: 'PGRST106', message: 'no' }],
    ['/database', 500, { code: 'XX000', message: 'broken' }],
    ['/late', 504, { code: '57014', message: 'too late' }],
    ['/muse', 500, { code: 'disk-full', message: 'The disk is full.', hint: 'Free some.' }],
    ['/bug', 500, { message: 'Something unexpected went wrong: a bug' }],
    ['/stream', 200, 'ab'],
  ])('%s', async (path, status, body) => {
    const answer = await ask(`/rest/v1${path}`, { apikey: keys.publishable });
    expect(answer.status).toBe(status);
    if (typeof body === 'string') expect(answer.body).toBe(body);
    else expect(answer.body).toMatchObject(body);
  });

  it('has no body for HEAD, and its length', async () => {
    const { body, headers } = await ask('/rest/v1/todos', { apikey: keys.publishable }, { method: 'HEAD' });
    expect([body, headers.get('content-type')]).toEqual(['', 'application/json; charset=utf-8']);
  });

  it.each([
    ['/long', 413],
    ['/unread', 403],
  ])('%s: the connection stays after a body that is not read', async (path, status) => {
    const init = { method: 'POST', body: 'x'.repeat(1_000_000) };
    expect((await ask(`/rest/v1${path}`, { apikey: keys.publishable }, init)).status).toBe(status);
    expect((await ask('/rest/v1/todos', { apikey: keys.publishable })).status).toBe(200);
  });

  it('keeps an idle connection for a minute', async () => {
    expect((await ask('/rest/v1/todos', { apikey: keys.publishable })).headers.get('keep-alive')).toBe('timeout=60');
  });

  it('allows every page, as Supabase does', async () => {
    const asked = { origin: 'https://app.example', 'access-control-request-headers': 'apikey,x-client-info' };
    const { status, headers } = await ask('/rest/v1/todos', asked, { method: 'OPTIONS' });
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-headers')]).toEqual([
      204,
      '*',
      'apikey,x-client-info',
    ]);
    expect((await ask('/rest/v1/todos')).headers.get('access-control-allow-origin')).toBe('*');
  });

  it('tells the service when the client is gone', async () => {
    const client = new AbortController();
    const asking = ask('/rest/v1/waits', { apikey: keys.publishable }, { signal: client.signal });
    setTimeout(() => client.abort(), 50);
    await expect(asking).rejects.toThrow(/abort/);
    await expect.poll(() => gone).toEqual(['left']);
  });
});

describe('the dashboard', () => {
  const from = (host: string): Promise<{ status: number; cors: string | undefined }> =>
    new Promise((resolve, reject) => {
      request(`${url}/_muse/`, { headers: { host } }, (response) => {
        response.resume();
        resolve({ status: response.statusCode!, cors: response.headers['access-control-allow-origin'] });
      })
        .on('error', reject)
        .end();
    });

  it.each([
    ['127.0.0.1:54321', 200],
    ['localhost', 200],
    ['[::1]:1', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost@evil.example', 403],
  ])('by the host %s: %d, never for other pages', async (host, status) => {
    expect(await from(host)).toEqual({ status, cors: undefined });
  });
});

describe('the log', () => {
  it('has who, what and how long, and no secret', async () => {
    const token = await signed({ sub: 'logged' });
    await ask(`/rest/v1/todos?select=id&password=eq.hunter2&apikey=${keys.publishable}`, {
      authorization: `Bearer ${token}`,
    });
    await expect
      .poll(() => http.log.entries().at(-1))
      .toMatchObject({
        method: 'GET',
        path: '/rest/v1/todos?select=id&password=…',
        status: 200,
        role: 'authenticated',
        user: 'logged',
      });
    const text = JSON.stringify(http.log.entries());
    for (const secret of [keys.publishable, keys.secret, token, 'hunter2']) expect(text).not.toContain(secret);
  });
});

function unsigned(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
