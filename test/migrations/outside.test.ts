import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { MuseError } from '../../src/shared/error.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { planRun } from '../../src/migrations/transactions.ts';
import { databases, pairs, type Kind } from './databases.ts';
import { migrationsOf } from './files.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const base = 'create table t (id int); insert into t values (1), (1);';

describe('which files run outside a transaction', () => {
  const cases: [string, 'script' | 'alone' | 'refused'][] = [
    ['create index concurrently i on t (id)', 'alone'],
    ['create index concurrently i on t (id); create index concurrently j on t (id);', 'alone'],
    ['set lock_timeout = 100; drop index concurrently if exists i;', 'alone'],
    ['reindex index concurrently i', 'alone'],
    ['reindex (concurrently) table t', 'alone'],
    ['reindex table t', 'script'],
    ['vacuum t', 'alone'],
    ['analyze t', 'script'],
    ['create database d', 'alone'],
    ['alter system set work_mem = 1', 'alone'],
    ['cluster', 'alone'],
    ['cluster t using i', 'script'],
    ['alter table p detach partition q concurrently', 'alone'],
    ['refresh materialized view concurrently m', 'script'],
    ["alter type e add value 'x'", 'script'],
    ['-- create index concurrently\nselect 1', 'script'],
    ['create table "vacuum" (id int)', 'script'],
    ['create table t (id int); create index concurrently i on t (id)', 'refused'],
    ['begin; select 1; commit', 'refused'],
    ["prepare transaction 'x'", 'refused'],
    ['copy t from stdin;\n1\n\\.\n', 'refused'],
    ['copy t to stdout', 'script'],
    ['create tabel x ()', 'script'],
    ['', 'script'],
    ['-- +goose NO TRANSACTION\n-- +goose Up\ncreate table t (id int);', 'script'],
    ['-- +goose NO TRANSACTION\n-- +goose Up\ncreate table t (id int); call fill();', 'alone'],
    ["-- +goose NO TRANSACTION\n-- +goose Up\nalter type e add value 'x'; select 'x'::e;", 'alone'],
    ['--! no-transaction\ncall fill();', 'alone'],
    ['call fill()', 'script'],
  ];
  it.each(cases)('%s: %s', async (sql, expected) => {
    expect((await planRun({ file: one, sql })).how).toBe(expected);
  });
});

describe.each<Kind>(['embedded', 'native'])('on %s', (kind) => {
  const fresh = databases(kind);

  it('runs such a file alone, with its row in the history', async () => {
    const database = await fresh();
    const migrations = migrationsOf({
      [one]: base,
      [two]: 'set lock_timeout = 5000;\ncreate index concurrently i on t (id);\n',
    });
    expect((await migrate(database, migrations)).applied).toHaveLength(2);
    const { rows } = await database.query(
      "select state, ms is not null as timed, current_setting('lock_timeout') as lock from muse.migrations where file = $1",
      [two],
    );
    expect(rows).toEqual([{ state: 'applied', timed: true, lock: '0' }]);
    expect((await migrate(database, migrations)).applied).toEqual([]);
  });

  it('refuses a file that mixes both kinds', async () => {
    const database = await fresh();
    const error = await migrate(
      database,
      migrationsOf({ [one]: `${base}\ncreate index concurrently i on t (id);` }),
    ).catch((reason: unknown) => reason as MuseError);
    expect(error).toMatchObject({
      code: 'findings',
      findings: [{ file: one, line: 2, column: 1, message: expect.stringContaining('CREATE INDEX CONCURRENTLY') }],
    });
  });

  it('recognizes a file that failed halfway, drops its invalid index and runs it again', async () => {
    const database = await fresh();
    const migrations = migrationsOf({
      [one]: base,
      [two]: 'create unique index concurrently if not exists i on t (id);',
    });
    const error = await migrate(database, migrations).catch((reason: unknown) => reason as MuseError);
    expect(error).toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining(`${two}:1:48: could not create unique index "i"`),
    });
    expect((await database.query("select indisvalid from pg_index where indexrelid = 'i'::regclass")).rows).toEqual([
      { indisvalid: false },
    ]);
    await database.script('delete from t where ctid = (select min(ctid) from t)');
    const again = await migrate(database, migrations);
    expect(again.applied).toMatchObject([{ file: two }]);
    expect(again.notes).toEqual([expect.stringContaining(`${two} was interrupted`)]);
    expect((await database.query("select indisvalid from pg_index where indexrelid = 'i'::regclass")).rows).toEqual([
      { indisvalid: true },
    ]);
  });
});

