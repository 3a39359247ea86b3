import { describe, expect, it } from 'vitest';
import { lint } from '../../src/rules/registry.ts';
import type { RuleName } from '../../src/rules/registry.ts';
import { migrationsOf, readFrom } from '../migrations/files.ts';

/** A signed token with this payload, in the form that Supabase gives its keys. */
const token = (payload: object): string =>
  ['{"alg":"HS256"}', JSON.stringify(payload), 'signature-of-it']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const ours = 'migrations/extensions/001_ours.sql';

type Files = Record<string, string>;

/** `file:line:column` of the findings of a rule, by layer and name only. */
async function places(rule: RuleName, files: Files, rollbacks = new Set([ours])): Promise<string[]> {
  const { findings } = await lint({ migrations: migrationsOf(files), rollbacks });
  return findings
    .filter((finding) => finding.rule === rule)
    .map(({ file, line, column }) => `${file?.replace('migrations/', '')}:${line}:${column}`);
}

const notes = '-- notes\ncreate table if not exists notes (id uuid primary key, user_id uuid);\n';

/** A rule; files in which it finds something, and where; similar files in which it must not. */
const cases: [RuleName, Files, string[], Files][] = [
  [
    'syntax-error',
    { [one]: '-- x\nselect 1;\nselect (1;\nselect 2;' },
    ['core/001_one.sql:3:10'],
    { [one]: 'select (1);' },
  ],
  [
    'syntax-error',
    { [one]: 'do $$ begin\n  insert into;\nend $$;' },
    ['core/001_one.sql:2:14'],
    { [one]: 'do $$ begin\n  perform 1;\nend $$;' },
  ],
  [
    'revoke-without-effect',
    { [one]: `${notes}grant select on notes to authenticated;\nrevoke select (user_id) on notes from authenticated;` },
    ['core/001_one.sql:4:1'],
    {
      [one]: `${notes}grant select (id, user_id) on notes to authenticated;\nrevoke select (user_id) on notes from authenticated;`,
    },
  ],
  [
    'revoke-without-effect',
    {
      [one]: `${notes}grant all on notes to public;`,
      [two]: '-- x\nrevoke update (user_id), insert (user_id) on notes from authenticated;',
    },
    ['core/002_two.sql:2:1', 'core/002_two.sql:2:1'],
    {
      [one]: `${notes}grant all on notes to public;`,
      [two]: '-- x\nrevoke update (user_id) on notes from authenticated;\nrevoke update on notes from public;',
    },
  ],
  [
    'revoke-without-effect',
    {
      [one]: `alter default privileges in schema public grant all on tables to anon;\n${notes}revoke all (user_id) on notes from anon;`,
    },
    ['core/001_one.sql:4:1', 'core/001_one.sql:4:1', 'core/001_one.sql:4:1'],
    {
      [one]: `${notes}grant select (id, user_id) on notes to anon;\nrevoke select (user_id) on notes from anon;\ngrant select on notes to anon;`,
    },
  ],
  [
    'policy-if-not-exists',
    { [one]: `${notes}create policy\n  if not exists "a b" on notes using (true);` },
    ['core/001_one.sql:4:3'],
    { [one]: `${notes}create policy "if not exists" on notes using (true);` },
  ],
  [
    'foreign-dialect',
    { [one]: 'create table a (id int identity(1,1));' },
    ['core/001_one.sql:1:24'],
    { [one]: 'create table a (id int generated always as identity);' },
  ],
  [
    'foreign-dialect',
    { [one]: 'create table a (name nvarchar(10), at datetime);' },
    ['core/001_one.sql:1:17', 'core/001_one.sql:1:36'],
    { [one]: 'create table a (name varchar(10), at timestamp);' },
  ],
  [
    'foreign-dialect',
    { [one]: 'create table `a` (id int);' },
    ['core/001_one.sql:1:14'],
    { [one]: "create table a (id int default 1 + ascii('`'));" },
  ],
  [
    'foreign-dialect',
    { [one]: 'create table a (id int, index i (id));' },
    ['core/001_one.sql:1:25'],
    { [one]: 'create table a (id int, index int);' },
  ],
  [
    'foreign-dialect',
    { [one]: 'select 1\nGO\nselect 2\nGO' },
    ['core/001_one.sql:2:1'],
    { [one]: 'select 1 as go; select 2;' },
  ],
  [
    'transaction-control',
    { [one]: 'begin;\nselect 1;\ncommit;' },
    ['core/001_one.sql:1:1', 'core/001_one.sql:3:1'],
    { [one]: "do $$ begin perform 'commit'; end $$;" },
  ],
  [
    'transaction-control',
    { [one]: 'select 1;\nend;' },
    ['core/001_one.sql:2:1'],
    {
      [one]:
        "if object_id('dbo.a') is null\nbegin\n  create table dbo.a (id int identity(1,1));\n  create index i on dbo.a (id);\nend;",
    },
  ],
  [
    'missing-header',
    { [one]: '\n-- muse: service-only\nselect 1;\n-- late' },
    ['core/001_one.sql:1:1'],
    { [one]: '/* What it adds */\nselect 1;' },
  ],
  [
    'unknown-relation',
    { [one]: 'alter table a add b int;' },
    ['core/001_one.sql:1:13'],
    { [one]: 'alter table if exists a add b int; select * from auth.users, pg_class, information_schema.tables;' },
  ],
  [
    'unknown-relation',
    { [one]: 'create table a (b mood, c foo.bar, d int default nothing());' },
    ['core/001_one.sql:1:19', 'core/001_one.sql:1:27', 'core/001_one.sql:1:50'],
    { [one]: 'create table a (b text, d uuid default uuid_generate_v4());' },
  ],
  [
    'unknown-relation',
    {
      [one]:
        'create table a (b int); create index i on a (c); create policy p on a using (a.d = 1 and b in (select x.e from a x));',
    },
    ['core/001_one.sql:1:43', 'core/001_one.sql:1:78', 'core/001_one.sql:1:103'],
    {
      [one]:
        'create table a (b int); create index i on a (b); create policy p on a using (a.b = 1 and b in (select x.b from a x where a.b = x.b));',
    },
  ],
  [
    'unknown-relation',
    { [one]: 'create function f() returns void language plpgsql as $$ begin\n  delete from gone;\nend $$;' },
    ['core/001_one.sql:2:15'],
    {
      [one]:
        'create function f() returns void language plpgsql as $$ begin\n  delete from late;\nend $$; create table late (id int);',
    },
  ],
  [
    'unknown-relation',
    {
      [one]:
        "create function f() returns int language sql as 'select g()';\ncreate function g() returns int language sql as 'select 1';",
      [two]: 'drop function g();',
    },
    ['core/001_one.sql:1:57'],
    {
      [one]:
        "create function f() returns int language sql as 'select g()';\ncreate function g() returns int language sql as 'select 1';",
      [two]: "drop function g(); create or replace function f() returns int language sql as 'select 1';",
    },
  ],
  [
    'unknown-relation',
    { [one]: 'create table a (id int); drop table a; insert into a values (1);' },
    ['core/001_one.sql:1:52'],
    { [one]: 'create table a (id int); with a2 as (select 1) select * from a2, a;' },
  ],
  [
    'unknown-relation',
    { [one]: 'create table a (id int); drop schema public cascade; create schema public; insert into a values (1);' },
    ['core/001_one.sql:1:88'],
    { [one]: 'drop schema public cascade; create schema public; create table a (id int); insert into a values (1);' },
  ],
  [
    'unknown-relation',
    { [one]: 'create index i on dbo.a (id);' },
    ['core/001_one.sql:1:19'],
    { [one]: 'create table dbo.a (id int identity(1,1));\ncreate index i on dbo.a (id);' },
  ],
  [
    'unknown-relation',
    { [one]: 'do $$ begin alter table a add b int; end $$;' },
    ['core/001_one.sql:1:25'],
    {
      [one]:
        "do $$ begin if exists (select from information_schema.tables where table_name = 'a') then alter table a add b int; end if; end $$;",
    },
  ],
  [
    'unknown-relation',
    { [one]: "create table a (kind text check (status in ('a')), check (b > 0 and kind <> ''));" },
    ['core/001_one.sql:1:34', 'core/001_one.sql:1:59'],
    { [one]: "create table a (kind text check (kind in ('a')), b int, check (a.b > 0), like pg_class);" },
  ],
  [
    'unknown-relation',
    {
      [one]: 'create schema s; create function s.f() returns int language sql set search_path = s as $$ select g() $$;',
    },
    ['core/001_one.sql:1:98'],
    {
      [one]:
        "create schema s; create function s.f() returns int language sql set search_path to 's', 'extensions' as $$ select g() $$; create function s.g() returns int language sql as $$ select 1 $$;",
    },
  ],
  [
    'used-before-created',
    { [one]: 'alter table a add b int;', [two]: 'create table a (id int);' },
    ['core/001_one.sql:1:13'],
    { [one]: 'create table a (id int);', [two]: 'alter table a add b int;' },
  ],
  [
    'core-depends-on-extension',
    { [one]: 'select 1;\nalter table a add b int;', [ours]: 'create table a (id int);' },
    ['core/001_one.sql:2:13'],
    { [one]: 'create table a (id int);', [ours]: 'create table c (id int references a);' },
  ],
  [
    'table-redefined',
    { [one]: 'create table a (id int);', [two]: 'create table if not exists a (id int, b int);' },
    ['core/002_two.sql:1:28'],
    { [one]: 'create table a (id int, b int);', [two]: 'create table if not exists a (id int);' },
  ],
  [
    'table-redefined',
    { [one]: 'create table a (id int);', [two]: 'create table if not exists a (id bigint);' },
    ['core/002_two.sql:1:28'],
    {
      [one]: 'create table a (id int);',
      [two]: 'create table if not exists a (id int, b int); alter table a add b int;',
    },
  ],
  [
    'not-idempotent',
    { [one]: 'create table a (id int);' },
    ['core/001_one.sql:1:1'],
    {
      [one]:
        'create table if not exists a (id int); create temp table b (id int); create table pg_temp.c (id int); create table pg_temp.d as select 1 as id; create view pg_temp.e as select 1 as id;',
    },
  ],
  [
    'not-idempotent',
    { [one]: `${notes}create policy p on notes using (true);` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}drop policy if exists p on public.notes;\ncreate policy p on notes using (true);` },
  ],
  // What a file drops is found by its search path, as what it creates is.
  [
    'not-idempotent',
    {
      [one]: `create schema if not exists crm;\nset search_path = crm;\ncreate table if not exists notes (id int);
drop policy if exists p on public.notes;\ncreate policy p on notes using (true);
drop function if exists public.f();\ncreate function f() returns int language sql as 'select 1';
drop type if exists public.mood;\ncreate type mood as enum ('a');
drop index if exists public.by_id;\ncreate index by_id on notes (id);`,
    },
    ['core/001_one.sql:5:1', 'core/001_one.sql:7:1', 'core/001_one.sql:9:1', 'core/001_one.sql:11:1'],
    {
      [one]: `create schema if not exists crm;\nset search_path = crm;\ncreate table if not exists notes (id int);
drop policy if exists p on notes;\ncreate policy p on notes using (true);
drop function if exists f();\ncreate function f() returns int language sql as 'select 1';
drop type if exists mood;\ncreate type mood as enum ('a');
drop index if exists by_id;\ncreate index by_id on notes (id);
drop trigger if exists t on notes;\ncreate trigger t before insert on crm.notes execute function f();
drop index if exists crm.other;\ncreate index other on notes (id);`,
    },
  ],
  // What is of one session is gone before the file runs again.
  [
    'not-idempotent',
    {
      [one]: `${notes}alter table notes rename id to key; drop function b();
create type mood as enum ('a');\nalter type mood rename value 'a' to 'b';`,
    },
    ['core/001_one.sql:3:1', 'core/001_one.sql:3:37', 'core/001_one.sql:4:1', 'core/001_one.sql:5:1'],
    {
      [one]: `${notes}create temp table b (id int); alter table b add c int, drop id; alter table b rename c to d;
create temp sequence s; drop sequence s; create temp view v as select d from b; drop view v; drop table b;
create temp table notes (a int); drop table notes; create function pg_temp.f() returns int language sql as 'select 1';
create type pg_temp.t as (a int); create type pg_temp.e as enum ('a'); create domain pg_temp.o as int;
drop function pg_temp.f(); drop type pg_temp.t;`,
    },
  ],
  [
    'unknown-relation',
    { [one]: 'create temp table stash as select 1 as id;', [two]: 'insert into stash values (2);' },
    ['core/002_two.sql:1:13'],
    { [one]: 'create temp table stash as select 1 as id; insert into stash values (2);' },
  ],
  [
    'not-idempotent',
    { [one]: "create type mood as enum ('a');" },
    ['core/001_one.sql:1:1'],
    { [one]: "do $$ begin create type mood as enum ('a'); exception when duplicate_object then null; end $$;" },
  ],
  [
    'not-idempotent',
    { [one]: `${notes}alter table notes\n  add title text;` },
    ['core/001_one.sql:4:7'],
    { [one]: `${notes}alter table notes\n  add column if not exists title text;` },
  ],
  [
    'not-idempotent',
    { [one]: `${notes}alter table notes add constraint c check (true);` },
    ['core/001_one.sql:3:23'],
    {
      [one]: `${notes}alter table notes drop constraint if exists c;\nalter table notes add constraint c check (true);`,
    },
  ],
  [
    'extension-alters-core',
    {
      [one]: notes,
      [ours]: 'alter table notes add column if not exists a int, add column if not exists b int not null default 1;',
    },
    ['extensions/001_ours.sql:1:44', 'extensions/001_ours.sql:1:76'],
    { [one]: notes, [ours]: 'create table b (id int); alter table b add column if not exists a int;' },
  ],
  [
    'extension-breaks-core',
    {
      [one]: notes,
      [ours]: 'alter table notes add a int not null;\ncreate policy p on notes using (true);\ndrop table notes;',
    },
    ['extensions/001_ours.sql:1:23', 'extensions/001_ours.sql:2:1', 'extensions/001_ours.sql:3:1'],
    {
      [one]: notes,
      [ours]:
        'create table b (id int); alter table b drop column id; drop table b; create policy p on storage.objects using (true);',
    },
  ],
  [
    'extension-breaks-core',
    {
      [one]: 'create function f() returns int language sql as $$ select 1 $$;',
      [ours]: 'create or replace function f() returns int language sql as $$ select 2 $$;',
    },
    ['extensions/001_ours.sql:1:1'],
    {
      [one]: 'create function f() returns int language sql as $$ select 1 $$;',
      [ours]: 'create or replace function f(a int) returns int language sql as $$ select 2 $$;',
    },
  ],
  [
    'rls-missing',
    { [one]: notes },
    ['core/001_one.sql:2:28'],
    { [one]: 'create schema app; create table app.notes (id int); create view v as select 1;' },
  ],
  [
    'rls-missing',
    { [one]: 'create schema app; create table app.a (id int); grant select on app.a to anon;' },
    ['core/001_one.sql:1:33'],
    { [one]: 'create table a (id int); do $$ begin alter table a enable row level security; end $$;' },
  ],
  [
    'policy-missing',
    { [one]: `${notes}alter table notes enable row level security;\ngrant select on notes to authenticated;` },
    ['core/001_one.sql:3:1'],
    {
      [one]: `${notes}-- muse: service-only\nalter table notes enable row level security;\ngrant select on notes to authenticated;`,
    },
  ],
  [
    'policy-missing',
    {
      [one]: `${notes}alter table notes enable row level security;\n\n-- server-side only\ngrant select on notes to anon;`,
    },
    ['core/001_one.sql:3:1'],
    {
      [one]: `${notes}alter table notes enable row level security;\n-- No policies as this is a private table: the user must not read it.\n\ngrant select on notes to anon;`,
    },
  ],
  [
    'policy-missing',
    { [one]: `${notes}alter table notes enable row level security;\ngrant select (id) on notes to anon;` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}alter table notes enable row level security;\ngrant select on notes to service_role;` },
  ],
  [
    'policy-missing',
    {
      [one]:
        'create table a (id int) partition by list (id); create table b partition of a for values in (1); alter table a enable row level security; grant select on a, b to anon;',
    },
    ['core/001_one.sql:1:98'],
    {
      [one]:
        'create table a (id int) partition by list (id); create table b partition of a for values in (1); alter table b enable row level security; grant select on b to anon;',
    },
  ],
  [
    'rls-missing',
    {
      [one]:
        'create table a (id int) partition by list (id); create table b partition of a for values in (1); alter table a enable row level security; grant select on b to anon;',
    },
    ['core/001_one.sql:1:62'],
    {
      [one]:
        'create table a (id int) partition by list (id); create table b partition of a for values in (1); alter table a enable row level security; grant select on a to anon;',
    },
  ],
  [
    'psql-command',
    { [one]: '-- dump\n\\restrict k3y\n\nset row_security = off;\nselect 1;\n\n\\unrestrict k3y\n' },
    ['core/001_one.sql:2:1', 'core/001_one.sql:7:1'],
    { [one]: "select 'a\\restrict';" },
  ],
  [
    'foreign-dialect',
    { [one]: "create table a (id text);\ninsert or ignore into a values ('a');" },
    ['core/001_one.sql:2:11'],
    { [one]: "create table a (id text);\ninsert into a (ignore) values ('a')('b');" },
  ],
  [
    'foreign-dialect',
    { [one]: 'create table a (id number(10), n varchar2(20));\n/\nselect 1;' },
    ['core/001_one.sql:1:17', 'core/001_one.sql:1:32', 'core/001_one.sql:2:1'],
    { [one]: 'create domain number as numeric;\ncreate table a (id number);\nselect 4 / 2;' },
  ],
  [
    'foreign-dialect',
    { [one]: 'create index b on a (n) storing (id);' },
    ['core/001_one.sql:1:25'],
    { [one]: 'create table a (storing int);\ncreate index b on a (storing) include;' },
  ],
  [
    'foreign-dialect',
    { [one]: 'install httpfs;\nselect 1;' },
    ['core/001_one.sql:1:1'],
    { [one]: 'select 1 install httpfs;' },
  ],
  [
    'foreign-dialect',
    { [one]: 'insert into a values (1) on duplicate key update id = 2;' },
    ['core/001_one.sql:1:29'],
    { [one]: 'insert into a values (1) on conflict duplicate key;' },
  ],
  [
    'foreign-dialect',
    { [one]: 'select `a`;' },
    ['core/001_one.sql:1:8'],
    { [one]: '\\set text `cat a.txt`\nselect 1;' },
  ],
  ['psql-command', { [one]: '\\set text `cat a.txt`\nselect 1;' }, ['core/001_one.sql:1:1'], { [one]: "select 'a';" }],
  [
    'psql-command',
    { [one]: 'create table a (id int, b text);\ncopy a (id, b) from stdin;\n1\tx;y\n2\tz\n\\.\n\nselect 1;' },
    ['core/001_one.sql:2:1'],
    { [one]: "copy a from '/tmp/a.csv';" },
  ],
  [
    'syntax-error',
    { [one]: 'select \\restrict;' },
    ['core/001_one.sql:1:8'],
    { [one]: 'copy a from stdin;\n1\tx;y\n\\.\n' },
  ],
  [
    'transaction-mixed',
    { [one]: 'create database x;\nselect 1;' },
    ['core/001_one.sql:1:1'],
    { [one]: 'create database x;' },
  ],
  [
    'transaction-mixed',
    {
      [one]: `${notes}create index concurrently if not exists i on notes (id);\ncreate index concurrently if not exists j on notes (user_id);`,
    },
    ['core/001_one.sql:3:1', 'core/001_one.sql:4:1'],
    { [one]: 'set lock_timeout = 0;\ncreate index concurrently if not exists i on auth.users (id);\nvacuum;' },
  ],
  [
    'policy-without-role',
    { [one]: `${notes}create policy p on notes using (user_id is null);` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}create policy p on notes to anon using (user_id is null);` },
  ],
  [
    'policy-without-role',
    { [one]: `${notes}create policy p on notes to public using (user_id is null);` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}create policy p on notes using (user_id = current_setting('app.user')::uuid);` },
  ],
  [
    'policy-always-true',
    { [one]: `${notes}create policy p on notes for insert to authenticated with check (true);` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}create policy p on notes for all to service_role using (true);` },
  ],
  [
    'policy-always-true',
    { [one]: `${notes}create policy p on notes for select to anon using (1 = 1);` },
    ['core/001_one.sql:3:1'],
    { [one]: `${notes}-- muse: public-read\ncreate policy p on notes for select to anon using (true);` },
  ],
  [
    'policy-reads-auth-users',
    {
      [one]: `${notes}create policy p on notes to authenticated using (exists (select from auth.users u where u.id = user_id));`,
    },
    ['core/001_one.sql:3:1'],
    {
      [one]: `${notes}create function f() returns boolean language sql security definer set search_path = '' as $$ select exists (select from auth.users) $$; create policy p on notes to authenticated using (f());`,
    },
  ],
  [
    'policy-per-row-call',
    { [one]: `${notes}create policy p on notes to authenticated using (user_id = auth.uid());` },
    ['core/001_one.sql:3:60'],
    { [one]: `${notes}create policy p on notes to authenticated using (user_id = (select auth.uid()));` },
  ],
  [
    'grant-missing',
    { [one]: `${notes}create policy p on notes for select to authenticated using (true);` },
    ['core/001_one.sql:2:28'],
    {
      [one]: `alter default privileges in schema public grant select on tables to authenticated;\n${notes}create policy p on notes for select to authenticated using (true);`,
    },
  ],
  // To whom a statement grants that cannot be read is not known.
  ...['on notes to :app', 'on public.other, public."notes" to :"app"', 'on all tables in schema :s to x'].map(
    (grant): [RuleName, Files, string[], Files] => [
      'grant-missing',
      {
        [one]: `${notes}create policy p on notes for select to authenticated using (true);\ngrant select on other to :app;`,
      },
      ['core/001_one.sql:2:28'],
      { [one]: `${notes}create policy p on notes for select to authenticated using (true);\ngrant select ${grant};` },
    ],
  ),
  [
    'grant-missing',
    {
      [one]: `${notes}create policy p on notes to authenticated using (true);\ngrant select, insert on notes to authenticated;`,
    },
    ['core/001_one.sql:2:28'],
    {
      [one]: `${notes}create policy p on notes to authenticated using (true);\ngrant all on all tables in schema public to authenticated;`,
    },
  ],
  [
    'fk-without-index',
    { [one]: `${notes}create table b (id int, c int,\n  n uuid references notes, unique (id, n));` },
    ['core/001_one.sql:4:10'],
    { [one]: `${notes}create table b (id int, n uuid references notes, unique (n, id));` },
  ],
  [
    'fk-without-index',
    { [one]: `${notes}create table b (n uuid references notes); create index i on b (n) where n > gen_random_uuid();` },
    ['core/001_one.sql:3:24'],
    { [one]: `${notes}create table b (n uuid references notes); create index i on b (n) where n is not null;` },
  ],
  [
    'policy-per-row-call',
    {
      [one]: `${notes}create function f() returns uuid language sql stable as $$ select 1 $$; create policy p on notes to authenticated using (f() = id);`,
    },
    ['core/001_one.sql:3:122'],
    {
      [one]: `${notes}create function f() returns uuid language sql as $$ select 1 $$; create function g() returns uuid language sql stable as $$ select 1 $$; create policy p on notes to authenticated using (f() = id and (select g()) = id);`,
    },
  ],
  [
    'policy-column-without-index',
    { [one]: `${notes}create policy p on notes to authenticated using (user_id in (select auth.uid()));` },
    ['core/001_one.sql:3:1'],
    {
      [one]: `${notes}create policy p on notes to authenticated using (id = (select auth.uid()) and user_id is null);`,
    },
  ],
  [
    'definer-without-search-path',
    { [one]: 'create function f() returns int language sql security definer as $$ select 1 $$;' },
    ['core/001_one.sql:1:1'],
    {
      [one]:
        "create function f() returns int language sql security definer as $$ select 1 $$; alter function f() set search_path = '';",
    },
  ],
  [
    'enum-type',
    { [one]: "create type app_mood as enum ('a');" },
    ['core/001_one.sql:1:1'],
    { [one]: 'create type pair as (a int, b int);' },
  ],
  [
    'swallowed-exception',
    { [one]: 'do $$ begin perform 1;\nexception when others then null; end $$;' },
    ['core/001_one.sql:2:11'],
    { [one]: "do $$ begin perform 1;\nexception when others then raise exception 'no'; end $$;" },
  ],
  [
    'swallowed-exception',
    { [one]: "do $$ begin perform 1;\nexception when others then raise warning 'oh: %', sqlerrm; end $$;" },
    ['core/001_one.sql:2:11'],
    { [one]: 'do $$ begin perform 1;\nexception when others then if true then raise; end if; end $$;' },
  ],
  [
    'secret-literal',
    { [one]: `create table a (k text); insert into a (k) values ('sk_live_${'a1'.repeat(12)}');` },
    ['core/001_one.sql:1:52'],
    { [one]: "create table a (k text); insert into a (k) values ('sk_live_...');" },
  ],
  [
    'secret-literal',
    { [one]: "create table a (api_key text); insert into a (api_key) values ('hunter2hunter2');" },
    ['core/001_one.sql:1:64'],
    { [one]: "create table a (api_key text); insert into a (api_key) values ('change_me');" },
  ],
  [
    'secret-literal',
    {
      [one]: `create table a (k text); insert into a (k) values ('${token({ iss: 'supabase', role: 'service_role' })}');`,
    },
    ['core/001_one.sql:1:52'],
    {
      [one]: `select '${token({ iss: 'supabase', role: 'anon' })}', '${token({ iss: 'supabase-demo', role: 'service_role' })}';`,
    },
  ],
  [
    'secret-literal',
    { [one]: "create table a (api_key text); delete from a where api_key = 'hunter2hunter2';" },
    ['core/001_one.sql:1:62'],
    {
      [one]:
        "create table a (api_key text); select 'Bearer ' || api_key, api_key like 'REPLACE_%', api_key = '<the key>', api_key = '${KEY}' from a;",
    },
  ],
  [
    'secret-literal',
    { [one]: "create table a (password text); insert into a (password) values ('correct-horse-7');" },
    ['core/001_one.sql:1:66'],
    {
      [one]:
        "create table a (password text); insert into a (password) values ('your-password'), ('xxxxxxxx'), ('example123'), ('[redacted]'), ('CHANGE_ME_IN_PRODUCTION');",
    },
  ],
  [
    'secret-literal',
    { [one]: "select 'postgres://your_user:correct-horse@db.example.com/x';" },
    ['core/001_one.sql:1:8'],
    {
      [one]:
        "select 'postgres://your_user:your_password@db.example.com/x', 'postgres://postgres:postgres@localhost:54322/postgres', 'postgresql://app:app-password@db:5432/app';",
    },
  ],
  [
    'secret-literal',
    { [one]: "select 'AKIAZ5K2QJ7XW3PL9RTV';" },
    ['core/001_one.sql:1:8'],
    { [one]: "select 'AKIAIOSFODNN7EXAMPLE';" },
  ],
  [
    'secret-literal',
    { [one]: "create role app login password 'correct-horse-7';\nalter role app password 'battery-8';" },
    ['core/001_one.sql:1:23', 'core/001_one.sql:2:16'],
    { [one]: "create role app login password 'change-me';\nalter role app password null;" },
  ],
  [
    'personal-data-literal',
    { [one]: "select 'jane@company.io';" },
    ['core/001_one.sql:1:8'],
    { [one]: "select 'support@company.io', 'jane@example.com', '%@%';" },
  ],
  [
    'personal-data-literal',
    { [one]: "create table a (user_id uuid); delete from a where user_id = '3f52f47d-bc1c-4347-a2f4-dda664497965';" },
    ['core/001_one.sql:1:62'],
    { [one]: "create table a (id uuid); delete from a where id = '3f52f47d-bc1c-4347-a2f4-dda664497965';" },
  ],
  [
    'secret-column',
    { [one]: 'create table a (id int, access_token text);' },
    ['core/001_one.sql:1:25'],
    { [one]: 'create table a (id int, access_token_encrypted text, secret_id uuid, api_key_hash text, secret bytea);' },
  ],
  [
    'rollback-missing',
    { 'migrations/extensions/002_b.sql': 'select 1;' },
    ['extensions/002_b.sql:1:1'],
    { [ours]: 'select 1;', [one]: 'select 1;' },
  ],
  [
    'policy-trusts-user-metadata',
    {
      [one]: `${notes}create policy p on notes to authenticated using (user_id = auth.uid() or (auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');`,
    },
    ['core/001_one.sql:3:1'],
    {
      [one]: `${notes}create policy p on notes to authenticated using (user_id = auth.uid() and (auth.jwt() -> 'user_metadata' ->> 'taste') = 'all');
        create policy r on notes as restrictive to authenticated using ((auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');
        create policy a on notes to authenticated using ((auth.jwt() -> 'app_metadata' ->> 'role') = 'user_metadata');`,
    },
  ],
  [
    'policy-trusts-user-metadata',
    {
      [one]: `${notes}create function is_admin() returns boolean language sql stable as $$ select auth.jwt() #>> '{user_metadata,role}' = 'admin' $$;
create policy p on notes to authenticated using (auth.uid() is not null and is_admin());`,
    },
    ['core/001_one.sql:4:1'],
    {
      [one]: `${notes}create function is_admin() returns boolean language sql stable as $$ select auth.jwt() #>> '{app_metadata,role}' = 'admin' $$;
create policy p on notes to authenticated using (is_admin());`,
    },
  ],
  [
    'soft-delete-refused',
    {
      [one]: `${notes}alter table notes add deleted_at timestamptz;
create policy r on notes for select to authenticated using (user_id = auth.uid() and deleted_at is null);
create policy u on notes for update to authenticated using (user_id = auth.uid());`,
    },
    ['core/001_one.sql:4:1'],
    {
      [one]: `${notes}alter table notes add deleted_at timestamptz;
create policy r on notes for select to authenticated using (user_id = auth.uid() and deleted_at is null);
create policy all_r on notes for select to authenticated using (user_id = auth.uid());
create policy u on notes for update to authenticated using (user_id = auth.uid());`,
    },
  ],
  [
    'soft-delete-refused',
    {
      [one]: `${notes}alter table notes add is_deleted boolean;
create policy a on notes for all to authenticated using (user_id = auth.uid() and not is_deleted) with check (user_id = auth.uid());`,
    },
    ['core/001_one.sql:4:1'],
    {
      [one]: `${notes}alter table notes add is_deleted boolean;
create policy a on notes for all to authenticated using (user_id = auth.uid() and is_deleted = false);
create policy d on notes for delete to authenticated using (user_id = auth.uid());`,
    },
  ],
  ...[
    ['create table {{ .Prefix }}a (id int);', '1:14'],
    ['select 1;\n{% if x %} select 2; {% endif %}', '2:1'],
    ['create table <%= name %> (id int);', '1:14'],
    ['create table ${schema}.a (id int);', '1:14'],
    ['grant usage on schema public to :DATABASE_VISITOR;', '1:33'],
    ["insert into a values (1,\n  :'text');", '2:3'],
    ['alter table a owner to :owner;', '1:24'],
    ['alter table a owner to :"owner";', '1:24'],
    ['<<<<<<< HEAD\nselect 1;\n=======\nselect 2;\n>>>>>>> other', '1:1'],
  ].map(([sql = '', at = '']): [RuleName, Files, string[], Files] => [
    'template-file',
    { [one]: sql },
    [`core/001_one.sql:${at}`],
    {
      [one]:
        "select '{{ .Prefix }} {% if %} <%= a %> ${b}'; -- {{ .a }}\n/* <<<<<<< */\nselect '{{ .a }}' fromm x y; -- a typo, {% not %} a template\nselect 'x'::A_B, a[1:B_C] fromm x y;",
    },
  ]),
  [
    'history-incomplete',
    {
      [one]:
        'alter table people add x int;\nalter table orders add x int;\nalter table shipments add x int;\ncreate table warehouse (id int);',
    },
    ['core/001_one.sql:1:13'],
    {
      [one]:
        'alter table people add x int;\nalter table orders add x int;\ncreate table shipments (id int);\ncreate table warehouse (id int);',
    },
  ],
  // The first file changes what is not there, however much the next ones create.
  [
    'history-incomplete',
    {
      [one]: 'alter table people add x int;',
      [two]:
        'create index i on orders (x);\ncreate table a (id int);\ncreate table b (id int);\ncreate table c (id int);',
    },
    ['core/001_one.sql:1:13'],
    {
      [one]: 'alter table people add x int;\ncreate table d (id int);',
      [two]:
        'create index i on orders (x);\ncreate table a (id int);\ncreate table b (id int);\ncreate table c (id int);',
    },
  ],
  [
    'history-incomplete',
    {
      [one]:
        'alter table people add x int;\ncreate policy p on orders for select using (true);\nupdate shipments set x = 1;\ncreate table a (id int references people);\ncreate table b (id int);\ncreate table c (id int);',
    },
    ['core/001_one.sql:1:13'],
    {
      [one]:
        'alter table people add x int;\nselect x from orders, shipments;\ncreate table a (id int references people);\ncreate table b (id int);\ncreate table c (id int);',
    },
  ],
  [
    'extension-unavailable',
    { [one]: 'create extension if not exists pgroonga;\ncreate extension pg_trgm;' },
    ['core/001_one.sql:1:1'],
    { [one]: 'create extension if not exists pg_trgm; create extension if not exists supabase_vault;' },
  ],
];

