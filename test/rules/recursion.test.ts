/** Lint says of a policy that it is recursive exactly where PostgreSQL refuses a query because of it, and the repair ends that. */
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { lint, repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';

const file = 'migrations/core/001_one.sql';
const user = '11111111-1111-4111-8111-111111111111';
const posts =
  '-- Posts.\ncreate table if not exists posts (id int primary key, user_id uuid, title text);\nalter table posts enable row level security;\n' +
  'grant select, insert, update, delete on posts to authenticated, service_role;\n' +
  'create table if not exists limits (user_id uuid primary key, most int);\nalter table limits enable row level security;\n' +
  `grant select, insert, update, delete on limits to authenticated, service_role;\ninsert into limits values ('${user}', 5) on conflict do nothing;\n`;
const bare = 'create policy s on posts for select to authenticated using (auth.uid() = user_id);\n';
const wrapped = bare.replace('auth.uid()', '(select auth.uid())');
const limit = (check: string): string =>
  `create policy i on posts for insert to authenticated with check (auth.uid() = user_id and ${check});\n`;
const count = '(select count(*) from posts where user_id = auth.uid()) < 5';
const own = (using: string): string => `create policy l on limits for select to authenticated using (${using});\n`;

const read = 'select * from posts';
const add = `insert into posts values (1, '${user}', 'a')`;

describe('a policy that reads its own table', async () => {
  const database = await openEmbedded();
  afterAll(() => database.close());
  const refused = (sql: string, query: string): Promise<boolean> =>
    database
      .transaction(async (session) => {
        await session.script(sql);
        await session.query("select set_config('request.jwt.claims', $1, true)", [
          JSON.stringify({ sub: user, role: 'authenticated' }),
        ]);
        await session.script(`set local role authenticated; ${query}`);
        throw new Error('it ran');
      })
      .then(
        () => true,
        (error: { code?: string; message: string }) => {
          if (error.message !== 'it ran' && error.code !== '42P17') throw error;
          return error.code === '42P17';
        },
      );

  it.each<[name: string, sql: string, query: string, isRefused: boolean, isRepaired?: false]>([
    ['a limit, and reading without a subquery', bare + limit(count), add, false],
    ['a limit, and reading with a wrapped call', wrapped + limit(count), add, true],
    [
      'the same with a column',
      wrapped + limit("(select title from posts where id = 0) is distinct from 'x'"),
      add,
      true,
    ],
    ['the same with another value', wrapped + limit('(select sum(id) from posts) is null'), add, true, false],
    ['a limit of reading itself', bare.replace(');', ` and ${count});`), read, true],
    ['exists, and reading without a subquery', bare + limit('not exists (select from posts where id = 9)'), add, false],
    ['exists, and reading with one', wrapped + limit('not exists (select from posts where id = 9)'), add, true],
    [
      'the row is named with its schema',
      wrapped + limit('(exists (select from posts p where p.user_id = public . posts . user_id) or true)'),
      add,
      true,
    ],
    [
      'with comments inside',
      wrapped +
        limit(
          'not exists (select /* none */ from posts p -- of mine\n where p.user_id = posts.user_id -- by the row\n and p.id = 9 -- and p.id = 8\n)',
        ),
      add,
      true,
    ],
    [
      'through another table, all without one',
      bare + own('user_id in (select user_id from posts)') + limit('(select max(most) from limits) is null or true'),
      add,
      false,
    ],
    [
      'through another table, and reading with one',
      wrapped + own('user_id in (select user_id from posts)') + limit('exists (select from limits)'),
      add,
      true,
    ],
    [
      'another table that asks for nothing',
      wrapped + own('auth.uid() = user_id') + limit('exists (select from limits)'),
      add,
      false,
    ],
  ])('%s', async (_, sql, query, isRefused, isRepaired) => {
    expect(await refused(posts + sql, query)).toBe(isRefused);
    const migrations = migrationsOf({ [file]: posts + sql });
    const { findings } = await lint({ migrations, rollbacks: new Map() });
    expect(findings.some(({ rule }) => rule === 'policy-recursive')).toBe(isRefused);
    const repaired = await repair({ migrations, rollbacks: new Map(), folders, kit: 'kit', builtin: [] });
    expect(await refused(repaired.migrations[0]!.sql, query)).toBe(isRepaired === false);
  });

  it('is not made one: what wraps a call in a policy for reading waits, and says for which', async () => {
    const migrations = migrationsOf({ [file]: posts + bare + limit(count) });
    const { findings } = await lint({ migrations, rollbacks: new Map() });
    const told = findings.filter(({ rule }) => rule === 'policy-per-row-call');
    expect(
      told.map(({ object, suggestion }) => [object, /First let policy "i" read public\.posts/.test(suggestion)]),
    ).toEqual([
      ['policy "s" on public.posts', true],
      ['policy "i" on public.posts', false],
    ]);
    const { left } = await repair({ migrations, rollbacks: new Map(), folders, kit: 'kit', builtin: [] });
    expect(left).toMatchObject([
      { rule: 'policy-per-row-call', why: expect.stringContaining('policy "i" reads public.posts') },
    ]);
  });
});
