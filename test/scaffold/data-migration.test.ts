import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { dataMigration, type DataMigrationRequest, type DataTable } from '../../src/scaffold/data-migration.ts';
import { isWhole } from '../support/sample.ts';
import { folders, openCore, schemaOf } from './support.ts';

type Column = DataTable['columns'][number];
const column = (name: string, type: string, changes: Partial<Column> = {}): Column => ({
  name,
  type,
  notNull: false,
  hasDefault: false,
  generated: false,
  ...changes,
});
const table = (name: string, columns: Column[], changes: Partial<DataTable> = {}): DataTable => ({
  name: `public.${name}`,
  columns,
  primaryKey: ['id'],
  unique: [],
  foreignKeys: [],
  ...changes,
});

const legacy = table('legacy_users', [
  column('id', 'integer', { notNull: true }),
  column('name', 'text'),
  column('email', 'character varying(200)', { notNull: true }),
  column('born', 'text'),
  column('team', 'integer'),
  column('secret', 'text'),
]);
const people = table(
  'people',
  [
    column('id', 'bigint', { notNull: true }),
    column('display_name', 'text', { notNull: true }),
    column('email', 'text', { notNull: true }),
    column('birthday', 'date'),
    column('team_id', 'bigint'),
    column('created_at', 'timestamp with time zone', { notNull: true, hasDefault: true }),
  ],
  { unique: [['email']], foreignKeys: [{ columns: ['team_id'], table: 'public.teams', targets: ['id'] }] },
);
const schema = `
  create table public.teams (id bigint primary key);
  create table public.legacy_users (id integer primary key, name text, email varchar(200) not null, born text, team integer, secret text);
  create table public.people (id bigint primary key, display_name text not null, email text not null unique, birthday date, team_id bigint references public.teams, created_at timestamptz not null default now());
  create table public.friends (id uuid primary key default gen_random_uuid(), people_id bigint references public.people);`;
const request: DataMigrationRequest = {
  title: 'people from legacy users',
  number: '003',
  folders,
  from: legacy,
  to: people,
  map: [
    ['display_name', 'name'],
    ['birthday', 'born'],
    ['team_id', 'team'],
  ],
  isolation: 'auth-uid',
};

const make = async (changes: Partial<DataMigrationRequest> = {}): Promise<[up: string, down: string]> => {
  const files = await dataMigration({ ...request, ...changes });
  return [files[0]?.content ?? '', files[1]?.content ?? ''];
};

