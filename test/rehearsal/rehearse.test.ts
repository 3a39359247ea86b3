import { describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { withUntried } from '../../src/muse/prove-files.ts';
import { foldConsequences } from '../../src/rules/engine/root-causes.ts';
import { lint } from '../../src/rules/registry.ts';
import { onceText, rehearse, type RehearsalReport, repeatText } from '../../src/rehearsal/rehearse.ts';
import { databases, type Kind } from '../migrations/databases.ts';
import { migrationsOf } from '../migrations/files.ts';
import { isWhole, sampleOf } from '../support/sample.ts';

const base = 'migrations/core/001_base.sql';
const next = 'migrations/core/002_next.sql';
const ours = 'migrations/extensions/001_ours.sql';
const last = 'migrations/extensions/002_last.sql';

function input(files: Record<string, string>, rollbacks: Record<string, string> = {}) {
  return {
    migrations: migrationsOf(files),
    rollbacks: new Map(
      Object.entries(rollbacks).map(([file, sql]) => [
        file,
        { file: file.replace('migrations/', 'migrations/rollback/'), sql },
      ]),
    ),
    own: Object.keys(rollbacks),
  };
}

const spin = `create function public.spin() returns int language plpgsql as 'begin loop end loop; end'`;
const deeper = `create function public.deeper(i int) returns int language plpgsql as 'begin return public.deeper(i + 1); end'`;
const again = `create table t (id int); create function again() returns trigger language plpgsql as 'begin insert into t values (new.id); return new; end'; create trigger x after insert on t for each row execute function again()`;

/** `rule file:line:column`, without the folder's name. */
function shown({ findings }: RehearsalReport): string[] {
  return findings.map(
    ({ rule, file, line, column }) => `${rule} ${file?.replace('migrations/', '') ?? ''}:${line}:${column}`,
  );
}

function said({ findings }: RehearsalReport): string {
  return findings.map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n');
}

const helper = `create table members (org uuid, user_id uuid);
alter table members enable row level security;`;
const rls = 'alter table t enable row level security;';

describe.each<Kind>(['embedded', 'native'])('on %s', (kind) => {
  const open = databases(kind, true);
  const isFull = kind === 'embedded' || isWhole;
  /** A muse is rehearsed on the embedded database; on the server, one case in six shows that it is the same there. */
  const some = <Case>(cases: readonly Case[]): Case[] => cases.filter((_, index) => isFull || index % 6 === 0);

  it.each(
    some([
      ['of the same table, not of another', 'create index on notes (titel);', /Did you mean notes\.title\?/],
      ['behind an alias', 'select n.titel from notes n;', /Did you mean title\?/],
      ['unlike any of its table', 'create index on notes (page_conut);', /^(?!.*Did you mean)/s],
    ] as const),
  )('suggests a column %s', async (_, use, says) => {
    const tables = 'create table if not exists notes (title text);\ncreate table if not exists books (page_count int);';
    expect(said(await rehearse(await open(), input({ [base]: tables, [next]: use })))).toMatch(says);
  });

  it('finds nothing in correct files, and reports what it did', async () => {
    const table = 'create table if not exists t (id int primary key); insert into t values (1) on conflict do nothing;';
    const report = await rehearse(
      await open(),
      input({ [base]: '-- base\n', [ours]: table }, { [ours]: 'drop table if exists t;' }),
    );
    expect(report).toMatchObject({
      findings: [],
      rolledBack: [{ layer: 'extension', file: ours }],
      files: [
        { file: base, failed: 0 },
        { file: ours, failed: 0 },
      ],
    });
  });

  const first: [string, Record<string, string>, string[], RegExp?][] = [
    [
      'a policy that exists nowhere',
      { [base]: `create table t (id int);\n${rls}\ncreate policy if not exists "p q" on t\n for select using (true);` },
      ['policy-if-not-exists core/001_base.sql:3:18'],
      /DROP POLICY IF EXISTS "p q" on t;\nCREATE POLICY "p q" on t\n for select using \(true\);/,
    ],
    [
      'an error after the first one',
      {
        [base]: 'create tabel a ();\ncreate table b (id int);\nselect nope;\nselect * from b;\nselect no_function(1);',
      },
      [
        'syntax-error core/001_base.sql:1:8',
        'unknown-relation core/001_base.sql:3:8',
        'unknown-relation core/001_base.sql:5:8',
      ],
    ],
    [
      'what PostgreSQL refuses only as it commits: the rest of the file stays',
      {
        [base]:
          'create table a (id int primary key);\ncreate table b (a int references a (id) deferrable initially deferred);\ninsert into b values (7);\ninsert into a values (1);\ninsert into b values (1);\nselect 1 / 0;',
      },
      ['statement-failed core/001_base.sql:3:13', 'statement-failed core/001_base.sql:6:1'],
    ],
    [
      'what a deferred trigger refuses',
      {
        [base]:
          "create table a (id int);\ncreate function no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;\ncreate constraint trigger no after insert on a deferrable initially deferred for each row execute function no();",
        [next]: 'select 1;\ninsert into a values (1);\nselect 2;',
      },
      ['statement-failed core/002_next.sql:2:1'],
      /The function no\(\) refuses it/,
    ],
    [
      'MySQL',
      { [base]: 'create table a (id int auto_increment primary key);' },
      ['foreign-dialect core/001_base.sql:1:24'],
      /MySQL/,
    ],
    [
      'T-SQL',
      { [base]: 'create table a (\n  name nvarchar(100)\n);' },
      ['foreign-dialect core/001_base.sql:2:8'],
      /another database system/,
    ],
    [
      'a table that nothing creates',
      { [base]: 'create table a (\n  o int references organizations (id)\n);' },
      ['unknown-relation core/001_base.sql:2:20'],
      /no migration creates/,
    ],
    [
      'the history of the Supabase CLI',
      { [base]: 'delete from supabase_migrations.schema_migrations;' },
      ['unknown-relation core/001_base.sql:1:13'],
      /history of the Supabase CLI[^]*to_regclass\('supabase_migrations\.schema_migrations'\)/,
    ],
    [
      'a table of a later file',
      { [base]: 'alter table b add x int;', [next]: 'select 1;\ncreate table b (id int);' },
      ['used-before-created core/001_base.sql:1:13'],
      /002_next\.sql:2/,
    ],
    [
      'a table of a later statement',
      { [base]: 'insert into public.b values (1);\ncreate table b (id int);' },
      ['used-before-created core/001_base.sql:1:13'],
      /001_base\.sql:2/,
    ],
    [
      'a table of an extension, in core',
      { [base]: 'select 1;\nalter table x add y int;', [ours]: 'create table public.x (id int);' },
      ['core-depends-on-extension core/001_base.sql:2:13'],
      /001_ours\.sql:1/,
    ],
    [
      'a function of a later file',
      {
        [base]: 'create table a (id int default later());',
        [next]: "create function later() returns int language sql as 'select 1';",
      },
      ['used-before-created core/001_base.sql:1:32'],
    ],
    ['a type', { [base]: 'create table a (id mood);' }, ['unknown-relation core/001_base.sql:1:20']],
    [
      'a role',
      { [base]: 'create table a (id int);\ngrant select on a to nobody_here;' },
      ['unknown-relation core/001_base.sql:2:22'],
      /no migration creates this role/,
    ],
    [
      'a function that is not called',
      { [base]: "comment on function nope is 'x';" },
      ['unknown-relation core/001_base.sql:1:21'],
    ],
    [
      'the type of a table that failed',
      {
        [base]:
          'create table a (id int references nothing);\ncreate function f() returns a language sql as $$ select 1 $$;',
      },
      ['unknown-relation core/001_base.sql:1:35', 'statement-failed core/001_base.sql:2:29'],
      /001_base\.sql:1 failed/,
    ],
    [
      'a table that a DO makes which failed',
      {
        [base]: 'do $$ begin create table made (id int); perform 1 / 0; end $$;\nselect id from made;',
      },
      ['statement-failed core/001_base.sql:1:7', 'statement-failed core/001_base.sql:2:16'],
      /001_base\.sql:1 failed, which creates it/,
    ],
    [
      'a table that a DO makes which ran, and drops',
      {
        [base]: 'do $$ begin create table made (id int); drop table made; end $$;\nselect id from made;',
      },
      ['unknown-relation core/001_base.sql:2:16'],
      /no migration creates this table/,
    ],
    [
      'a column of a statement that failed, in a body',
      {
        [base]:
          'create table a (id int);\nalter table a add b int, add c int default 1 / 0;\ndo $$ begin perform b from a; end $$;',
      },
      ['statement-failed core/001_base.sql:2:1', 'statement-failed core/001_base.sql:3:7'],
      /001_base\.sql:2 failed, which creates it/,
    ],
    [
      'a column that a failed change of its type left to a DROP TYPE',
      {
        [base]:
          "create type t as enum ('a', 'b');\ncreate table a (id int, s t);\ncreate policy p on a using (s = 'a');\n" +
          'alter table a alter column s type text;\ndrop type t cascade;\ncreate index on a (s);',
      },
      ['statement-failed core/001_base.sql:4:1', 'statement-failed core/001_base.sql:6:20'],
      /001_base\.sql:4 failed, which changes it/,
    ],
    ['a schema', { [base]: 'create table app.a (id int);' }, ['unknown-relation core/001_base.sql:1:14']],
    [
      'a column that IF NOT EXISTS left out',
      {
        [base]: 'create table a (id int);',
        [next]: 'create table if not exists a (\n  id int, other int);\ncreate index on a (other);',
      },
      ['table-redefined core/002_next.sql:3:20'],
      /001_base\.sql:1 without it/,
    ],
    [
      'what follows from a failure',
      {
        [base]: 'create table a (id int references nothing);\ncreate index i on a (id);',
        [next]: 'alter table a add b int;',
      },
      [
        'unknown-relation core/001_base.sql:1:35',
        'statement-failed core/001_base.sql:2:19',
        'statement-failed core/002_next.sql:1:13',
      ],
      /because migrations\/core\/001_base\.sql:1 failed/,
    ],
    [
      'a file that fails because another one is rolled back',
      { [base]: 'create table a (id int);\nselect nope;', [next]: 'alter table a add if not exists b int;' },
      ['unknown-relation core/001_base.sql:2:8', 'statement-failed core/002_next.sql:1:13'],
      /001_base\.sql:2 fails, and all of its file is rolled back/,
    ],
    [
      'what a file outside a transaction commits itself',
      {
        [base]:
          "-- +goose NO TRANSACTION\n-- +goose Up\ncreate type kind as enum ('a');\nalter type kind add value 'b';\nselect 'b'::kind;\ncreate procedure fill() language plpgsql as 'begin commit; end';\ncall fill();\nselect nope;",
      },
      ['unknown-relation core/001_base.sql:8:8'],
    ],
    [
      'a transaction of its own',
      { [base]: 'begin;\ncreate table if not exists a (id int);\ncommit;' },
      ['transaction-control core/001_base.sql:1:1', 'transaction-control core/001_base.sql:3:1'],
    ],
    [
      'a role for a transaction of its own, which ends with it',
      { [base]: "begin;\nselect set_config('role', 'anon', true);\nend;\ncreate table if not exists a (id int);" },
      ['transaction-control core/001_base.sql:1:1', 'transaction-control core/001_base.sql:3:1'],
    ],
    [
      'a role for a transaction of its own, under which something fails',
      { [base]: 'begin;\nset local role anon;\ncreate table public.a (id int);\ncommit;' },
      [
        'transaction-control core/001_base.sql:1:1',
        'transaction-control core/001_base.sql:4:1',
        'statement-failed core/001_base.sql:3:14',
      ],
    ],
    [
      'settings for the session, made in a transaction of its own',
      {
        [base]:
          'create schema if not exists app;\nbegin;\nset search_path = app;\ncommit;\ncreate table if not exists a ();',
        [next]: 'alter table app.a add if not exists n int;\ncreate table if not exists public.b ();',
      },
      ['transaction-control core/001_base.sql:2:1', 'transaction-control core/001_base.sql:4:1'],
    ],
    [
      'what a file rolls back',
      {
        [base]:
          'begin;\ncreate table a (id int);\nrollback;\ncreate table if not exists a (n int);\ncreate index if not exists i on a (n);',
      },
      ['transaction-control core/001_base.sql:1:1', 'transaction-control core/001_base.sql:3:1'],
    ],
    [
      'a rollback outside a transaction, which undoes nothing',
      { [base]: 'create table if not exists a (id int);\nrollback;\ncreate index if not exists i on a (id);' },
      ['transaction-control core/001_base.sql:2:1'],
    ],
    [
      'rows that only psql can send',
      { [base]: 'create table if not exists a (id int);\ncopy a from stdin;\n1\n\\.\n' },
      ['psql-command core/001_base.sql:2:1'],
      /--inserts/,
    ],
    [
      'a command of psql',
      { [base]: '\\restrict k3y\n\nset row_security = off;\ncreate table if not exists a (id int);\n' },
      ['psql-command core/001_base.sql:1:1'],
      /muse lint --fix/,
    ],
    ['what never closes', { [base]: 'select 1; /* never' }, ['syntax-error core/001_base.sql:1:11']],
    [
      'a value that does not fit',
      { [base]: 'create table a (id int check (id > 0));\ninsert into a values (-1);' },
      ['statement-failed core/001_base.sql:2:13'],
      /23514/,
    ],
    [
      'a table that is there, as lint says it',
      { [base]: 'create table a (id int);', [next]: 'create table a (id int, b int);' },
      ['table-redefined core/002_next.sql:1:14'],
      /relation "a" already exists: this fails/i,
    ],
    [
      'an index that nothing makes, by a name that another schema has',
      {
        [base]: 'create schema if not exists app;\ncreate table app.a (id int);\ncreate index a_id_idx on app.a (id);',
        [next]: 'drop index a_id_idx;\ncreate index a_id_idx on app.a (id desc);',
      },
      ['unknown-relation core/002_next.sql:1:12', 'statement-failed core/002_next.sql:2:14'],
      /nothing before it creates this index[^]*Did you mean app\.a_id_idx\?/,
    ],
    [
      'an index that is built concurrently',
      {
        [base]: 'create table if not exists a (id int);',
        [next]: 'create index concurrently if not exists i on a (id);',
      },
      [],
    ],
    [
      'one next to what needs it',
      {
        [base]: 'create table if not exists a (id int);',
        [next]: "-- i\ncreate index concurrently if not exists i on a (id);\ncomment on index public.i is 'x';",
      },
      ['transaction-mixed core/002_next.sql:2:1'],
      /a migration file of its own/,
    ],
    [
      'one that fails',
      { [next]: 'create index concurrently i on a (id);' },
      ['unknown-relation core/002_next.sql:1:32'],
    ],
  ];
  it.each(some(first))('first run: %s', async (_, files, expected, says) => {
    const report = await rehearse(await open(), input(files));
    expect(shown(report).filter((line) => !line.startsWith('not-idempotent'))).toEqual(expected);
    expect(said(report)).toMatch(says ?? '');
    for (const { line, snippet, file } of report.findings) expect(snippet).toBe(files[file!]!.split('\n')[line! - 1]);
  });

  it.runIf(isFull)(
    'folds what fails because files are rolled back, whatever is missing, under the first error',
    async () => {
      const report = await rehearse(
        await open(),
        input({
          [base]: 'create table a (id int);\ncreate text search configuration mine (copy = simple);\nselect nope;',
          [next]: "comment on text search configuration mine is 'x';",
          [ours]: 'alter table a add if not exists x int;',
          [last]: 'update a set x = 1;',
        }),
      );
      const [root, ...others] = foldConsequences(report.findings.filter(({ severity }) => severity === 'error'));
      expect([root?.line, root?.consequences?.map(({ file }) => file), others]).toEqual([3, [next, ours, last], []]);
    },
  );

  const again: [string, string, string[], RegExp?][] = [
    ['CREATE TABLE', 'select 1;\n  create table t (id int);', ['not-idempotent :2:3'], /IF NOT EXISTS/],
    [
      'all of a file',
      'create table t (id int);\ncreate index i on t (id);\ncreate policy p on t using (true);',
      ['not-idempotent :1:1', 'not-idempotent :2:1', 'not-idempotent :3:1'],
      /DROP POLICY IF EXISTS p ON t;/,
    ],
    ['a type', "create type mood as enum ('a');", ['not-idempotent :1:1'], /duplicate_object/],
    [
      'ADD COLUMN',
      'create table if not exists t (id int);\nalter table t add x int;',
      ['not-idempotent :2:1'],
      /ADD COLUMN IF NOT EXISTS/,
    ],
    [
      'a key',
      'create table if not exists t (id int primary key);\ninsert into t values (1);',
      ['not-idempotent :2:1'],
      /ON CONFLICT/,
    ],
    [
      'a constraint that PostgreSQL names',
      'create table if not exists t (id int);\nalter table t add check (id > 0);',
      ['not-idempotent :2:1'],
      /t_id_check1/,
    ],
    [
      'rows',
      'create table if not exists t (id int);\nselect 1;\ninsert into t values (1);',
      ['seed-not-idempotent :3:1'],
      /1 rows after the first run and 2/,
    ],
    [
      'rows from a block',
      'create table if not exists t (id int);\ndo $$ begin insert into t values (1); end $$;',
      ['seed-not-idempotent :2:1'],
    ],
    ['a rename', 'create table if not exists t (id int);\nalter table t rename to u;', ['not-idempotent :2:1']],
    [
      'an index without a name',
      'create table if not exists t (id int, n int);\ncreate index on t (n);\ncreate index if not exists i on t (id);',
      ['not-idempotent :2:1'],
      /with a name/,
    ],
    [
      'an index without a name on a partitioned table, and on its partitions',
      "create table if not exists t (id int, at date) partition by range (at);\ncreate table if not exists t_20 partition of t for values from ('2020-01-01') to ('2021-01-01') partition by list (id);\ncreate table if not exists t_20_1 partition of t_20 for values in (1);\ncreate index on t (id);",
      ['not-idempotent :4:1', 'not-idempotent :4:1', 'not-idempotent :4:1'],
    ],
    [
      'two such indexes, one of them with a long name',
      `create table if not exists t (id int, ${'n'.repeat(63)} int);\ncreate index on t (${'n'.repeat(63)});\ncreate index on t (id);`,
      ['not-idempotent :3:1', 'not-idempotent :2:1'],
    ],
  ];
  it.each(some(again))('second run: %s', async (_, sql, expected, says) => {
    const database = await open();
    const report = await rehearse(database, input({ [ours]: sql }));
    expect(shown(report).map((line) => line.replace('extensions/001_ours.sql', ''))).toEqual(expected);
    expect(report.findings.every(({ severity }) => severity === 'error')).toBe(true);
    expect(said(report)).toMatch(says ?? '');
  });

  const renamed: [string, string, string, string][] = [
    [
      'a table',
      'alter table t rename to u;',
      'insert into u (n) values (1) on conflict do nothing;',
      'not-idempotent :1:1',
    ],
    [
      'a column',
      'alter table t rename column n to m;',
      'create index if not exists i on t (m);',
      'not-idempotent :1:1',
    ],
    ['an index', 'alter index t_n rename to t_m;', 'drop index if exists t_m;', 'not-idempotent :1:1'],
    [
      'the schema',
      'create schema if not exists app;\nalter table t set schema app;',
      'grant usage on schema app to anon;',
      'not-idempotent :2:1',
    ],
    [
      'a type',
      'alter type mood rename to feeling;',
      'alter table t add column if not exists f feeling;',
      'not-idempotent :1:1',
    ],
    ['a function', 'alter function f() rename to g;', 'drop function if exists h();', 'not-idempotent :1:1'],
    [
      'nothing, where another table has the name since',
      'alter table t rename to u;\ncreate table t (id int primary key);\ndrop table u;',
      'insert into t values (1) on conflict do nothing;',
      '',
    ],
    [
      'nothing, if it is gone',
      "do $$ begin if to_regclass('t') is not null then alter table t rename to u; end if; end $$;",
      'select 1;',
      '',
    ],
  ];
  it.each(some(renamed))(
    'second run: what later files rename is not made again (%s)',
    async (_, renames, uses, expected) => {
      const first =
        'create table if not exists t (id bigint generated by default as identity primary key, n int unique);\n' +
        'create index if not exists t_n on t (n);\n' +
        "do $$ begin create type mood as enum ('a'); exception when duplicate_object then null; end $$;\n" +
        'create or replace function f() returns int language sql as $$ select 1 $$;\n' +
        'grant select on t to authenticated;\ninsert into t (n) values (1) on conflict do nothing;';
      const files = { [base]: first, 'migrations/core/002_b.sql': renames, 'migrations/core/003_c.sql': uses };
      const report = await rehearse(await open(), input(files));
      expect(shown(report).map((line) => line.replace('core/002_b.sql', ''))).toEqual(
        expected === '' ? [] : [expected],
      );
      expect(report.once.map(({ file }) => file)).toEqual([base, 'migrations/core/002_b.sql']);
      // What was not run again is not said to change nothing.
      expect(report.unchanged.map(({ file }) => file)).toEqual(['migrations/core/003_c.sql']);
      expect(repeatText(report)).toBe('3 migrations run; 1 of them changes nothing when run again');
      expect(onceText(report)).toContain(base);
    },
  );

  it.runIf(isFull)('second run: what a file drops that is not run again is not made again', async () => {
    const database = await open();
    const files = {
      [base]: 'create table if not exists old (id int primary key);',
      'migrations/core/002_a.sql': 'create table if not exists a (id int primary key);\ndrop table if exists old;',
      'migrations/core/003_b.sql': 'alter table a rename to b;',
    };
    const report = await rehearse(database, input(files));
    expect(report.once.map(({ file }) => file)).toEqual(Object.keys(files));
    const { rows } = await database.query("select to_regclass('public.old') is null as gone");
    expect(rows).toEqual([{ gone: true }]);
  });

  it.runIf(isFull)('reports a failure on the second run of core as a warning', async () => {
    const { findings, unchanged, once } = await rehearse(await open(), input({ [base]: 'create table t (id int);' }));
    expect(findings).toMatchObject([{ rule: 'not-idempotent', severity: 'warning' }]);
    expect([unchanged, once]).toEqual([[], []]);
    const rows = 'create table if not exists t (id int);\ninsert into t values (1);';
    const repeated = await rehearse(await open(), input({ [base]: rows }));
    expect(repeated.findings).toMatchObject([{ rule: 'seed-not-idempotent', severity: 'warning' }]);
    const copied = `create table if not exists t (id int); create table if not exists copies (id int);
      create or replace function copy() returns trigger language plpgsql as $$ begin execute 'insert into cop' || 'ies values (1)'; return new; end $$;
      create or replace trigger copy after insert on t for each row execute function copy();\ninsert into t values (1);`;
    expect((await rehearse(await open(), input({ [base]: copied }))).findings).toMatchObject([
      { object: 'public.copies', severity: 'warning' },
      { object: 'public.t', severity: 'warning' },
    ]);
  });

  const back: [string, string, string, string[], RegExp?][] = [
    [
      'what is left over',
      "create table if not exists t (id int); create or replace function f() returns int language sql as 'select 1';",
      'drop table t;',
      ['rollback-incomplete rollback/extensions/001_ours.sql:1:1'],
      /function public\.f\(\) is there and was not/,
    ],
    [
      'an object that it must not drop',
      'create table if not exists t (id int);',
      'drop table t; drop table kept;',
      ['rollback-incomplete rollback/extensions/001_ours.sql:1:1'],
      /table public\.kept is gone/,
    ],
    [
      'what fails',
      'create table if not exists t (id int); create or replace view v as select * from t;',
      '-- back\ndrop table t;',
      ['rollback-incomplete rollback/extensions/001_ours.sql:2:1'],
      /view v depends on table t/,
    ],
  ];
  it.each(some(back))('rollback: %s', async (_, sql, rollback, expected, says) => {
    const report = await rehearse(
      await open(),
      input({ [base]: 'create table if not exists kept (id int);', [ours]: sql }, { [ours]: rollback }),
    );
    expect(shown(report)).toEqual(expected);
    expect(said(report)).toMatch(says ?? '');
  });

  it.runIf(isFull)('does not attribute the changes of the second run of core to the rollback', async () => {
    const core =
      "drop table if exists flag; create table if not exists u (id int);\ncreate table flag (id int);\ngrant select on u to authenticated;\ndo $$ begin if exists (select from pg_class where relname = 't') then revoke select on u from authenticated; end if; end $$;";
    const report = await rehearse(
      await open(),
      input(
        { [base]: core, [ours]: 'create table if not exists t (id int primary key);' },
        { [ours]: 'drop table t;' },
      ),
    );
    expect(said(report)).toMatch(/Running every file a second time changes the schema: grant relation public\.u/);
    expect(report.findings.filter(({ rule }) => rule === 'rollback-incomplete')).toEqual([]);
    expect(report.rolledBack).toMatchObject([{ file: ours }]);
  });

  it.runIf(isFull)('rolls several own files back, newest first', async () => {
    const report = await rehearse(
      await open(),
      input(
        {
          [ours]: 'create table if not exists t (id int primary key);',
          [last]: 'create table if not exists u (id int references t);',
        },
        { [ours]: 'drop table t;', [last]: 'drop table u;' },
      ),
    );
    expect(report).toMatchObject({ findings: [], rolledBack: [{ file: ours }, { file: last }] });
  });

  const blamed: [string, Record<string, string>, string[]][] = [
    [
      'the older file',
      { [ours]: 'drop table t;', [last]: 'drop table u;' },
      [`rollback-incomplete rollback/extensions/001_ours.sql:1:1`],
    ],
    [
      'the newer file',
      { [ours]: 'drop table t; drop index t_extra;', [last]: 'select 1;' },
      ['rollback-incomplete rollback/extensions/002_last.sql:1:1'],
    ],
    ['none, where the newer one is empty', { [ours]: 'drop table t;', [last]: '-- Later.' }, []],
  ];
  it.each(some(blamed))(
    'blames what is left over on the file whose rollback leaves it: %s',
    async (_, back, expected) => {
      const report = await rehearse(
        await open(),
        input(
          {
            [base]: 'create table if not exists kept_too (id int primary key, at int);',
            [ours]:
              'create table if not exists t (id int primary key);\ncreate index if not exists t_extra on kept_too (at);',
            [last]: 'create table if not exists u (id int primary key);',
          },
          back,
        ),
      );
      expect(shown(report)).toEqual(expected);
    },
  );

  const access: [string, string, string[]][] = [
    [
      'a policy that reads its own table',
      `${helper}\ncreate policy p on members for select using (org in (select org from members));`,
      ['policy-recursive :3:1'],
    ],
    [
      'two that read each other',
      `${helper}\ncreate table orgs (id uuid);\nalter table orgs enable row level security;\ncreate policy p on members for select using (org in (select id from orgs));\ncreate policy q on orgs for select using (id in (select org from members));`,
      ['policy-recursive :5:1', 'policy-recursive :6:1'],
    ],
    [
      'one that leads there',
      `${helper}\ncreate policy p on members using (exists (select from members));\ncreate table docs (org uuid);\nalter table docs enable row level security;\ncreate policy q on docs using (org in (select org from members));`,
      ['policy-recursive :3:1'],
    ],
    [
      'only on insert',
      `${helper}\ncreate policy r on members for select using (exists (select from members m));\ncreate policy i on members for insert with check (true);`,
      ['policy-recursive :3:1'],
    ],
    [
      'one that reads auth.users',
      `create table t (id uuid, email text);\n${rls}\ncreate policy p on t for delete to authenticated using (email = (select u.email from auth.users u where u.id = auth.uid()));`,
      ['policy-reads-auth-users :3:1'],
    ],
    [
      'one for a write',
      `create table t (id uuid, email text);\n${rls}\ncreate policy p on t for insert with check (exists (select from auth.users));`,
      ['policy-reads-auth-users :3:1'],
    ],
    [
      'none with a helper',
      `${helper}\ncreate function mine() returns setof uuid language sql stable security definer set search_path = '' as 'select org from public.members where user_id = auth.uid()';\ncreate policy p on members for select using (org in (select mine()));`,
      [],
    ],
    [
      'none if no one is granted anything',
      `create table t (id int generated always as identity, g int generated always as (1) stored, x int);\n${rls}\ncreate policy p on t for select using (auth.uid() is not null);`,
      [],
    ],
  ];
  it.each(some(access))('querying as a user: %s', async (_, sql, expected) => {
    const database = await open();
    const report = await rehearse(database, input({ [base]: sql }));
    expect(
      shown(report)
        .filter((line) => line.startsWith('policy'))
        .map((line) => line.replace('core/001_base.sql', '')),
    ).toEqual(expected);
  });

  it('leaves none of its grants behind', async () => {
    const database = await open();
    await rehearse(
      database,
      input({
        [base]: `create table if not exists t (id int);\n${rls}\ndrop policy if exists p on t;\ncreate policy p on t using (true);`,
      }),
    );
    const { rows } = await database.query("select has_table_privilege('anon', 'public.t', 'select') as granted");
    expect(rows).toEqual([{ granted: false }]);
  });
});

describe('an endless loop', () => {
  // What runs until its time is over, and what runs out of stack: of each the first.
  const loops: [string, string, string][] = [
    ['a query', 'select 1;\nselect count(*) from generate_series(1, 1e12);\nselect 2;', '2:1'],
    ['a function', `${spin};\ndo $$ begin perform 1; end $$;\nselect public.spin();`, '3:1'],
    ['a default', `${spin};\ncreate table t (id int default public.spin());\ninsert into t default values;`, '3:1'],
    ['a recursion', `${deeper};\nselect 1;\nselect public.deeper(1);`, '3:1'],
    ['a trigger that fires itself', `${again};\ninsert into t values (1);`, '2:1'],
  ];
  it.each(sampleOf(loops, 3))('is found where it is: %s', async (_, sql, place) => {
    const database = await openEmbedded();
    const report = await rehearse(database, {
      ...input({ [base]: 'create table a (id int);', [next]: sql }),
      statementTimeoutMs: 2000,
      openAnother: () => openEmbedded(),
    });
    expect(shown(report)).toEqual([`statement-failed core/002_next.sql:${place}`]);
    await database.terminate();
  });

  it('is a finding on the embedded database, at the block', async () => {
    const database = await openEmbedded();
    const report = await rehearse(database, {
      ...input({
        [base]: 'create table a (id int);',
        [next]: 'select 1;\ndo $$ begin loop perform 1; end loop; end $$;',
      }),
      statementTimeoutMs: 2000,
      openAnother: () => openEmbedded(),
    });
    expect(shown(report)).toEqual(['statement-failed core/002_next.sql:2:1']);
    expect(report.ended).toBe(true);
    await database.terminate();
  });
});

describe('an extension that only the target has', () => {
  const open = databases('embedded', true);
  const files = {
    [base]: `create extension if not exists acme;
create table plain (id int primary key);
create table shapes (id int primary key, shape acme_shape);
create index on shapes using acme (shape);
select acme_version();
select acme.version();
alter table shapes enable row level security;`,
    [next]: 'create table if not exists more (id int references plain (id));\nselect * from shapes;',
  };
  const targetExtensions = async (): Promise<Set<string>> => new Set(['acme', 'other']);

  it('is a warning, and so is each statement that needs it or what needed it; the rest is rehearsed', async () => {
    const report = await rehearse(await open(), { ...input(files), targetExtensions });
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(shown(report).filter((line) => line.startsWith('extension-unavailable'))).toEqual([
      'extension-unavailable core/001_base.sql:1:32',
      expect.stringContaining('core/001_base.sql:3'),
      expect.stringContaining('core/001_base.sql:4'),
      expect.stringContaining('core/001_base.sql:5'),
      expect.stringContaining('core/001_base.sql:6'),
      expect.stringContaining('core/001_base.sql:7'),
      expect.stringContaining('core/002_next.sql:2'),
    ]);
    expect(report.notRehearsed).toBe(7);
    expect(said(report)).toContain('The target has the extension acme, and the embedded database lacks it');
  });

  it('is an error where the target lacks it too, and so is what is wrong with other statements', async () => {
    const lacking = await rehearse(await open(), { ...input(files), targetExtensions: async () => new Set<string>() });
    expect(shown(lacking)[0]).toBe('extension-unavailable core/001_base.sql:1:32');
    expect(lacking.findings[0]?.severity).toBe('error');
    const report = await rehearse(await open(), {
      ...input({ [base]: 'create extension acme;\ncreate table t (id int);\nselect 1 / 0;\ncreate table t (id int);' }),
      targetExtensions,
    });
    expect(
      report.findings.filter(({ severity }) => severity === 'error').map(({ rule, line }) => [rule, line]),
    ).toEqual([
      ['statement-failed', 3],
      ['table-redefined', 4],
    ]);
  });

  it('where none has it, what may be of it follows from that, and a mistyped name does not', async () => {
    const lacking = {
      [base]: `create extension acme;
create table t (id int);
select acme_version();
create index on t using acme (id);
load 'acme';
select * from tt;`,
      [next]: 'select length(1, 2, 3), no_function();',
    };
    const report = await rehearse(await open(), input(lacking));
    const errors = foldConsequences(report.findings.filter(({ severity }) => severity === 'error'));
    expect(errors.map(({ line, consequences = [] }) => [line, consequences.length])).toEqual([
      [1, 4],
      [6, 0],
    ]);
  });

  it('of which there is only an empty stub is the cause of what it lacks; a warning where the target has it', async () => {
    const used = {
      [base]:
        "create extension timescaledb;\ncreate table t (at timestamptz);\nselect create_hypertable('t', 'at');\nselect * from tt;",
    };
    const found = async (extensions: string[] | undefined) =>
      (
        await rehearse(await open(), {
          ...input(used),
          ...(extensions === undefined ? {} : { targetExtensions: () => Promise.resolve(new Set(extensions)) }),
        })
      ).findings
        .filter(({ line }) => line === 3 || line === 4)
        .map(({ rule, severity }) => [rule, severity]);
    const missing = ['unknown-relation', 'error'];
    expect(await found(undefined)).toEqual([['extension-unavailable', 'error'], missing]);
    expect(await found([])).toEqual([['extension-unavailable', 'error'], missing]);
    expect(await found(['timescaledb'])).toEqual([['extension-unavailable', 'warning'], missing]);
  });

  it('whose installer asks another server is one error; warnings where the target has what installs it', async () => {
    const used = {
      [base]: `create schema private; create extension http with schema private;
create extension if not exists pg_tle;
select pgtle.uninstall_extension_if_exists('acme-tools');
select pgtle.install_extension('acme-tools', '1', 'x', x.content) from private.http(('GET', 'https://acme.example', null, null, null)) x;
create extension "acme-tools";
select tools.install('acme-more');
create extension "acme-more";
select more.run();`,
      [next]: 'create extension pg_tle_typo;',
    };
    const found = async (extensions?: string[]) =>
      foldConsequences(
        (
          await rehearse(await open(), {
            ...input(used),
            ...(extensions === undefined ? {} : { targetExtensions: () => Promise.resolve(new Set(extensions)) }),
          })
        ).findings.filter(({ rule }) => rule !== 'not-idempotent'),
      ).map(({ severity, line, file, consequences = [] }) => [severity, file, line, consequences.length]);
    expect(await found()).toEqual([
      ['error', base, 4, 4],
      ['error', next, 1, 0],
    ]);
    expect((await found(['http', 'pg_tle'])).filter(([severity]) => severity === 'error')).toEqual([
      ['error', next, 1, 0],
    ]);
  });

  it('is what lets a project have foreign data wrappers: one error where it does not, a warning each where it does', async () => {
    const foreign = {
      [base]: 'create schema if not exists files;\ncreate foreign data wrapper w;',
      [next]:
        'create server s foreign data wrapper w;\ncreate foreign table files.f (id int) server s;\ngrant select on files.f to authenticated;',
    };
    const findings = async (extensions: string[]) =>
      foldConsequences(
        (
          await rehearse(await open(), {
            ...input(foreign),
            targetExtensions: () => Promise.resolve(new Set(extensions)),
          })
        ).findings.filter(({ rule }) => rule !== 'not-idempotent'),
      ).map(({ rule, severity, consequences = [] }) => [rule, severity, consequences.length]);
    expect(await findings([])).toEqual([['extension-unavailable', 'error', 3]]);
    expect(await findings(['wrappers'])).toEqual(
      Array.from({ length: 4 }, () => ['extension-unavailable', 'warning', 0]),
    );
  });

  it('leaves what it has in its schemas unjudged by lint, and the proof says that it was not tried', async () => {
    const used = migrationsOf({
      [base]: '-- x\ncreate extension acme;\nselect acme.f(), g() from acme.t;\nselect * from missing;',
    });
    const { findings } = await lint({ migrations: used, rollbacks: new Map() });
    expect(findings.filter(({ rule }) => rule === 'unknown-relation').map(({ line }) => line)).toEqual([4]);
    const proof = { tables: [], findings: [], proven: 0, notProven: 0 };
    expect(withUntried(proof, { notRehearsed: 0 })).toBe(proof);
    expect(withUntried(proof, { notRehearsed: 2 })).toMatchObject({
      notProven: 1,
      findings: [{ rule: 'not-proven', message: expect.stringContaining('2 statements were not rehearsed') }],
    });
  });
});
