import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platformPresent, installPlatform } from '../../../src/database/platform/install.ts';
import type { Database } from '../../../src/database/database.ts';
import { openPostgres } from '../../../src/database/postgres/postgres.ts';
import { openBoth, type BothKinds } from '../../support/databases.ts';
import { startNative, type Native } from '../../support/native.ts';

let both: BothKinds;
let native: Native;
beforeAll(async () => {
  [both, native] = await Promise.all([openBoth(), startNative()]);
});
afterAll(async () => {
  await both.close();
  await native.stop();
});

describe.each(['embedded', 'postgres'] as const)('the baseline on %s', (kind) => {
  const one = async (sql: string): Promise<unknown> => (await both[kind].query<{ value: unknown }>(sql)).rows[0]?.value;

  it.each([
    [
      `select string_agg(rolname, ' ' order by rolname) as value from pg_roles where rolname in ('anon', 'authenticated', 'service_role') and not rolcanlogin and not rolsuper`,
      'anon authenticated service_role',
    ],
    [`select rolbypassrls as value from pg_roles where rolname = 'service_role'`, true],
    [`select rolinherit as value from pg_roles where rolname = 'authenticator'`, false],
    [
      `select count(*)::int as value from pg_auth_members m where m.member = 'authenticator'::regrole and m.roleid in ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)`,
      3,
    ],
    [
      `select count(*)::int as value from pg_db_role_setting where setdatabase in (select oid from pg_database where datname = current_database()) and setrole = 'anon'::regrole and 'statement_timeout=3s' = any (setconfig)`,
      1,
    ],
    [`select count(*)::int as value from pg_default_acl`, 0],
    [`select relowner::regrole::text as value from pg_class where oid = 'auth.users'::regclass`, 'supabase_auth_admin'],
    [
      `select relowner::regrole::text as value from pg_class where oid = 'storage.objects'::regclass`,
      'supabase_storage_admin',
    ],
    [
      `select bool_and(relrowsecurity) as value from pg_class where relnamespace in ('auth'::regnamespace, 'storage'::regnamespace) and relkind = 'r'`,
      true,
    ],
    [`select count(*)::int as value from pg_publication where pubname = 'supabase_realtime'`, 1],
    [`select length(extensions.uuid_generate_v4()::text) as value`, 36],
    [`select crypt('a', gen_salt('bf')) like '$2%' as value`, true],
    [`select storage.foldername('a/b/c.tar.gz') as value`, ['a', 'b']],
    [`select storage.filename('a/b/c.png') as value`, 'c.png'],
    [`select storage.extension('a/b.tar.gz') as value`, 'gz'],
    [`select auth.uid() as value`, null],
    [`select auth.jwt() as value`, null],
  ])('%s', async (sql, expected) => expect(await one(sql)).toEqual(expected));

  it.each([
    [
      `set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-000000000001", "role": "authenticated", "email": "a@b"}', true)`,
    ],
    [
      `set_config('request.jwt.claim.sub', '00000000-0000-4000-8000-000000000001', true), set_config('request.jwt.claim.role', 'authenticated', true), set_config('request.jwt.claim.email', 'a@b', true)`,
    ],
  ])('auth.uid() and similar functions read %s', async (set) => {
    await both[kind].transaction(async (session) => {
      await session.query(`select ${set}`);
      const { rows } = await session.query('select auth.uid() as id, auth.role() as role, auth.email() as email');
      expect(rows).toEqual([{ id: '00000000-0000-4000-8000-000000000001', role: 'authenticated', email: 'a@b' }]);
    });
  });

  it('grants no one a new table in public', async () => {
    await both[kind].query('create table public.bare (a int)');
    for (const role of ['anon', 'authenticated', 'service_role']) {
      expect(await one(`select has_table_privilege('${role}', 'public.bare', 'select') as value`), role).toBe(false);
    }
  });

  it('protects stored objects from DELETE until told otherwise', async () => {
    await expect(both[kind].query('delete from storage.objects')).rejects.toMatchObject({ code: '42501' });
    await both[kind].transaction(async (session) => {
      await session.query(`select set_config('storage.allow_delete_query', 'true', true)`);
      await session.query('delete from storage.objects');
    });
  });

  it('lists what is in a bucket, folder by folder', async () => {
    await both[kind].script(`insert into storage.buckets (id, name) values ('docs', 'docs');
      insert into storage.objects (bucket_id, name) values ('docs', 'a/1.txt'), ('docs', 'a/2.txt'), ('docs', 'top.txt')`);
    const list = async (prefix: string, level: number): Promise<string[]> =>
      (
        await both[kind].query<{ name: string }>('select name from storage.search($1, $2, 10, $3)', [
          prefix,
          'docs',
          level,
        ])
      ).rows.map(({ name }) => name);
    expect(await list('', 1)).toEqual(['a', 'top.txt']);
    expect(await list('a/', 2)).toEqual(['1.txt', '2.txt']);
  });
});

