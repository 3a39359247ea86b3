import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/database/count-rows.ts';
import { DatabaseError, type Database, type TransactionStart } from '../../src/database/database.ts';
import { diffSchema, readSchema, type SchemaObject } from '../../src/database/schema.ts';
import { openBoth, type BothKinds } from '../support/databases.ts';

let both: BothKinds;
beforeAll(async () => {
  both = await openBoth();
});
afterAll(() => both.close());

const kinds = ['embedded', 'postgres'] as const;

describe('values', () => {
  it.each([
    ['1', 1],
    ['1::int8', '1'],
    ['9007199254740993', '9007199254740993'],
    ['1.50', '1.50'],
    ['0.5::float8', 0.5],
    ['true', true],
    [`'x'`, 'x'],
    ['null', null],
    [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
    [`'2026-02-03 04:05:06.789012+00'::timestamptz at time zone 'UTC'`, '2026-02-03 04:05:06.789012'],
    [
      `array['a', null, 'NULL', 'with "quotes", {braces} and \\']`,
      ['a', null, 'NULL', 'with "quotes", {braces} and \\'],
    ],
    [
      'array[[1, 2], [3, 4]]',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [`'{}'::text[]`, []],
    [`'[0:1]={7,8}'::int[]`, [7, 8]],
    [`'a'::name`, 'a'],
    [`'{"a"}'::name[]`, ['a']],
    [`'\\x00ff'::bytea`, '\\x00ff'],
    [`array[true, false]`, [true, false]],
  ])('%s', async (sql, expected) => {
    for (const kind of kinds) {
      const { rows } = await both[kind].query(`select ${sql} as value`);
      expect(rows, kind).toEqual([{ value: expected }]);
    }
  });

  it.each<[string, unknown, unknown]>([
    ['text', `quote ' and \\`, `quote ' and \\`],
    ['int', 5, 5],
    ['bool', false, false],
    ['text', null, null],
    ['text', undefined, null],
    ['jsonb', { a: 'b' }, { a: 'b' }],
    ['text[]', ['a', null, 'c"d\\'], ['a', null, 'c"d\\']],
    ['int[]', [[1], [2]], [[1], [2]]],
    ['bytea', new Uint8Array([0, 255]), '\\x00ff'],
    ['timestamptz', new Date(0), '1970-01-01 00:00:00+00'],
    ['text', '', ''],
  ])('a parameter of type %s: %j', async (type, parameter, expected) => {
    for (const kind of kinds) {
      await both[kind].query(`set timezone to 'UTC'`);
      const { rows } = await both[kind].query(`select $1::${type} as value`, [parameter]);
      expect(rows, kind).toEqual([{ value: expected }]);
    }
  });

  it.each([
    ['select generate_series(1, 3)', 3],
    ['create table public.counted as select generate_series(1, 4) as n', 4],
    ['update public.counted set n = 0 where n > 1', 3],
    ['insert into public.counted values (1), (2)', 2],
    ['delete from public.counted', 6],
    ['drop table public.counted', 0],
    ['set work_mem to 4096', 0],
  ])('%s affects %d', async (sql, affected) => {
    for (const kind of kinds) expect((await both[kind].query(sql)).affected, kind).toBe(affected);
  });
});

describe('errors', () => {
  const fieldsOf = async (database: Database, run: (database: Database) => Promise<unknown>): Promise<object> => {
    const error = await run(database).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(DatabaseError);
    return { ...(error as DatabaseError), message: (error as DatabaseError).message };
  };

  it.each([
    'selec 1',
    'select ä from public.nothing',
    'select * from public.nothing',
    'select 1/0',
    `select 'x'::uuid`,
    'create table public.twice (); create table public.other ()',
    `insert into public.parent values (1, 'bad')`,
    'insert into public.child values (7)',
    'insert into public.parent values (null)',
    'alter table public.parent add column id int',
    `do $$ begin raise exception 'own' using errcode = 'P0042', detail = 'd', hint = 'h', column = 'c', table = 't'; end $$`,
    `do $$ begin perform 1 / 0; end $$`,
    'create index concurrently on public.nothing (a)',
    'delete from storage.objects',
    'select auth.nothing()',
    '/* ü */ select nothing',
  ])('%s is the same on both', async (sql) => {
    for (const kind of kinds) {
      await both[kind]
        .script(`create table if not exists public.parent (id int primary key, kind text check (kind <> 'bad'));
        create table if not exists public.child (parent int references public.parent);`);
    }
    const [embedded, postgres] = await Promise.all(
      kinds.map((kind) => fieldsOf(both[kind], (database) => database.query(sql))),
    );
    expect(embedded).toEqual(postgres);
  });

  it('counts positions in the whole script', async () => {
    const sql = "select 1; select 'é'; select * from public.nothing;";
    const [embedded, postgres] = await Promise.all(
      kinds.map((kind) => fieldsOf(both[kind], (database) => database.script(sql))),
    );
    expect(embedded).toEqual(postgres);
    expect(embedded).toMatchObject({ code: '42P01', position: sql.indexOf('public.nothing') + 1 });
  });
});

describe.each(kinds)('transactions of %s', (kind) => {
  const count = async (): Promise<number> => (await countRows(both[kind]))['public.kept'] ?? -1;
  beforeAll(() => both[kind].script('create table public.kept (a int)'));

  it('commits what resolves and rolls back what rejects', async () => {
    await both[kind].transaction((session) => session.query('insert into public.kept values (1)'));
    await expect(
      both[kind].transaction(async (session) => {
        await session.query('insert into public.kept values (2)');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await count()).toBe(1);
  });
  it('rejects if a failed statement was swallowed: COMMIT would have been a ROLLBACK', async () => {
    await expect(
      both[kind].transaction(async (session) => {
        await session.query('insert into public.kept values (3)');
        await session.query('select 1 / 0').catch(() => undefined);
      }),
    ).rejects.toMatchObject({ code: '25P02' });
    expect(await count()).toBe(1);
  });
  it('isolates two that begin together', async () => {
    const add = (value: number, fail: boolean): Promise<void> =>
      both[kind].transaction(async (session) => {
        await session.query('insert into public.kept values ($1)', [value]);
        await new Promise((resolve) => setImmediate(resolve));
        if (fail) throw new Error('no');
      });
    await Promise.allSettled([add(4, true), add(5, false), add(6, true)]);
    expect((await both[kind].query('select a from public.kept order by a')).rows).toEqual([{ a: 1 }, { a: 5 }]);
  });
  it.each<[string, (start: TransactionStart) => Promise<unknown>]>([
    ['one statement', (start) => both[kind].alone({ sql: 'select $1::text as value', values: ['x'] }, start)],
    ['a query', (start) => both[kind].transaction(({ query }) => query("select 'x' as value"), start)],
    [
      'a script',
      (start) =>
        both[kind].transaction(async ({ query, script }) => {
          await script('select 1; select 2');
          return query("select 'x' as value");
        }, start),
    ],
  ])('starts with settings and rights that end with it: %s', async (_, run) => {
    const settings = { 'muse.first': `it's \\ é`, search_path: 'pg_catalog', statement_timeout: '5s' };
    expect(await run({ settings, readOnly: true })).toMatchObject({ rows: [{ value: 'x' }] });
    await expect(run({ settings: { nothing_like_it: '1' } })).rejects.toMatchObject({ code: '42704' });
    const seen = `select current_setting('muse.first') as first, current_setting('transaction_read_only') as ro`;
    expect(await both[kind].alone({ sql: seen, values: [] }, { settings, readOnly: true })).toMatchObject({
      rows: [{ first: settings['muse.first'], ro: 'on' }],
    });
    const after = `select current_setting('muse.first', true) as first, current_setting('transaction_read_only') as ro,
      current_setting('search_path') = 'pg_catalog' as path`;
    expect((await both[kind].query(after)).rows).toEqual([{ first: '', ro: 'off', path: false }]);
    const write = { sql: 'insert into public.kept values (7)', values: [] };
    await expect(both[kind].alone(write, { readOnly: true })).rejects.toMatchObject({ code: '25006' });
    const fails = { sql: 'insert into public.kept select 8 / (2 - n) from generate_series(1, 2) as n', values: [] };
    await expect(both[kind].alone(fails, {})).rejects.toMatchObject({ code: '22012' });
    expect((await both[kind].query('select a from public.kept order by a')).rows).toEqual([{ a: 1 }, { a: 5 }]);
  });
  it('immediately refuses one inside another', async () => {
    const nested = both[kind].transaction(() => both[kind].transaction(async () => undefined));
    await expect(nested).rejects.toThrow('SAVEPOINT');
  });
  it('gives the lock to one run at a time', async () => {
    await both[kind].withRunLock(async () => {
      await expect(both[kind].withRunLock(async () => undefined, 30)).rejects.toMatchObject({ code: 'locked' });
    });
    expect(await both[kind].withRunLock(async () => 'again')).toBe('again');
    await expect(both[kind].withRunLock(() => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
    expect(await both[kind].withRunLock(async () => 'after a failure')).toBe('after a failure');
  });
});

const migration = `
create schema shop;
create type shop.state as enum ('open', 'it''s closed');
create domain shop.price as numeric(12, 2) default 1 not null check (value >= 0);
create type shop.pair as (a int, b text);
create table shop.items (
  id uuid primary key default gen_random_uuid(), "Owner" uuid not null references auth.users on delete cascade,
  price shop.price, state shop.state default 'open', n bigint generated always as identity, tags text[] not null default '{}',
  twice numeric generated always as (price * 2) stored, note text collate "C", unique (price, state), check (price < 1000)
) with (fillfactor = 70);
create table shop.logs (id bigserial, at timestamptz not null default now()) partition by range (at);
create table shop.logs_2026 partition of shop.logs for values from ('2026-01-01') to ('2027-01-01');
create index items_owner on shop.items ("Owner") include (price) where state = 'open';
alter table shop.items enable row level security;
alter table shop.items force row level security;
create policy "own rows" on shop.items for all to authenticated using ("Owner" = (select auth.uid())) with check (price > 0);
create policy seen on storage.objects for select to anon using (bucket_id = 'x');
create function shop.total(who uuid, out sum numeric) language sql stable security definer set search_path = '' as
  $$ select sum(price) from shop.items where "Owner" = who $$;
create procedure shop.tidy() language plpgsql as $$ begin delete from shop.items; end $$;
create aggregate shop.add (numeric) (sfunc = numeric_add, stype = numeric, initcond = '0');
create function shop.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger stamp before update of price on shop.items for each row when (old.price <> new.price) execute function shop.stamp();
create trigger signed_up after insert on auth.users for each row execute function shop.stamp();
create view shop.cheap with (security_invoker = true) as select id, price from shop.items where price < 10;
create materialized view shop.totals as select count(*) as n from shop.items;
create sequence shop.numbers start 5 increment 2 cycle maxvalue 99;
create rule nothing as on delete to shop.items do instead nothing;
create statistics shop.stats on price, state from shop.items;
grant usage on schema shop to authenticated; grant select (id), update (price) on shop.items to anon;
grant select on shop.cheap to authenticated with grant option; revoke execute on function shop.total(uuid) from public;
alter default privileges in schema shop grant select on tables to anon;
alter publication supabase_realtime add table shop.items;
create extension if not exists citext with schema extensions;
comment on table shop.items is 'what is sold'; comment on column shop.items.price is 'each';
comment on policy "own rows" on shop.items is 'why'; comment on function shop.total(uuid) is 'sum';
`;

describe('readSchema', () => {
  it('reads the same on both after the same SQL, with every object once', async () => {
    const [embedded, postgres] = (await Promise.all(
      kinds.map(async (kind) => {
        const before = await readSchema(both[kind]);
        await both[kind].script(migration);
        return diffSchema(before, await readSchema(both[kind]));
      }),
    )) as [ReturnType<typeof diffSchema>, ReturnType<typeof diffSchema>];
    expect(embedded).toEqual(postgres);
    expect(embedded.missing).toEqual([]);
    expect(embedded.changed.map(({ name }) => name)).toEqual(['supabase_realtime']);
    expect(new Set(embedded.extra.map(({ kind }) => kind))).toEqual(
      new Set([
        'aggregate',
        'column',
        'comment',
        'composite type',
        'constraint',
        'default privileges',
        'domain',
        'enum',
        'extension',
        'function',
        'grant',
        'index',
        'materialized view',
        'partitioned table',
        'policy',
        'procedure',
        'rule',
        'schema',
        'sequence',
        'statistics',
        'table',
        'trigger',
        'view',
      ]),
    );
    const names = embedded.extra.map(({ kind, name }) => `${kind} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('policy seen on storage.objects');
    expect(names).toContain('trigger signed_up on auth.users');
  });

  it.each([
    'alter table shop.items disable row level security',
    'alter table shop.items no force row level security',
    'alter policy "own rows" on shop.items using (true)',
    'alter policy "own rows" on shop.items to anon',
    'grant delete on shop.items to anon',
    'revoke select (id) on shop.items from anon',
    'revoke usage on schema shop from authenticated',
    'grant execute on function shop.total(uuid) to anon',
    'alter function shop.total(uuid) security invoker',
    'alter function shop.total(uuid) reset search_path',
    'alter view shop.cheap reset (security_invoker)',
    'alter table shop.items alter note type varchar(5)',
    'alter table shop.items alter tags drop default',
    'alter table shop.items alter note set not null',
    'alter table shop.items disable trigger stamp',
    'drop index shop.items_owner',
    'alter sequence shop.numbers increment 3',
    `alter type shop.state add value 'new'`,
    `comment on column shop.items.price is 'other'`,
    'alter default privileges in schema shop revoke select on tables from anon',
    'alter table shop.items drop constraint items_price_check',
    'drop policy seen on storage.objects',
    'alter table shop.items set (fillfactor = 80)',
    'alter publication supabase_realtime drop table shop.items',
    'drop trigger signed_up on auth.users',
    'create or replace procedure shop.tidy() language plpgsql as $$ begin null; end $$',
    'grant select on auth.users to authenticated',
    'alter table shop.items replica identity full',
  ])('sees: %s', async (sql) => {
    const before = await readSchema(both.embedded);
    await expect(
      both.embedded.transaction(async (session) => {
        await session.script(sql);
        const { missing, extra, changed } = diffSchema(before, await readSchema(session));
        expect(missing.length + extra.length + changed.length).toBeGreaterThan(0);
        throw new Error('back');
      }),
    ).rejects.toThrow('back');
    expect(diffSchema(before, await readSchema(both.embedded))).toEqual({ missing: [], extra: [], changed: [] });
  });

  it('leaves the search_path unchanged, in a transaction and outside', async () => {
    const path = async (): Promise<unknown> => (await both.embedded.query('show search_path')).rows;
    const before = await path();
    await readSchema(both.embedded);
    expect(await path()).toEqual(before);
    await both.embedded.transaction(async (session) => {
      await readSchema(session);
      expect((await session.query('show search_path')).rows).toEqual(before);
    });
  });

  it('does not depend on the search_path', async () => {
    const before = await readSchema(both.embedded);
    await both.embedded.query('set search_path to shop');
    const after = await readSchema(both.embedded);
    await both.embedded.query('reset search_path');
    expect(after).toEqual(before);
  });

  it("reads only the given schemas, and the services' own with `baseline`", async () => {
    const kindsOf = (objects: SchemaObject[]): string[] => objects.map(({ kind, name }) => `${kind} ${name}`);
    expect(kindsOf(await readSchema(both.embedded, { schemas: ['public'] }))).not.toContain('table shop.items');
    expect(kindsOf(await readSchema(both.embedded))).not.toContain('table auth.users');
    expect(kindsOf(await readSchema(both.embedded, { baseline: true }))).toContain('table auth.users');
  });
});

it('countRows counts every table, including those of the services, and the row of a partition once', async () => {
  for (const kind of kinds) {
    await both[kind].script(`insert into storage.buckets (id, name) values ('b', 'b');
      insert into shop.logs (at) values ('2026-05-05')`);
    const counts = await countRows(both[kind]);
    expect(counts, kind).toMatchObject({ 'storage.buckets': 1, 'auth.users': 0, 'shop.logs': 1, 'shop.items': 0 });
    expect(Object.keys(counts), kind).not.toContain('shop.logs_2026');
  }
});

it.each([
  ['insert into counted.t values (1), (2)', 2, 0],
  ['insert into counted.t values (1); delete from counted.t', 0, 0],
  ['insert into counted.t values (1); truncate counted.t', 0, 0],
  ['insert into counted.heir values (1)', 1, 1],
  ['alter table counted.t set unlogged; insert into counted.t values (1)', 1, 0],
])('countRows after %s', async (sql, rows, ofHeir) => {
  for (const kind of kinds) {
    await both[kind].script(
      'create schema counted; create table counted.t (a int); create table counted.heir () inherits (counted.t)',
    );
    try {
      await both[kind].script(sql);
      expect(await countRows(both[kind]), kind).toMatchObject({ 'counted.t': rows, 'counted.heir': ofHeir });
    } finally {
      await both[kind].script('drop schema counted cascade');
    }
  }
});
