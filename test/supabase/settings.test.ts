import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePassword, secret } from '../../src/supabase/secret.ts';
import { isLoopback, readSettings } from '../../src/supabase/settings.ts';

const token = `sbp_${'0123456789abcdef'.repeat(3).slice(0, 40)}`;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'settings-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('readSettings', () => {
  it('uses the cloud by default', async () => {
    const settings = await readSettings({ SUPABASE_ACCESS_TOKEN: token }, home);
    expect(settings.apiUrl).toBe('https://api.supabase.com');
    expect(settings.projectUrl('abc')).toBe('https://abc.supabase.co');
    expect(settings.token.reveal()).toBe(token);
  });

  it('uses the token that the CLI stored in its own file', async () => {
    const other = await mkdtemp(join(tmpdir(), 'settings-'));
    await mkdir(join(other, '.supabase'));
    await writeFile(join(other, '.supabase', 'access-token'), `${token}\n`);
    expect((await readSettings({}, other)).token.reveal()).toBe(token);
    await rm(other, { recursive: true });
  });

  it.each([
    ['yaml', 'name: p\napi_url: https://api.example.com\nproject_host: example.com\npooler_host: pool.example.com\n'],
    [
      'toml',
      '# mine\nname = "p"\napi_url = "https://api.example.com" # base\nproject_host = \'example.com\'\npooler_host = "pool.example.com"\n',
    ],
    [
      'json',
      '{"name":"p","api_url":"https://api.example.com","project_host":"example.com","pooler_host":"pool.example.com"}',
    ],
  ])('reads a profile file in %s', async (extension, text) => {
    const file = join(home, `profile.${extension}`);
    await writeFile(file, text);
    const settings = await readSettings({ SUPABASE_ACCESS_TOKEN: token, SUPABASE_PROFILE: file }, home);
    expect(settings).toMatchObject({
      apiUrl: 'https://api.example.com',
      projectHost: 'example.com',
      poolerHost: 'pool.example.com',
    });
    expect(settings.projectUrl('abc')).toBe('https://abc.example.com');
  });

  it.each<[string, Record<string, string>]>([
    ['bad-token-missing', {}],
    ['bad-token', { SUPABASE_ACCESS_TOKEN: 'sb_secret_abcdefghijklmnop' }],
    ['bad-token', { SUPABASE_ACCESS_TOKEN: token.slice(0, -1) }],
    ['bad-profile', { SUPABASE_ACCESS_TOKEN: token, SUPABASE_PROFILE: '/nowhere/profile.yaml' }],
    ['bad-url', { SUPABASE_ACCESS_TOKEN: token, SUPABASE_API_URL: 'http://api.example.com' }],
    ['bad-url', { SUPABASE_ACCESS_TOKEN: token, SUPABASE_API_URL: 'nonsense' }],
    ['bad-url', { SUPABASE_ACCESS_TOKEN: token, SUPABASE_PROJECT_URL: 'http://{ref}.example.com' }],
  ])('refuses with %s: %o', async (code, env) => {
    const error = await readSettings(env, home).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code });
    expect(inspect(error)).not.toContain(env['SUPABASE_ACCESS_TOKEN'] ?? 'no token');
  });
});

describe('secret', () => {
  it('is revealed only by an explicit call', () => {
    const hidden = secret('correct-horse');
    const shown = [
      String(hidden),
      JSON.stringify({ hidden }),
      inspect({ hidden }, { depth: 9, showHidden: true }),
      `${hidden.toString()}`,
    ];
    for (const text of shown) expect(text).not.toContain('correct-horse');
    expect(hidden.reveal()).toBe('correct-horse');
  });
});

describe('makePassword', () => {
  it('is long, needs no escaping, and is different each time', () => {
    const passwords = Array.from({ length: 200 }, () => makePassword().reveal());
    expect(new Set(passwords).size).toBe(200);
    for (const password of passwords) expect(password).toMatch(/^[A-Za-z][A-Za-z0-9]{31}$/);
    expect(makePassword(3).reveal()).toHaveLength(24);
  });
});

it.each([
  ['localhost', true],
  ['db.abc.localhost', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['10.0.0.1', false],
])('isLoopback(%s) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