describe('rollback-empty', () => {
  const file = 'migrations/rollback/extensions/001_ours.sql';
  it.each<[string, string, string, string[]]>([
    ['a comment', 'select 1;', '-- Later.\n/* or /* never */ */\n;\n', [ours]],
    ['nothing', 'select 1;', '', [ours]],
    ['a statement', 'select 1;', '-- Back.\nselect 1;', []],
    ['what is not SQL', 'select 1;', 'drop tabel x;', []],
    ['nothing, for a file that does nothing', '-- Nothing yet.\n', '-- Nothing.\n', []],
  ])('%s is found in the file it belongs to', async (_what, sql, rollback, expected) => {
    const { findings } = await lint({
      migrations: migrationsOf({ [one]: 'select 1;', [ours]: sql, 'migrations/extensions/002_next.sql': 'select 1;' }),
      rollbacks: new Map([
        [ours, { file, sql: rollback }],
        ['migrations/extensions/002_next.sql', { file: 'x', sql: 'select 1;' }],
      ]),
    });
    expect(findings.filter(({ rule }) => rule === 'rollback-empty').map((finding) => finding.file)).toEqual(expected);
  });
});

describe('each rule', () => {
  it.each(cases.map(([rule, files, expected]) => [rule, files, expected] as const))(
    '%s finds %j',
    async (rule, files, expected) => {
      expect(await places(rule, files)).toEqual(expected);
    },
  );

  it.each(cases.map(([rule, , , near]) => [rule, near] as const))('%s accepts %j', async (rule, near) => {
    expect(await places(rule, near)).toEqual([]);
  });
});