describe('on a shared server', () => {
  const open = pairs();

  it('completes two concurrent runs, with each file applied once', async () => {
    const [first, second] = await open();
    const files = migrationsOf(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [
          `migrations/core/${index + 1}_x.sql`,
          `create table t${index} (id int); insert into t${index} values (1); select pg_sleep(0.01);`,
        ]),
      ),
    );
    const results = await Promise.all([migrate(first, files), migrate(second, files)]);
    expect(
      results.map(({ applied, skipped }) => [applied.length, skipped.length]).sort((a, b) => a[0]! - b[0]!),
    ).toEqual([
      [0, 10],
      [10, 0],
    ]);
    expect((await first.query('select count(*)::int as files from muse.migrations')).rows).toEqual([{ files: 10 }]);
    expect((await first.query('select id from t3')).rows).toEqual([{ id: 1 }]);
  });

  it('is safe against a run that does not take the lock', async () => {
    const [first, second] = await open();
    const [migration] = migrationsOf({
      [one]: 'create table if not exists t (id int); select pg_sleep(0.3); insert into t values (1);',
    });
    await migrate(first, migrationsOf({ [two]: 'select 1;' }));
    const unlocked = { ...second, withRunLock: <T>(work: () => Promise<T>) => work() };
    const results = await Promise.all([migrate(first, [migration!]), migrate(unlocked, [migration!])]);
    expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 1]);
    expect((await first.query('select id from t')).rows).toEqual([{ id: 1 }]);
  });

  it('continues after the connection was killed in the middle of a file', async () => {
    const [first, second] = await open();
    const pid = Number((await first.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid);
    const sql = {
      [one]: base,
      [two]: 'create table slow (id int); insert into slow values (1); select pg_sleep(0.5);',
    };
    const run = migrate(
      first,
      migrationsOf({ ...sql, [two]: 'create table slow (id int); insert into slow values (1); select pg_sleep(60);' }),
    ).catch((reason: unknown) => reason as MuseError);
    while (
      (await second.query("select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'", [pid])).rows
        .length === 0
    )
      await sleep(10);
    await second.query('select pg_terminate_backend($1)', [pid]);
    expect(await run).toMatchObject({
      code: 'connection-lost',
      detail: expect.stringContaining(`Done before it: ${one}.`),
      suggestion: expect.stringContaining('muse migrate'),
    });
    const again = await migrate(second, migrationsOf(sql));
    expect(again.applied.map(({ file }) => file)).toEqual([two]);
    expect((await second.query('select id from slow')).rows).toEqual([{ id: 1 }]);
  });

  it('does the same over HTTPS, without a connection of its own', async () => {
    const [first, second] = await open();
    let turn = 0;
    // Each call uses another connection, and only a script has a transaction.
    const next = () => (turn++ % 2 === 0 ? first : second);
    const https: Database = {
      ...first,
      kind: 'https',
      query: (sql, parameters) => next().query(sql, parameters),
      script: (sql) => next().script(sql),
      transaction: () => Promise.reject(new Error('no interactive transaction')),
      withRunLock: (work) => work(),
    };
    await Promise.all([first, second].map((each) => each.script('set search_path = nowhere')));
    const files = migrationsOf({
      [one]: 'create table t (id int);\nset search_path = elsewhere;',
      [two]: 'insert into t values (1);',
      'migrations/core/003_bad.sql': 'insert into t values (2);\nalter table t\n  add x nope;',
    });
    const error = await migrate(https, files).catch((reason: unknown) => reason as MuseError);
    expect(error).toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining('003_bad.sql:3:9: type "nope" does not exist'),
    });
    expect((await migrate(https, files.slice(0, 2))).skipped).toHaveLength(2);
    expect((await first.query('select id from public.t')).rows).toEqual([{ id: 1 }]);
  });

  it('stops a statement at its time limit, and one that waits for a lock', async () => {
    const [first, second] = await open();
    expect(
      await migrate(first, migrationsOf({ [one]: 'select pg_sleep(60);' }), { statementTimeoutMs: 50 }).catch(
        (reason: unknown) => reason,
      ),
    ).toMatchObject({ code: 'migration-failed', message: expect.stringContaining('57014') });
    await migrate(first, migrationsOf({ [one]: base }));
    const blocked = second.transaction(async (session) => {
      await session.script('lock table t');
      return migrate(first, migrationsOf({ [one]: base, [two]: 'alter table t add x int;' }), {
        lockTimeoutMs: 50,
      }).catch((reason: unknown) => reason);
    });
    expect(await blocked).toMatchObject({ code: 'migration-failed', message: expect.stringContaining('55P03') });
  });

  it('gives the roles of the Data API no access to the history', async () => {
    const [first] = await open();
    await first.script(
      'do $$ begin create role anon nologin; exception when duplicate_object then null; end $$; alter default privileges grant all on tables to anon; alter default privileges grant usage on schemas to anon;',
    );
    await migrate(first, migrationsOf({ [one]: base }));
    const { rows } = await first.query(
      "select has_schema_privilege('anon', 'muse', 'usage') as usage, has_table_privilege('anon', 'muse.migrations', 'select') as reads, bool_and(relrowsecurity) as rls from pg_class where relnamespace = 'muse'::regnamespace and relkind = 'r'",
    );
    expect(rows).toEqual([{ usage: false, reads: false, rls: true }]);
    await first.script(
      'alter default privileges revoke all on tables from anon; alter default privileges revoke usage on schemas from anon;',
    );
  });
});
