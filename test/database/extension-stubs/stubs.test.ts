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
  ['pg_graphql', `select graphql.resolve('{ a }') -> 'data' as value`, null],
  ['pg_stat_statements', `select count(*)::int as value from extensions.pg_stat_statements`, 0],
  [
    'postgis',
    `select round(st_distance(st_point(13.4, 52.5)::geography, st_point(2.35, 48.85)::geography) / 1000)::int as value`,
    877,
  ],
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

it('postgis: columns with a type modifier, a GiST index and its use', async () => {
  await database.script(`create table public.places (id int, at geography(Point, 4326), g geometry(Polygon));
    create index on public.places using gist (at);
    insert into public.places (id, at) select i, st_setsrid(st_makepoint(i / 10.0, 50), 4326)::geography from generate_series(1, 500) i;
    insert into public.places (id, at) values (0, st_point(1, 2, 4326)); analyze public.places; set enable_seqscan = off;`);
  expect(
    await value(
      `select count(*)::int as value from public.places where st_dwithin(at, st_point(5, 50)::geography, 20000)`,
    ),
  ).toBe(5);
  expect(
    await value(`select count(*)::int as value from public.places
    where at && st_makeenvelope(1, 49, 2, 51, 4326)::geography`),
  ).toBe(11);
});

it('an invalid schedule is refused', async () => {
  await expect(database.query(`select cron.schedule('bad', 'every day', 'select 1')`)).rejects.toThrow(
    'invalid schedule',
  );
});

it('names those that migrations created, with their descriptions', async () => {
  const used = await stubsInUse(database);
  expect(used.find(({ extension }) => extension === 'pg_net')?.note).toContain('never sent');
  expect(used.map(({ extension }) => extension)).not.toContain('supabase_vault');
});