describe('down-section', () => {
  const found = async (sql: string): Promise<string[]> =>
    (await lint(await readFrom({ [one]: sql }))).findings
      .filter(({ rule }) => rule === 'down-section')
      .map(({ line, message }) => `${line}: ${/undoes it, (.*)\): whatever/.exec(message)?.[1]}`);
  const table = 'create table if not exists a (id int);\n';
  it.each<[string, string, string[]]>([
    [
      'dbmate',
      `-- a\n-- migrate:up\n${table}-- migrate:down\ndrop table a;`,
      ['2: as dbmate writes them ("-- migrate:down"'],
    ],
    [
      'tern',
      `-- a\n${table}---- create above / drop below ----\ndrop table a;`,
      ['2: as tern writes them ("---- create above / drop below ----"'],
    ],
    ['its own', `${table}-- Down\ndrop table a;`, ['1: as a comment says ("-- Down"']],
    ['a string', `select '\n-- migrate:up\n-- migrate:down\n';`, []],
    [
      'ignored',
      `-- muse: ignore down-section because dbmate runs it\n-- migrate:up\n${table}-- migrate:down\ndrop table a;`,
      [],
    ],
  ])('%s', async (_, sql, expected) => {
    expect(await found(sql)).toEqual(expected);
  });
});

describe('secret-literal', () => {
  it.each(['change-of-heart', 'insert coin 42x', 'password123', '{"key":"abc123def"}', '$ecret-42', 'my-secret'])(
    'is found where a secret has a word of a placeholder: %s',
    async (secret) => {
      const sql = `create table a (password text); insert into a (password) values ('${secret}');`;
      expect(await places('secret-literal', { [one]: sql })).toEqual(['core/001_one.sql:1:66']);
    },
  );
});