describe('postgres on the embedded database, as on Supabase,', () => {
  it.each([
    'create policy own on storage.objects for select to authenticated using (owner = auth.uid())',
    'drop policy own on storage.objects',
    'create function public.made() returns trigger language plpgsql as $$ begin return new; end $$',
    'create trigger made after insert on auth.users for each row execute function public.made()',
    'drop trigger made on auth.users',
    'alter publication supabase_realtime add table public.bare',
    'set session_replication_role = replica',
    'reset session_replication_role',
    'create schema extra',
    'create role app',
    'grant authenticated to app',
    'grant select on auth.users to authenticated',
    'create function extensions.own() returns int language sql as $$ select 1 $$',
    'begin; drop extension pg_graphql; drop extension if exists "uuid-ossp", pgcrypto; rollback',
  ])('may: %s', async (sql) => {
    await both.embedded.script(sql);
  });
  // The only difference: the snapshot has no template database, because a muse needs only one database.
  it('cannot create another database', async () => {
    await expect(both.embedded.query('create database other')).rejects.toThrow(
      'template database "template1" does not exist',
    );
  });
  it.each([
    ['alter table storage.objects enable row level security', 'must be owner of table objects'],
    ['alter table auth.users add column x int', 'must be owner of table users'],
    ['drop table auth.users cascade', 'must be owner of table users'],
    ['alter function auth.uid() volatile', 'must be owner of function'],
    ['drop function auth.uid() cascade', 'must be owner of function'],
    ['create table auth.mine (a int)', 'permission denied for schema auth'],
    ['drop schema storage cascade', 'must be owner of schema storage'],
    [
      'drop trigger protect_objects_delete on storage.objects; drop event trigger guard_service_tables',
      'cannot insert multiple',
    ],
    ['drop event trigger guard_service_tables', 'must be owner of event trigger'],
    ["comment on extension pgcrypto is 'x'", 'must be owner of extension pgcrypto'],
    ['drop extension plpgsql', 'must be owner of extension plpgsql'],
  ])('may not: %s', async (sql, message) => {
    await expect(both.embedded.query(sql)).rejects.toThrow(message);
  });
});

describe("what is part of a service's table is its owner's", () => {
  const part = `create function public.noted() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger made after insert on auth.users for each row execute function public.noted();
    create policy own on storage.objects for select to authenticated using (false);`;
  it.each([
    ["comment on trigger made on auth.users is 'x'", 'must be owner of relation users'],
    ["comment on policy own on storage.objects is 'x'", 'must be owner of relation objects'],
    ['alter trigger made on auth.users rename to other', 'must be owner of relation users'],
    ['create rule also as on insert to storage.objects do also nothing', 'must be owner of relation objects'],
    ['create statistics public.some on id, email from auth.users', 'must be owner of'],
    ['alter publication supabase_realtime add table auth.users', 'must be owner of relation users'],
    ['alter policy own on storage.objects using (true)', undefined],
    ['drop policy own on storage.objects; drop trigger made on auth.users', undefined],
    ["comment on function public.noted() is 'x'", undefined],
  ])('%s', async (sql, message) => {
    const run = both.embedded.script(`begin; ${part} ${sql};`);
    await (message === undefined ? run : expect(run).rejects.toThrow(message));
    await both.embedded.script('rollback');
  });
});

describe('installPlatform', () => {
  const open = async (name: string): Promise<Database> => openPostgres({ url: await native.createDatabase(name) });

  it('does nothing the second time, and names the extensions that the server lacks', async () => {
    const again = await installPlatform(both.postgres);
    expect(again.installed).toBe(false);
    expect(again.unavailable).toContain('pg_net');
  });
  it('detects whether it is installed', async () => {
    const plain = await open('plain');
    expect(await platformPresent(plain)).toBe(false);
    await installPlatform(plain);
    expect(await platformPresent(plain)).toBe(true);
    await plain.close();
  });
  it('refuses a database that has a part of it from another source, and leaves it unchanged', async () => {
    const taken = await open('taken');
    await taken.script('create schema auth; create table auth.users ()');
    await expect(installPlatform(taken)).rejects.toMatchObject({ code: 'baseline-present' });
    expect((await taken.query(`select to_regnamespace('storage') as value`)).rows).toEqual([{ value: null }]);
    await taken.close();
  });
  it('refuses a user that is not a superuser', async () => {
    const weak = await open('weak');
    await weak.script('create role weak_user; set role weak_user');
    await expect(installPlatform(weak)).rejects.toMatchObject({ code: 'baseline-needs-superuser' });
    await weak.script('reset role; drop role weak_user');
    await weak.close();
  });
  it('can be installed in two databases of one server at once', async () => {
    const databases = await Promise.all([open('left'), open('right')]);
    const results = await Promise.all(databases.map(installPlatform));
    expect(results.map(({ installed }) => installed)).toEqual([true, true]);
    await Promise.all(databases.map((database) => database.close()));
  });
});