describe.each([
  ['embedded', 20_000],
  ['native', isWhole ? 100_000 : 20_000],
] as const)('a data migration, %s with %i rows', (kind, count) => {
  let database: Database;
  let before: string[];
  const one = async (sql: string): Promise<Record<string, unknown>> =>
    (await database.query<Record<string, unknown>>(sql)).rows[0] ?? {};

  beforeAll(async () => {
    database = await openCore([schema], kind);
    // Of every 1000 rows, one has no name, one an invalid birthday, one a missing team, one a duplicate address.
    await database.script(`
      insert into public.teams values (1);
      insert into public.legacy_users
      select n, case when n % 1000 <> 1 then 'Name ' || n end, case when n % 1000 = 2 then 'same@muse.example' else n || '@muse.example' end,
        case when n % 1000 = 3 then '31.2.' else '2000-01-31' end, case when n % 1000 = 4 then 7 else 1 end, 'x'
      from generate_series(1, ${count}) as n;
      insert into public.people (id, display_name, email) values (5, 'Was here', '5@muse.example'), (-1, 'Has the address', 'same@muse.example');`);
    before = await schemaOf(database);
  });
  afterAll(() => database.close());

  it('copies what fits, any number of times, and rolls back exactly what it wrote', async () => {
    const [up, down] = await make();
    await database.script(up);
    const expected = count - 4 * (count / 1000) - 1;
    expect(await one('select count(*)::int as rows from public.people where id > 0')).toEqual({ rows: expected + 1 });
    expect(await one('select display_name, email, birthday, team_id from public.people where id = 6')).toEqual({
      display_name: 'Name 6',
      email: '6@muse.example',
      birthday: '2000-01-31',
      team_id: '1',
    });
    expect(await one('select display_name, birthday from public.people where id = 5')).toEqual({
      display_name: 'Was here',
      birthday: null,
    });
    expect(await one('select max(id)::int as last from public.people')).toEqual({ last: count });
    await database.script("update public.people set display_name = 'Edited' where id = 6");
    await database.script(up);
    expect(
      await one(
        'select count(*)::int as rows, (select count(*)::int from public.people_from_legacy_users_written) as written from public.people where id > 0',
      ),
    ).toEqual({ rows: expected + 1, written: expected });
    expect(await one('select display_name from public.people where id = 6')).toEqual({ display_name: 'Edited' });
    // What is fixed in the source is copied the next time.
    await database.script("update public.legacy_users set name = 'Now' where id = 1");
    await database.script(up);
    expect(await one('select display_name from public.people where id = 1')).toEqual({ display_name: 'Now' });
    // Another row references one of these, so nothing is lost, and the error says so.
    await database.script('insert into public.friends (people_id) values (7)');
    await expect(database.script(down)).rejects.toMatchObject({ code: '23503' });
    await database.script('delete from public.friends; delete from public.people where id = 8');
    await database.script(down);
    await database.script(down);
    expect((await database.query('select id::int as id from public.people order by id')).rows).toEqual([
      { id: -1 },
      { id: 5 },
    ]);
    expect(await one('select count(*)::int as rows from public.legacy_users')).toEqual({ rows: count });
    expect(await schemaOf(database)).toEqual(before);
  });

  it('reads a key of several columns, and an empty table', async () => {
    await database.script(`create table public.pairs (a integer, "B b" text, "select" numeric, primary key (a, "B b"));
      create table public.copies (a integer not null, "B b" text not null, "select" numeric(4,1), unique ("B b", a));
      insert into public.pairs select n % 7, 'x' || n, case when n = 12 then 123456 else n end from generate_series(1, 12000) as n where n < 10000 or n = 12;`);
    const columns = [column('a', 'integer', { notNull: true }), column('B b', 'text', { notNull: true })];
    const [up, down] = await make({
      title: 'pairs',
      from: table('pairs', [...columns, column('select', 'numeric')], { primaryKey: ['a', 'B b'] }),
      map: [],
      to: table('copies', [...columns, column('select', 'numeric(4,1)')], { primaryKey: [], unique: [['B b', 'a']] }),
    });
    await database.script(up);
    await database.script(up);
    expect(
      await one('select count(*)::int as rows, count(distinct (a, "B b"))::int as kinds from public.copies'),
    ).toEqual({ rows: 998, kinds: 998 });
    await database.script(down);
    await database.script('truncate public.pairs');
    await database.script(up);
    expect(await one('select count(*)::int as rows from public.copies')).toEqual({ rows: 0 });
    await database.script(down);
  });
});

describe('what cannot be copied is refused before anything is written', () => {
  it.each<[string, Partial<DataMigrationRequest>, RegExp]>([
    [
      'an unknown column of the target',
      { map: [['display_nam', 'name']] },
      /people has no column "display_nam"[^]*Write display_name/,
    ],
    [
      'an unknown column of the source',
      { map: [['display_name', 'nam']] },
      /legacy_users has no column "nam"[^]*Write name/,
    ],
    [
      'a column twice',
      {
        map: [
          ['display_name', 'name'],
          ['display_name', 'email'],
        ],
      },
      /two sources for display_name/,
    ],
    ['a required column without a source', { map: [] }, /needs a value for display_name[^]*--map display_name=/],
    ['the same table', { to: legacy }, /into itself/],
    ['no key of the target', { to: { ...people, primaryKey: [], unique: [] } }, /second run[^]*primary key/],
    [
      'a key that is not filled',
      { to: { ...people, primaryKey: ['created_at'], unique: [] } },
      /second run[^]*created_at=/,
    ],
    ['no key of the source', { from: { ...legacy, primaryKey: [] } }, /legacy_users has no primary key/],
    [
      'a generated column',
      {
        to: {
          ...people,
          columns: people.columns.map((one) => (one.name === 'birthday' ? { ...one, generated: true } : one)),
        },
      },
      /generated by the database/,
    ],
    ['SQL for a column', { map: [['display_name', "name'; drop table x; --"]] }, /has no column/],
  ])('%s', async (_, changes, message) => {
    const error = await dataMigration({ ...request, ...changes }).then(
      () => undefined,
      (thrown: { code: string; message: string; suggestion: string }) => thrown,
    );
    expect(error?.code).toBe('bad-data-migration');
    expect(`${error?.message} ${error?.suggestion}`).toMatch(message);
  });
});