const members = 'create table members (org uuid, user_id uuid);\nalter table members enable row level security;\n';

describe('recursion', () => {
  const see = (using: string): string => `create policy see on members for select to authenticated using (${using});`;
  it.each([
    ['its own table', `${members}${see('org in (select m.org from members m)')}`, 1],
    [
      'through a function of the asker',
      `${members}create function f() returns uuid language sql as $$ select org from members $$;\n${see('org = f()')}`,
      1,
    ],
    [
      'not through a function of the owner',
      `${members}create function f() returns uuid language sql security definer set search_path = '' as $$ select org from public.members $$;\n${see('org = f()')}`,
      0,
    ],
    [
      'through another table',
      `${members}create table orgs (id uuid);\nalter table orgs enable row level security;\ncreate policy o on orgs for select to authenticated using (id in (select org from members));\n${see('org in (select id from orgs)')}`,
      2,
    ],
    [
      'not if the other table depends on no user',
      `${members}create table orgs (id uuid);\nalter table orgs enable row level security;\ncreate policy o on orgs for select to authenticated using (true);\n${see('org in (select id from orgs)')}`,
      0,
    ],
    [
      'not for a write that reads what is open',
      `${members}${see('user_id is null')}\ncreate policy w on members for insert to authenticated with check (org in (select org from members));`,
      0,
    ],
    [
      'through a view with the rights of the asker',
      `${members}create view v with (security_invoker = on) as select * from members;\n${see('org in (select org from v)')}`,
      1,
    ],
    [
      'not through a view of the owner',
      `${members}create view v as select * from members;\n${see('org in (select org from v)')}`,
      0,
    ],
    [
      'through two functions of the asker',
      `${members}create function g() returns uuid language sql as $$ select org from members $$;\ncreate function f() returns uuid language sql as $$ select g() $$;\n${see('org = f()')}`,
      1,
    ],
    [
      'on a table that no file creates',
      'alter table gone enable row level security;\ncreate policy see on gone to authenticated using (id in (select g.id from gone g));',
      1,
    ],
  ])('%s', async (_, sql, count) => {
    expect(await places('policy-recursive', { [one]: sql })).toHaveLength(count);
  });
});

