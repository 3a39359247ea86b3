import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbedded, type EmbeddedDatabase } from '../../../src/database/embedded/embedded.ts';
import { extensionStubs, stubsInUse } from '../../../src/database/extension-stubs/stubs.ts';

let database: EmbeddedDatabase;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

const value = async (sql: string): Promise<unknown> => {
  const { rows } = await database.query<{ value: unknown }>(sql);
  return rows[0]?.value;
};

it('reports none for a fresh database', async () => {
  expect(await stubsInUse(database)).toEqual([]);
});

it.each(extensionStubs.map(({ extension }) => extension))(
  'CREATE EXTENSION "%s" works, twice, and is listed',
  async (extension) => {
    await database
      .query(`create extension if not exists "${extension}" with schema extensions`)
      .catch((error: Error) => {
        // As with the real ones, an extension with a fixed schema cannot be created in another.
        if (!/must be installed in schema/.test(error.message)) throw error;
        return database.query(`create extension if not exists "${extension}"`);
      });
    await database.query(`create extension if not exists "${extension}"`);
    expect(await value(`select count(*)::int as value from pg_extension where extname = '${extension}'`)).toBe(1);
  },
);

it.each([
  ['pg_net', `select net.http_post(url := 'https://example.com', body := '{"a": 1}'::jsonb) > 0 as value`, true],
  ['pg_net', `select net.http_get('https://example.com') > 0 as value`, true],
  [
    'pg_cron',
    `select cron.schedule('nightly', '0 3 * * *', 'select 1') = cron.schedule('nightly', '0 4 * * *', 'select 2') as value`,
    true,
  ],
  ['pg_cron', `select schedule as value from cron.job where jobname = 'nightly'`, '0 4 * * *'],
  ['pg_cron', `select cron.unschedule('nightly') as value`, true],
  ['supabase_vault', `select length(vault.create_secret('hidden', 'name')::text) as value`, 36],
  ['supabase_vault', `select decrypted_secret as value from vault.decrypted_secrets where name = 'name'`, 'hidden'],
  ['pgjwt', `select valid as value from extensions.verify(extensions.sign('{"sub": "x"}'::json, 'key'), 'key')`, true],
  [
    'pgjwt',
    `select valid as value from extensions.verify(extensions.sign('{"sub": "x"}'::json, 'key'), 'other')`,
    false,
  ],
  ['pgsodium', `select key_type::text as value from pgsodium.create_key(name := 'one')`, 'aead-det'],
  ['plv8', `select 'made' as value from (select 1) x`, 'made'],
  ['pg_partman', `select extensions.create_parent('public.events', 'at', '1 month') as value`, true],
  ['pg_partman', `select extensions.create_parent('public.events', 'at', '1 month') as value`, true],
  ['pgroonga', `select 'Tokyo Tower'::text operator(extensions.&@) 'tower'::text as value`, true],
  ['sslinfo', `select extensions.ssl_is_used() as value`, false],
  ['pg_graphql', `select graphql.resolve('{ a }') -> 'data' as value`, null],
  ['pg_stat_statements', `select count(*)::int as value from extensions.pg_stat_statements`, 0],
  ['pgmq', `select (select pgmq.create('jobs'))::text as value`, ''],
  ['pgmq', `select pgmq.send('jobs', '{"a": 1}') as value`, '1'],
  ['pgmq', `select message ->> 'a' as value from pgmq.pop('jobs')`, '1'],
])('%s: %s', async (_extension, sql, expected) => {
  expect(await value(sql)).toEqual(expected);
});

it('moddatetime keeps a column current', async () => {
  await database.script(`create table public.notes (id int, changed timestamptz);
    create trigger changed before update on public.notes for each row execute function extensions.moddatetime (changed);
    insert into public.notes values (1, '2000-01-01'); update public.notes set id = 2;`);
  expect(await value(`select changed > '2001-01-01' as value from public.notes`)).toBe(true);
});

it('an invalid schedule is refused', async () => {
  await expect(database.query(`select cron.schedule('bad', 'every day', 'select 1')`)).rejects.toThrow(
    'invalid schedule',
  );
});

it('the history of pg_cron can be emptied by the role that runs migrations, as its sequence is no part of the table', async () => {
  await database.script('truncate cron.job_run_details restart identity');
  await expect(database.script('truncate cron.job')).rejects.toThrow('permission denied');
});

it('names those that migrations created, with their descriptions', async () => {
  const used = await stubsInUse(database);
  expect(used.find(({ extension }) => extension === 'pg_net')?.note).toContain('never sent');
  expect(used.map(({ extension }) => extension)).not.toContain('supabase_vault');
});

it('keeps functions of languages that it does not run', async () => {
  await database.script(
    'create extension if not exists plv8; create function public.up(a text) returns text language plv8 as $$ return a.toUpperCase(); $$',
  );
  await expect(database.query("select public.up('a')")).rejects.toThrow('syntax error');
});

it('has triggers that work as those of the extensions', async () => {
  await database.script(`create extension if not exists autoinc; create extension if not exists insert_username;
    create sequence public.numbers; create table public.noted (id int, who text);
    create trigger number before insert on public.noted for each row execute function autoinc('id', 'public.numbers');
    create trigger who before insert on public.noted for each row execute function insert_username('who');
    insert into public.noted default values`);
  const { rows } = await database.query('select id, who from public.noted');
  expect(rows).toEqual([{ id: 1, who: 'postgres' }]);
});

it('refuses by name what only another server can do', async () => {
  await database.script('create extension if not exists dblink with schema extensions');
  await expect(database.query("select extensions.dblink_exec('host=a', 'select 1')")).rejects.toThrow(
    'dblink is a stub',
  );
});

it('keeps indexes of access methods that it lacks', async () => {
  await database.script(`create extension if not exists rum with schema extensions; create extension if not exists pgroonga;
    create table public.found (body text, words tsvector);
    create index on public.found using rum (words extensions.rum_tsvector_ops); create index on public.found using pgroonga (body)`);
  const { rows } = await database.query("select count(*)::int as n from pg_indexes where tablename = 'found'");
  expect(rows).toEqual([{ n: 2 }]);
});
