import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseError } from '../../../src/database/database.ts';
import { openEmbedded, type EmbeddedDatabase } from '../../../src/database/embedded/embedded.ts';
import { engineVersion } from '../../../src/database/embedded/version.ts';
import { isWhole } from '../../support/sample.ts';

let database: EmbeddedDatabase;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

it('is the version that package.json pins, and PostgreSQL 17', async () => {
  const pinned = createRequire(import.meta.url)('../../../package.json') as { dependencies: Record<string, string> };
  expect(pinned.dependencies['@electric-sql/pglite']).toBe(engineVersion);
  const { rows } = await database.query<{ version: string }>('show server_version_num');
  expect(rows).toEqual([{ server_version_num: expect.stringMatching(/^17/) as string }]);
});

describe('the session is postgres, not a superuser, and nothing makes it one', () => {
  it.each([
    'set session authorization supabase_admin',
    'set role supabase_admin',
    'set role supabase_auth_admin',
    `select set_config('session_authorization', 'supabase_admin', false)`,
    `select set_config('role', 'supabase_admin', false)`,
    `do $$ begin execute 'set session authorization supabase_admin'; end $$`,
    'alter role postgres superuser',
    'create role root superuser',
    'grant supabase_admin to postgres',
    "alter role supabase_admin password 'x'",
    `update pg_authid set rolsuper = true`,
    `copy (select 1) to '/tmp/x'`,
    `select pg_read_file('/etc/hostname')`,
    "create function public.f() returns int language internal as 'int4in'",
    'alter system set fsync = on',
    'create table auth.mine ()',
    'create table storage.mine ()',
    "create function realtime.mine() returns int language sql as 'select 1'",
  ])('%s', async (sql) => {
    await expect(database.query(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it.each([
    'reset role',
    'reset session authorization',
    'set session authorization default',
    'discard all',
    'reset all',
    'set role none',
  ])('%s does not change that', async (sql) => {
    await database.query(sql);
    const { rows } = await database.query(
      "select current_user as now, session_user as session, current_setting('is_superuser') as super",
    );
    expect(rows).toEqual([{ now: 'postgres', session: 'postgres', super: 'off' }]);
  });

  it('returns from a role with RESET ROLE, and to no other role', async () => {
    await database.script('set role anon; reset role;');
    await database.query('set role authenticated');
    await expect(database.query('create table public.no ()')).rejects.toMatchObject({ code: '42501' });
    await database.query('reset role');
  });

  it('is the superuser on request', async () => {
    const admin = await openEmbedded({ owner: 'supabase_admin' });
    expect((await admin.query('show is_superuser')).rows).toEqual([{ is_superuser: 'on' }]);
    await admin.close();
  });
});

describe('the end of a session', () => {
  it('a statement that takes too long is stopped with an error that says so', async () => {
    const slow = await openEmbedded({ timeoutMs: 300 });
    await slow.query('select 1');
    await expect(slow.query('do $$ begin loop end loop; end $$')).rejects.toMatchObject({ code: 'statement-timeout' });
    await expect(slow.query('select 1')).rejects.toMatchObject({ code: 'statement-timeout' });
    await slow.close();
  });
  it('an abort stops an endless loop', async () => {
    const controller = new AbortController();
    const loop = await openEmbedded({ signal: controller.signal });
    const ended = expect(loop.script('do $$ begin loop end loop; end $$')).rejects.toMatchObject({ code: 'cancelled' });
    controller.abort();
    await ended;
    await expect(openEmbedded({ signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });
  it('closing it twice', async () => {
    const closed = await openEmbedded();
    await closed.close();
    await closed.close();
    await expect(closed.query('select 1')).rejects.toMatchObject({ code: 'database-closed' });
  });
  it('a backend that ends itself is an error of one line, without source code', async () => {
    const broken = await openEmbedded();
    const error = await broken.query('select pg_terminate_backend(pg_backend_pid())').then(
      () => broken.query('select 1').catch((failure: unknown) => failure),
      (failure: unknown) => failure,
    );
    expect(String((error as { detail?: string } | undefined)?.detail ?? '').length).toBeLessThan(600);
    await broken.close();
  });
});

describe('COPY FROM STDIN, of which nobody sends the data', () => {
  beforeAll(() => database.query('create table public.copied (a int)'));

  it.each<[string, () => Promise<unknown>]>([
    ['a script', () => database.script('copy public.copied from stdin')],
    [
      'a script with more',
      () => database.script('insert into public.copied values (1); copy public.copied from stdin'),
    ],
    ['a query', () => database.query('COPY public.copied FROM STDIN')],
    ['a transaction', () => database.transaction((session) => session.query('copy public.copied from stdin'))],
  ])('is refused in %s, and the engine continues', async (_, run) => {
    const error = await run().catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: '57014', message: 'COPY from stdin failed: nobody sends data here' });
    expect((error as DatabaseError).told()).toMatchObject({ message: 'COPY … FROM STDIN gets no data here.' });
    expect((await database.query('select count(*)::int as rows from public.copied')).rows).toEqual([{ rows: 0 }]);
  });
});

it.each([
  'pgcrypto',
  'uuid-ossp',
  'pg_trgm',
  'citext',
  'hstore',
  'vector',
  'pgtap',
  'unaccent',
  'ltree',
  'btree_gist',
  'postgres_fdw',
])('the real extension %s works for postgres', async (extension) => {
  await database.query(`create extension if not exists "${extension}" with schema extensions`);
});

it('an extension that Supabase does not offer is not available', async () => {
  await expect(database.query('create extension pg_ivm')).rejects.toMatchObject({ code: '0A000' });
});

describe('the cache', () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(join(tmpdir(), 'create-muse-cache-'));
  });
  afterAll(() => rmSync(cache, { recursive: true, force: true }));
  const works = async (cacheDirectory: string): Promise<void> => {
    const opened = await openEmbedded({ cacheDirectory });
    expect((await opened.query('select auth.uid() as id')).rows).toEqual([{ id: null }]);
    await opened.close();
  };
  const files = (): string[] => readdirSync(cache).map((name) => join(cache, name));

  // What two do at once, and what happens to files that are damaged or cannot be written, is tested of smaller ones in `pack.test.ts`.
  it('is created, and used by the next', async () => {
    await Promise.all(Array.from({ length: isWhole ? 2 : 1 }, () => works(cache)));
    expect(files()).toHaveLength(2);
    const before = files().map((file) => statSync(file).mtimeMs);
    await works(cache);
    expect(files().map((file) => statSync(file).mtimeMs)).toEqual(before);
  });
  it.runIf(isWhole)('is recreated if a file is truncated or a byte is wrong', async () => {
    const [baseline, extensions] = files().sort() as [string, string];
    const good = readFileSync(baseline);
    truncateSync(baseline, 1_000_000);
    const bytes = readFileSync(extensions);
    bytes[bytes.length - 10]! ^= 1;
    writeFileSync(extensions, bytes);
    await works(cache);
    expect(readFileSync(baseline).length).toBe(good.length);
    expect(readFileSync(extensions)[bytes.length - 10]).toBe(bytes[bytes.length - 10]! ^ 1);
  });
  it.runIf(isWhole)('is not used if it cannot be written', async () => {
    const file = join(cache, 'a file');
    writeFileSync(file, '');
    await works(join(file, 'below'));
  });
});