it('names the error of a recursion: 42P17 for what PostgreSQL expands, 54001 for what a function does', async () => {
  const see = (using: string): string => `create policy see on members for select to authenticated using (${using});`;
  const said = async (sql: string): Promise<string | undefined> =>
    (await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() })).findings.find(
      ({ rule }) => rule === 'policy-recursive',
    )?.message;
  expect(await said(`${members}${see('org in (select m.org from members m)')}`)).toContain('42P17');
  expect(
    await said(
      `${members}create function f() returns uuid language sql as $$ select org from members $$;\n${see('org = f()')}`,
    ),
  ).toMatch(/through public\.f\(\).*54001/);
});

it('a role without any privilege is an error, a missing verb a warning', async () => {
  const policies = `${notes}alter table notes enable row level security;\ncreate policy r on notes for select to authenticated using (id = user_id);\ncreate policy w on notes for insert to authenticated with check (id = user_id);\n`;
  const levels = async (sql: string): Promise<string[]> =>
    (await lint({ migrations: migrationsOf({ [one]: policies + sql }), rollbacks: new Set() })).findings
      .filter(({ rule }) => rule === 'grant-missing')
      .map(({ severity }) => severity);
  expect(await levels('')).toEqual(['error']);
  expect(await levels('grant select on notes to authenticated;')).toEqual(['warning']);
  expect(await levels('grant all on notes to authenticated;\nrevoke insert on notes from authenticated;')).toEqual([
    'warning',
  ]);
  expect(await levels('grant select, insert on notes to public;')).toEqual([]);
});

