import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { MuseError } from '../../src/shared/error.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { migrationStatus } from '../../src/migrations/compare.ts';
import { databases, type Kind } from './databases.ts';
import { sampleOf } from '../support/sample.ts';
import { migrationsOf } from './files.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const three = 'migrations/extensions/001_three.sql';
const good = {
  [one]: 'create table one (id int primary key);',
  [two]: 'create table two (id int references one)',
  [three]: 'create table three (id int references two_view_of_nothing); -- no',
};

async function tables(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function history(database: Database): Promise<Record<string, unknown>[]> {
  return (
    await database.query('select layer, file, checksum, state, ms, tool from muse.migrations order by applied_at, file')
  ).rows;
}

async function failureOf(work: Promise<unknown>): Promise<MuseError> {
  return work.then(
    () => {
      throw new Error('it went well');
    },
    (error: unknown) => error as MuseError,
  );
}

describe.each<Kind>(['embedded', 'native'])('on %s', (kind) => {
  const fresh = databases(kind);
  /** On the server, one case in three shows that it is the same there. */
  const some = <Case>(cases: readonly Case[]): Case[] => sampleOf(cases, kind === 'embedded' ? 1 : 3);

  it('applies the pending files in order, each once, and reports them', async () => {
    const database = await fresh();
    const migrations = migrationsOf({ ...good, [three]: 'insert into one values (1) -- a comment without an end' });
    const events: string[] = [];
    const first = await migrate(database, migrations.slice(0, 1), {});
    expect(first.applied).toMatchObject([{ layer: 'core', file: one }]);
    const rest = await migrate(database, migrations, {
      onProgress: ({ status, file, index, count }) => events.push(`${status} ${file} ${index}/${count}`),
    });
    expect(rest).toMatchObject({
      applied: [{ file: two }, { layer: 'extension', file: three }],
      skipped: [{ layer: 'core', file: one }],
      renamed: [],
      notes: [],
    });
    expect(events).toEqual([
      `started ${two} 0/2`,
      `applied ${two} 0/2`,
      `started ${three} 1/2`,
      `applied ${three} 1/2`,
    ]);
    expect(await migrate(database, migrations)).toMatchObject({
      applied: [],
      skipped: [{ file: one }, { file: two }, { file: three }],
    });
    expect((await database.query('select * from one')).rows).toEqual([{ id: 1 }]);
    const rows = await history(database);
    expect(rows).toMatchObject(
      migrations.map(({ layer, file, checksum }) => ({
        layer,
        file,
        checksum,
        state: 'applied',
        ms: expect.any(Number),
        tool: expect.stringMatching(/^\d/),
      })),
    );
  });

  it('accepts an empty file, a lone comment, and one without its BOM and with CRLF', async () => {
    const database = await fresh();
    const migrations = migrationsOf({
      [one]: '',
      [two]: '-- nothing',
      [three]: 'create table t (id int);\r\n\r\ninsert into t values (1);\r\n',
    });
    expect((await migrate(database, migrations)).applied).toHaveLength(3);
    expect(
      (
        await migrationStatus(
          database,
          migrationsOf({
            [one]: '',
            [two]: '-- nothing',
            [three]: 'create table t (id int);\n\ninsert into t values (1);\n',
          }),
        )
      ).edited,
    ).toEqual([]);
  });

  it('keeps the files before a failing one, and rolls all of that file back', async () => {
    const database = await fresh();
    const error = await failureOf(
      migrate(
        database,
        migrationsOf({ ...good, [two]: 'create table two (id int);\n\ninsert into two\n  values (1), (nope);\n' }),
      ),
    );
    expect(error).toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining(`${two}:4:16: column "nope" does not exist (SQLSTATE 42703)`),
    });
    expect(error.detail).toContain('  4 |   values (1), (nope);\n    |                ^');
    expect(error.detail).toContain(`Done before it: ${one}.`);
    expect(error.detail).toContain(`Not done: ${two}, ${three}.`);
    expect(await tables(database)).toEqual(['one', 'one_pkey']);
    expect(await history(database)).toHaveLength(1);
    // And continues once it is fixed.
    expect((await migrate(database, migrationsOf({ [one]: good[one]!, [two]: good[two]! }))).applied).toMatchObject([
      { file: two },
    ]);
  });

  const places: [string, string, string][] = [
    [
      'without a position, by the name',
      'create table a (id int);\ncreate table b (id int,\n  x int references nowhere);',
      '3:20',
    ],
    [
      'without a position, at the right one of two',
      'create table a (id int);\nalter table a add y int;\nalter table a\n  add y int;',
      '4:7',
    ],
    ['a syntax error', 'create table a (id int);\ncreate tabel b ();', '2:8'],
    ['behind an astral character', "-- 😀😀\nselect '😀', nope;", '2:14'],
    ['in a DO block', 'do $$\nbegin\n  perform 1;\n  perform 1/0;\nend $$;', '4:3'],
    [
      'by a constraint',
      'create table a (id int primary key);\ninsert into a values (1);\ninsert into a values (1);',
      '3:1',
    ],
  ];
  it.each(some(places))('says where the error is: %s', async (_, sql, place) => {
    const database = await fresh();
    const error = await failureOf(migrate(database, migrationsOf({ [one]: sql })));
    expect(error.message).toContain(`${one}:${place}: `);
    expect(await tables(database)).toEqual([]);
  });

  it("runs with Supabase's search path, and restores that of the connection", async () => {
    const database = await fresh();
    await database.script("create schema app; set search_path = app; set application_name = 'mine'");
    await migrate(
      database,
      migrationsOf({ [one]: "create table seen as select current_setting('search_path') as path" }),
    );
    const { rows } = await database.query(
      "select path, current_setting('search_path') as now, current_setting('application_name') as name from public.seen",
    );
    expect(rows).toEqual([{ path: '"$user", public, extensions', now: 'app', name: 'mine' }]);
  });

  const leaks: [string, string][] = [
    ['set role', 'create role leak_role nologin; grant leak_role to current_user; set role leak_role;'],
    ['set search_path', 'create schema app; set search_path = app;'],
    ['set_config, as pg_dump writes it', "select pg_catalog.set_config('search_path', '', false);"],
    ['other settings', 'set statement_timeout = 1234; set check_function_bodies = false;'],
  ];
  it.each(some(leaks))("does not carry a file's %s over to the next", async (_, sql) => {
    const database = await fresh();
    const state =
      "select jsonb_build_array(current_user, current_setting('role'), current_setting('search_path'), current_setting('statement_timeout'), current_setting('check_function_bodies')) as state";
    try {
      await migrate(
        database,
        migrationsOf({
          [one]: `create table first as ${state}`,
          [two]: sql,
          [three]: `create table public.second as ${state}`,
        }),
      );
      const { rows } = await database.query('select * from public.first except select * from public.second');
      expect(rows).toEqual([]);
      expect(await history(database)).toHaveLength(3);
    } finally {
      await database.script('drop role if exists leak_role');
    }
  });

  it('detects an edited file before it runs anything, and accepts it on request', async () => {
    const database = await fresh();
    await migrate(database, migrationsOf({ [one]: good[one]! }));
    const edited = migrationsOf({ [one]: `${good[one]} -- edited`, [two]: good[two]! });
    const error = await failureOf(migrate(database, edited));
    expect(error).toMatchObject({
      code: 'findings',
      findings: [{ rule: 'checksum-drift', severity: 'error', file: one }],
    });
    expect(await history(database)).toHaveLength(1);
    expect((await migrate(database, edited, { acceptEdited: true })).applied).toMatchObject([{ file: two }]);
    expect((await migrationStatus(database, edited)).edited).toEqual([]);
  });

  it('recognizes a renamed file by its text, also in the other layer', async () => {
    const database = await fresh();
    await migrate(database, migrationsOf({ [one]: good[one]!, [two]: good[two]! }));
    const renamed = migrationsOf({
      'migrations/core/010_one.sql': good[one]!,
      'migrations/extensions/001_two.sql': good[two]!,
    });
    expect((await migrationStatus(database, renamed)).pending).toEqual([]);
    expect((await migrate(database, renamed)).renamed).toEqual([
      { layer: 'core', file: 'migrations/core/010_one.sql', from: one },
      { layer: 'extension', file: 'migrations/extensions/001_two.sql', from: two },
    ]);
    expect(await migrate(database, renamed)).toMatchObject({ applied: [], renamed: [], skipped: [{}, {}] });
  });

  it('runs a file that sorts before an applied one with a note, and reports missing files', async () => {
    const database = await fresh();
    await migrate(database, migrationsOf({ [two]: 'select 1;', 'migrations/core/003_gone.sql': 'select 3;' }));
    const result = await migrate(
      database,
      migrationsOf({ [one]: good[one]!, [two]: 'select 1;', [three]: 'select 5;' }),
    );
    expect(result.applied).toMatchObject([{ file: one }, { file: three }]);
    expect(result.notes).toEqual([
      expect.stringContaining(`${one} runs out of order`),
      expect.stringMatching(/003_gone\.sql was applied/),
    ]);
  });

  it('distinguishes applied, pending, edited and missing', async () => {
    const database = await fresh();
    await migrate(
      database,
      migrationsOf({ [one]: 'select 1;', [two]: 'select 2;', 'migrations/core/009_gone.sql': 'select 9;' }),
    );
    expect(
      await migrationStatus(database, migrationsOf({ [one]: 'select 1;', [two]: 'select 22;', [three]: 'select 3;' })),
    ).toEqual({
      applied: [{ layer: 'core', file: one }],
      pending: [{ layer: 'extension', file: three }],
      edited: [{ layer: 'core', file: two }],
      missing: [{ layer: 'core', file: 'migrations/core/009_gone.sql' }],
    });
  });

  it('stops at a history of a newer version, and names it', async () => {
    const database = await fresh();
    await migrate(database, migrationsOf({ [one]: 'select 1;' }));
    await database.script(
      "update muse.ledger set version = 99, tool = '9.8.7'; alter table muse.migrations rename checksum to digest",
    );
    const error = await failureOf(migrate(database, migrationsOf({ [one]: 'select 1;', [two]: 'select 2;' })));
    expect(error).toMatchObject({ code: 'history-newer', suggestion: expect.stringContaining('9.8.7') });
    await expect(migrationStatus(database, [])).rejects.toMatchObject({ code: 'history-newer' });
  });

  const control: [string, string, string][] = [
    ['BEGIN and COMMIT', 'begin;\ncreate table a (id int);\n  commit;', '1:1 3:3'],
    ['COMMIT alone', 'create table a (id int);\ncommit;', '2:1'],
    ['ROLLBACK', 'create table a (id int); rollback;', '1:26'],
    ['START TRANSACTION', 'start transaction;', '1:1'],
    ['a savepoint', 'savepoint a;', '1:1'],
  ];
  it.each(some(control))('refuses a file with %s, before anything runs', async (_, sql, expected) => {
    const database = await fresh();
    const error = await failureOf(migrate(database, migrationsOf({ [one]: good[one]!, [two]: sql })));
    expect(error.code).toBe('findings');
    expect(error.findings!.map(({ rule, file, line, column }) => `${rule} ${file} ${line}:${column}`)).toEqual(
      expected.split(' ').map((place) => `transaction-control ${two} ${place}`),
    );
    expect(await tables(database)).toEqual([]);
  });

  it('accepts BEGIN, END and COMMIT in bodies, names and comments', async () => {
    const database = await fresh();
    const sql = `-- begin; commit;
create function f() returns int language plpgsql as $$ begin return 1; end $$;
create function g() returns int language sql begin atomic select 1; end;
create table "commit" (id int, "begin" text default 'rollback;');`;
    expect((await migrate(database, migrationsOf({ [one]: sql }))).applied).toHaveLength(1);
  });
});