describe('settings in files and muse.json', () => {
  it('an ignore silences one finding and is counted', async () => {
    const sql = `${notes}-- muse: ignore enum-type because the app reads it\ncreate type a as enum ('x');\ncreate type b as enum ('x');`;
    const { findings, silenced } = await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() });
    expect(findings.filter(({ rule }) => rule === 'enum-type').map(({ object }) => object)).toEqual(['b']);
    expect(silenced).toBe(1);
  });

  it('an ignore above the DROP applies to the CREATE after it', async () => {
    const sql = `${notes}-- muse: ignore policy-without-role because strangers may\ndrop policy if exists p on notes;\ncreate policy p on notes using (user_id is null);`;
    expect((await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() })).silenced).toBe(1);
  });

  it('muse.json can raise and silence warnings, but never silence an error', async () => {
    const migrations = migrationsOf({ [one]: `create type a as enum ('x');\n${notes}` });
    const { findings } = await lint({
      migrations,
      rollbacks: new Set(),
      severities: { 'enum-type': 'error', 'missing-header': 'off', 'rls-missing': 'off', 'not-idempotent': 'off' },
    });
    expect(findings.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual([
      'enum-type error',
      'rls-missing error',
    ]);
  });

  it('a finding has its line as the snippet', async () => {
    const { findings } = await lint({
      migrations: migrationsOf({ [one]: '-- x\r\n\tcreate type "ä" as enum (\'x\');\r\n' }),
      rollbacks: new Set(),
    });
    expect(findings[0]).toMatchObject({ line: 2, column: 2, snippet: '\tcreate type "ä" as enum (\'x\');' });
  });
});
