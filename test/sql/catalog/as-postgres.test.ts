import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import { openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { checksumOf } from '../../../src/migrations/read.ts';
import { lint } from '../../../src/rules/registry.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

const reading = ['unknown-relation', 'used-before-created', 'syntax-error'];

/** What the reader of SQL misses in a file, without the names of the file. */
async function missing(sql: string): Promise<string[]> {
  const migration = {
    layer: 'core' as const,
    file: 'migrations/core/001_a.sql',
    number: '001',
    checksum: checksumOf(sql),
    sql,
  };
  const { findings } = await lint({ migrations: [migration], rollbacks: new Map() });
  return findings.filter(({ rule }) => reading.includes(rule)).map(({ rule, message }) => `${rule}: ${message}`);
}

/** Runs a file as PostgreSQL does, and rolls it back. */
async function run(sql: string): Promise<void> {
  await database.script(`begin; ${sql};`).finally(() => database.script('rollback'));
}

const body = (statements: string, declares = ''): string =>
  `create function f() returns void language plpgsql as $$ declare x int; ${declares} begin ${statements} end $$`;

/** Files that PostgreSQL accepts, and one that differs in a name that is not there. */
const cases: { name: string; sql: string; wrong?: string; says?: string }[] = [
  {
    name: 'a DO that ends where something is not there',
    says: 'Table nothing',
    sql: "do $$ begin if to_regclass('nothing') is null then return; end if; alter table nothing add column x int; update nothing set x = 1; end $$; do $$ begin if not exists (select from pg_tables where tablename = 'nothing') then return; end if; if true then select 1 from nothing; end if; end $$;",
    wrong:
      "do $$ begin if to_regclass('nothing') is null then raise notice 'no'; end if; update nothing set x = 1; end $$;",
  },
  {
    name: 'a DROP under a condition, of what the file makes later',
    says: 'is used here and created only later',
    sql: 'create table a (id int); do $$ begin if exists (select from pg_index where not indisvalid) then drop index public.a_i; drop table public.b; end if; end $$; create index a_i on a (id); create table b (id int);',
    wrong: 'create table a (id int); do $$ begin drop index public.a_i; end $$; create index a_i on a (id);',
  },
  {
    name: 'FOR UPDATE OF names aliases',
    sql: `create table a (id int); create function g() returns int language sql set search_path = pg_catalog as 'select p.id from public.a p for update of p'`,
    wrong: `create function g() returns int language sql set search_path = pg_catalog as 'select p.id from public.b p for update of p'`,
    says: 'Table b',
  },
  {
    name: 'values of EXECUTE … USING are no SQL',
    sql: body(`execute 'select $1' into x using 'critical';`),
  },
  {
    name: 'the SQL of EXECUTE is read',
    sql: body(`execute 'select 1';`),
    wrong: body(`execute 'selec 1';`),
    says: 'syntax error',
  },
  {
    name: 'values of FOR … IN EXECUTE and RETURN QUERY EXECUTE',
    sql: `create function f() returns setof text language plpgsql as $$ declare r record; begin
      for r in execute 'select $1 as v' using 'low' loop end loop; return query execute 'select $1' using 'high'; end $$`,
  },
  {
    name: 'fields of a variable with a composite type',
    sql: `create type point3 as (x int, y int); ${body('p.y := 1; "Q r".x := p.y;', 'p point3; "Q r" constant_like; /* p */').replace('constant_like', 'point3 := row(1, 2)')}`,
  },
  {
    name: 'fields of an argument with a composite type',
    sql: `create type point3 as (x int, y int); create function f(inout p point3) language plpgsql as $$ begin p.x := 2; end $$`,
  },
  {
    name: 'a cursor that is an argument, by name or number',
    sql: `create function f(refcursor, named refcursor) returns refcursor language plpgsql as $$ begin open $1 for select 1; open named for select 'ü'; fetch $2 into named; close $1; return $1; end $$`,
    wrong: 'create function f(int) returns int language plpgsql as $$ begin open $1 for select 1; return $1; end $$',
    says: 'cursor',
  },
  {
    name: 'an assignment to a field of nothing',
    sql: body('x := 1;'),
    wrong: body('nothing.x := 1;'),
    says: 'not a known variable',
  },
  {
    name: 'temporary tables that a body makes',
    sql: body(
      'create temp table t1 (a int); insert into t1 values (1); create temp table t2 as select 1 as b; perform b from t2;',
    ),
    wrong: body('insert into t3 values (1);'),
    says: 'Table t3',
  },
  {
    name: 'transition tables of a trigger',
    sql: `create table a (id int); create function f() returns trigger language plpgsql as $$ begin perform count(*) from added; return null; end $$;
      create trigger t after insert on a referencing new table as added for each statement execute function f()`,
  },
  {
    name: 'the type of a temporary table',
    sql: 'create temp table a (x int); create function pg_temp.f(a) returns int language sql as $$ select 1 $$',
  },
  {
    name: 'options are no types',
    sql: 'create table a (x int) with (autovacuum_enabled = off); create view v with (security_invoker = on, check_option = local) as select x from a',
  },
  {
    name: 'an aggregate',
    sql: `create aggregate total(int) (sfunc = int4pl, stype = int, parallel = safe); select total(x) from (values (1)) v(x)`,
  },
  {
    name: 'the type of an aggregate',
    sql: 'select 1',
    wrong: 'create aggregate total(int) (sfunc = int4pl, stype = nosuch)',
    says: 'Type nosuch',
  },
  {
    name: 'a range, its multirange and their constructors',
    sql: 'create type span as range (subtype = int); select span(1, 2), span_multirange(span(1, 2)); create type textrange as range (subtype = text, collation = "C"); select textmultirange()',
  },
  {
    name: 'a type called like a function',
    sql: `create domain mail as text; select mail('a'), date('2026-01-01'), tsquery('a')`,
  },
  {
    name: 'a column that a function computes',
    sql: `create table p (first text); create function full_name(p) returns text language sql as $$ select $1.first $$; create view v as select x.full_name from p x`,
    wrong:
      'create table p (first text); create function last_name(text) returns text language sql as $$ select $1 $$; create view v as select x.last_name from p x',
    says: 'Column p.last_name',
  },
  {
    name: 'an alias of a join',
    sql: 'create table a (x int); create table b (y int); create view v as select j.one, j.two from (a cross join b) as j (one, two)',
  },
  { name: 'TABLESAMPLE', sql: 'create table a (x int); create view v as select x from a tablesample bernoulli (50)' },
  {
    name: 'a schema with its contents, in any order',
    sql: 'create schema shop create view names as select name from items create table items (id serial, name text) create index on items (name); select name from shop.names',
    wrong: 'create schema shop create table items (id int); select 1 from shop.orders',
    says: 'Table shop.orders',
  },
  {
    name: 'DROP … IF EXISTS before the CREATE',
    sql: "drop type if exists mood; create type mood as enum ('a'); drop domain if exists mail; create domain mail as text",
  },
  {
    name: 'an index or a sequence where a table is named',
    sql: 'create table a (id serial primary key, n int unique); create index i on a (n); alter table i rename to j; alter table a_id_seq rename to s; alter index j rename to k; drop index k; select last_value from s; alter table a_n_key rename to unique_n',
  },
  {
    name: 'the index of an exclusion constraint without a name',
    sql: 'create table a (x int, r int4range, exclude using gist (r with &&), exclude using gist ((int4range(x, x)) with =, r with &&), exclude using gist ((r::int4range) with &&, (r * r) with &&)); reindex index a_r_excl; alter table a drop constraint a_int4range_r_excl; reindex index a_r_expr_excl',
    wrong: 'create table a (r int4range, exclude using gist (r with &&)); reindex index a_s_excl',
    says: 'a_s_excl',
  },
  {
    name: 'keys of a table of a composite type',
    sql: 'create type pair as (a int, b int); create table t of pair (primary key (a), b with options default 1); create index on t (a, b)',
  },
  {
    name: 'SET CONSTRAINTS',
    sql: 'create table a (id int constraint one unique deferrable); set constraints one deferred',
  },
  {
    name: 'a view or index that is renamed as a table, and a type',
    sql: `create view v as select 1 as x; alter table v rename to w; select x from w; create type mood as enum ('a'); alter type mood rename to feeling; create table t (f feeling)`,
  },
  {
    name: 'one overload that is dropped',
    sql: `create function f(int) returns int language sql as 'select 1'; create function f(text) returns int language sql as 'select 2'; drop function f(integer); select f('a'::text)`,
  },
  {
    name: 'columns that a parent gets, renames and drops',
    sql: 'create table p (a int, b int, c int); create table c () inherits (p); alter table p add column d int; alter table c alter column d set default 1; alter table p rename column a to e; alter table c alter column e set not null; alter table p drop column c; alter table c add column c int; alter table c drop column c',
  },
  {
    name: 'partitions that go with their table',
    sql: 'create table p (a int) partition by list (a); create table p1 (a int); alter table p attach partition p1 for values in (1); drop table p; create table p1 (b int); alter table p1 drop column b',
  },
  {
    name: 'LIKE of a composite type, and a comment on it',
    sql: `create type pair as (a int, b int); create table t (like pair); comment on column pair.a is 'a'; alter table t alter column b set not null`,
  },
  {
    name: 'a body that a later definition replaces',
    sql: `create function f() returns int language plpgsql as $$ begin return (select x from later); end $$; create or replace function f() returns int language plpgsql as $$ begin return 1; end $$`,
  },
  {
    name: 'a function, view, type and extension that move to another schema',
    sql: `create schema s; create function f() returns int language sql as 'select 1'; alter function f() set schema s; select s.f(); create view v as select 1 as x; alter view v set schema s; select x from s.v; create type mood as enum ('a'); alter type mood set schema s; create table t (m s.mood)`,
    wrong: `create schema s; create function f() returns int language sql as 'select 1'; alter function f() set schema s; select f()`,
    says: 'Function f was dropped',
  },
  {
    name: 'a function and a schema that are renamed, with what is in it',
    sql: `create function f() returns int language sql as 'select 1'; alter function f() rename to g; select g(); create schema s; create table s.t (a int); create sequence s.q; alter schema s rename to r; select a from r.t; select nextval('r.q')`,
    wrong: 'create schema s; create table s.t (a int); alter schema s rename to r; select a from s.t',
    says: 'Schema s',
  },
  {
    name: 'an overload that is not there, dropped with IF EXISTS',
    sql: `create function f(int) returns int language sql as 'select 1'; drop function if exists f(text); drop function if exists f(int, int); select f(1)`,
    wrong: `create function f(int) returns int language sql as 'select 1'; drop function if exists f(int); select f(1)`,
    says: 'Function f was dropped',
  },
  {
    name: 'a function that is dropped, altered, granted, commented or called',
    sql: `create function f(int) returns int language sql as 'select 1'; alter function f(int) stable; grant execute on function f(int) to public; comment on function f(int) is ''; drop function f(int); create procedure p() language sql as ''; call p()`,
    wrong: 'drop function f(int); alter function g() stable; grant execute on function h() to public; call p()',
    says: 'Function p',
  },
  {
    name: 'the function of a trigger',
    sql: `create table a (x int); create function f() returns trigger language plpgsql as $$ begin return new; end $$; create trigger t before update of x on a for each row when (old.x is distinct from new.x) execute function f()`,
    wrong: 'create table a (x int); create trigger t before update on a for each row execute function touch()',
    says: 'Function touch',
  },
  {
    name: 'the condition of a trigger',
    sql: 'create table a (x int)',
    wrong: `create table a (x int); create function f() returns trigger language plpgsql as $$ begin return new; end $$; create trigger t before update on a for each row when (new.y > 1) execute function f()`,
    says: 'Column a.y',
  },
  {
    name: 'a sequence in nextval, of the files or of a column, also after a rename',
    sql: `create sequence s; create table a (id serial, other int generated by default as identity, n int default nextval('s'::regclass)); select setval('a_id_seq', 5), currval('a_id_seq'); select nextval('public.a_other_seq'); alter table a rename to b; select nextval('a_id_seq'); alter sequence a_id_seq rename to b_id_seq; select nextval('b_id_seq'), pg_get_serial_sequence('b', 'id'); alter sequence s owned by b.n; grant usage on sequence s to public`,
    wrong: `select setval('nothing_id_seq', 5)`,
    says: 'Sequence nothing_id_seq',
  },
  {
    name: 'a name in a constant',
    sql: `create table "Big Table" (id int primary key); select '"Big Table"'::regclass, 'public."Big Table_pkey"'::regclass, 'pg_class'::regclass, to_regclass('nothing'), pg_total_relation_size('"Big Table"')`,
    wrong: `select 'nothing'::regclass`,
    says: 'Table nothing',
  },
  {
    name: 'indexes that PostgreSQL names',
    sql: 'create table a (x text, y text); create index on a (lower(x), lower(y), (x || y)) include (y); create index on a (coalesce(x, y)); drop index a_lower_lower1_expr_y_idx; drop index a_coalesce_idx; create table p (x int, y int unique) partition by list (y); create index on p (x); create table p1 partition of p for values in (1); alter index p1_x_idx rename to mine',
    wrong: 'create table a (x text); create index on a (x); drop index a_y_idx',
    says: 'Index a_y_idx',
  },
  {
    name: 'names that PostgreSQL cuts to fit',
    sql: `create table a_table_whose_name_is_already_nearly_as_long_as_any_can_be_ (a_column_whose_name_is_long_too_as_some_are serial unique); drop index if exists x; alter index a_table_whose_name_is_already_a_column_whose_name_is_long_t_key rename to short; select nextval('a_table_whose_name_is_already_a_column_whose_name_is_long_t_seq')`,
  },
  {
    name: 'what DROP, ALTER and COMMENT name',
    sql: `create table a (x int); create index i on a (x); create view v as select x from a; create materialized view m as select x from a; create sequence s; create type mood as enum ('a'); create schema n; comment on index i is ''; comment on view v is ''; comment on materialized view m is ''; comment on sequence s is ''; comment on column a.x is ''; drop index i; drop materialized view m; drop view v; drop sequence s; drop type mood; drop schema n`,
    wrong: 'drop index i; drop sequence s; drop type mood; drop schema n; drop materialized view m',
    says: 'Index i is used, and no migration creates it.',
  },
  {
    name: 'a column that COMMENT or RENAME names',
    sql: `create table a (x int); alter table a rename x to y; comment on column a.y is ''`,
    wrong: 'create table a (x int); alter table a rename y to z',
    says: 'Column a.y',
  },
  {
    name: 'columns of UPDATE, DELETE and INSERT … ON CONFLICT',
    sql: 'create table a (id int primary key, x int); create table b (id int, x int); insert into a as t (id, x) values (1, 2) on conflict (id) do update set x = excluded.x + t.x where t.x > 0 returning t.id; update a set x = b.x from b where a.id = b.id; delete from a using b as c where a.id = c.id returning a.x; with moved as (delete from b returning id, x) insert into a select id, x from moved; merge into a using b on a.id = b.id when matched then update set x = b.x when not matched then insert (id, x) values (b.id, b.x)',
    wrong: 'create table a (id int); update a set y = 1',
    says: 'Column a.y',
  },
  {
    name: 'the condition of an UPDATE',
    sql: 'create table a (id int)',
    wrong: `create table a (id int); update a set id = 1 where nmae = 'x'`,
    says: 'Column a.nmae',
  },
  {
    name: 'a text in double quotes',
    sql: `create table a (x text); insert into a values ('one')`,
    wrong: 'create table a (x text); insert into a values ("one")',
    says: 'Column one',
  },
  {
    name: 'the name before a column is one of FROM',
    sql: 'create table a (x int); create table b (y int); create view v as select a.x, (select b.y from b where b.y = a.x), s.z, f.f, t.u from a, lateral (select a.x as z) s, generate_series(1, 2) as f, (a cross join b) as t (u, w) for update of a; create view w as select generate_series.generate_series from generate_series(1, 2); create policy p on a using (exists (select from b where b.y = a.x))',
    wrong: 'create table a (x int); create view v as select b.x from a',
    says: 'no table and no alias called b',
  },
  {
    name: 'a policy that names another table',
    sql: 'create table a (x int)',
    wrong: 'create table a (x int); create table b (x int); create policy p on a using (b.x = 1)',
    says: 'no table and no alias called b',
  },
  {
    name: 'variables and fields in a DO block are no columns',
    sql: `create table a (x int); do $$ declare r record; y int := 1; begin for r in select 1 as z loop update a set x = y where x = r.z; create temp table c as select r.z as one; end loop; end $$`,
  },
  {
    name: 'a common table expression is visible where it is, and to those after it',
    sql: 'with one as (select 1 as x), two as (select x from one) select x from two; with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select i from n; select (with z as (select 1 as q) select q from z)',
    wrong: 'select (with z as (select 1 as q) select q from z), q from z',
    says: 'Table z',
  },
  {
    name: 'a table to write to is no common table expression',
    sql: 'select 1',
    wrong: 'with z as (select 1) insert into z values (1)',
    says: 'Table z',
  },
  {
    name: 'EXPLAIN ANALYZE makes what it explains',
    sql: `explain analyze create table a as select 1 as x; select x from a; explain create table b as select 1; explain select 1 as x into c; do $$ begin execute 'explain (analyze) select 1 as x into d'; end $$; select x from d`,
    wrong: 'explain create table a as select 1 as x; select x from a',
    says: 'Table a',
  },
  {
    name: 'a table that a function makes when it is called',
    sql: `create function make() returns void language plpgsql as $$ begin create table made (x int); end $$; create function outer_make() returns void language plpgsql as $$ begin perform make(); end $$; select outer_make(); insert into made values (1)`,
    wrong: `create function make() returns void language plpgsql as $$ begin create table made (x int); end $$; insert into made values (1)`,
    says: 'Table made',
  },
  {
    name: 'a view that goes with its table',
    sql: 'create table a (x int); create view v as select x from a; create view w as select x from v; drop view w; drop table a cascade',
    wrong:
      'create table a (x int); create view v as select x from a; create view w as select x from v; drop table a cascade; select x from w',
    says: 'Table w was dropped',
  },
  {
    name: 'a table until the end of the transaction',
    sql: 'create temp table a (x int) on commit drop; select x from a',
    wrong: 'begin; create temp table a (x int) on commit drop; commit; select x from a',
    says: 'Table a',
  },
  {
    name: 'an index of a temporary table before another of that name',
    sql: 'create table a (x int); create index i on a (x); create temp table a (x int); create index i on a (x); drop index i; drop index i',
    wrong: 'create table a (x int); create index i on a (x); drop index i; drop index i',
    says: 'Index i',
  },
  {
    name: 'a column named as a function of the row, and a table in its own partition key',
    sql: 'create table a (first text); select first(a) from a; create table p (x int, y int) partition by list ((row(x, y)::p))',
  },
  {
    name: 'columns of a generated column, a partition key and a check that is added',
    sql: 'create table a (x int, y int generated always as (x * 2) stored) partition by range (x); alter table a add column z int check (z > x), add check (x > 0)',
    wrong: 'create table a (x int) partition by range (w)',
    says: 'Column a.w',
  },
  {
    name: 'a check that is added',
    sql: 'create table a (x int)',
    wrong: 'create table a (x int); alter table a add check (w > 0)',
    says: 'Column a.w',
  },
  {
    name: 'a partition that is attached',
    sql: 'create table a (x int) partition by list (x); create table b (x int); alter table a attach partition b for values in (1); alter table a detach partition b',
    wrong: 'create table a (x int) partition by list (x); alter table a attach partition b for values in (1)',
    says: 'Table b',
  },
  {
    name: 'indexes of PostgreSQL itself',
    sql: `select 'pg_class_oid_index'::regclass`,
  },
  {
    name: 'a schema of the current role',
    sql: 'create schema authorization current_role create table postgres.a (x int); select x from postgres.a',
  },
  {
    name: 'a name with dots, and an empty part',
    sql: 'create table "a..b" ("c..d" int); select "c..d" from "a..b"',
    wrong: 'create table "a..b" ("c..d" int); select "...x" from "a..b"',
    says: '...x',
  },
  {
    name: 'a field of a field, and of a variable of a block with a label',
    sql: `create type pair as (x int, y int); create type pairs as (one pair, two pair); ${body('b.p.one.x := 1; p.two.y := 2;', 'p pairs;').replace('declare', '<<b>> declare')}`,
  },
  {
    name: 'a sequence goes with the table that it is owned by',
    sql: `create sequence s; create table t (id int); alter sequence s owned by t.id; alter sequence s owned by none; drop table t; select nextval('s')`,
    wrong: `create sequence s; create table t (id int); alter sequence s owned by t.id; drop table t; select nextval('s')`,
    says: 'Sequence s was dropped',
  },
  {
    name: 'a sequence goes with the column that it is owned by',
    sql: `create table t (id int, b int); create sequence s owned by t.id; alter table t rename id to n; alter table t drop column b; select nextval('s')`,
    wrong: `create table t (id int, b int); create sequence s owned by t.id; alter table t rename id to n; alter table t drop column n; select nextval('s')`,
    says: 'Sequence s was dropped',
  },
  {
    name: 'a sequence that was renamed goes with its table, too',
    sql: `create table t (id int); create sequence s owned by public.t.id; alter sequence s rename to r; alter table t rename to u; drop table u; create sequence r; select nextval('r')`,
    wrong: `create table t (id int); create sequence s owned by public.t.id; alter sequence s rename to r; alter table t rename to u; drop table u; select nextval('r')`,
    says: 'Sequence r was dropped',
  },
  {
    name: 'a sequence moves to another schema with its table',
    sql: `create schema y; create table t (id int); create sequence s owned by t.id; alter table t set schema y; select nextval('y.s')`,
    wrong: `create schema y; create table t (id int); create sequence s owned by t.id; alter table t set schema y; select nextval('s')`,
    says: 'Sequence s',
  },
  {
    name: 'a sequence of serial goes with its column',
    sql: `create table t (id serial, b int); alter table t drop column b; select nextval('t_id_seq')`,
    wrong: `create table t (id serial, b int); alter table t drop column id; select nextval('t_id_seq')`,
    says: 'Sequence t_id_seq',
  },
  {
    name: 'a sequence goes with its schema',
    sql: `create schema y; create sequence y.s; drop schema y cascade; create schema y; create sequence y.s; select nextval('y.s')`,
    wrong: `create schema y; create sequence y.s; drop schema y cascade; create schema y; select nextval('y.s')`,
    says: 'Sequence y.s was dropped',
  },
  ...[
    ['what it includes', '(a) include (b)'],
    ['its condition', '(a) where b > 0'],
    ['its expression', '((b + 1))'],
    ['what comes after an expression', '((a + 1), b)'],
  ].map(([name, on]) => ({
    name: `an index goes with a column: ${name}`,
    sql: `create table t (a int, b int, c int); create index i on t ${on}; alter table t drop column c; alter index i rename to j`,
    wrong: `create table t (a int, b int, c int); create index i on t ${on}; alter table t rename b to d; alter table t drop column d; alter index i rename to j`,
    says: 'Index i',
  })),
  {
    name: 'a temporary table of a query goes with its transaction',
    sql: 'create temp table x on commit drop as select 1 as a; select a from x',
    wrong: 'create temp table x on commit drop as select 1 as a; commit; select a from x',
    says: 'Table x',
  },
  ...[
    ['format', `execute format('create table %I as select 1 as a', n);`],
    [
      'a text with others before and after',
      `execute '/* all */ create unlogged table ' || quote_ident(n) || ' (a int)';`,
    ],
    ['a text in a variable', `q := 'create or replace view ' || n || ' as select 1 as a'; execute q;`],
  ].map(([name, statements]) => ({
    name: `what dynamic SQL makes of the name that it is given, ${name}`,
    sql: `create function mk(n text) returns void language plpgsql as $$ declare q text; begin ${statements} end $$;
      select mk('made'); select mk('made_too'); select a from made; select a from public.made_too`,
    wrong: `create function mk(n text) returns void language plpgsql as $$ declare q text; begin ${statements} end $$;
      select a from made; select mk('made')`,
    says: 'Table made',
  })),
  ...[
    ['made', `create temp table made (a int check (a in (%s)))`],
    ['made', `create table if not exists public.made (a int default %s)`],
    ['made_1', 'create table made_%s (a int)'],
    ['"Made"', 'create table "Made" (a int default %s)'],
  ].map(([name, text]) => ({
    name: `what a DO makes with dynamic SQL: ${text}`,
    sql: `do $$ begin execute format('${text}', (select 1)); end $$; select a from ${name}`,
    wrong: `select a from ${name}; do $$ begin execute format('${text}', (select 1)); end $$`,
    says: `Table ${name!.replaceAll('"', '')}`,
  })),
  {
    name: 'a name that is given to what makes no table',
    sql: `create table made (a int); create function mk(n text) returns void language plpgsql as $$ begin execute format('analyze %I', n); end $$; select mk('made'); select a from made`,
    wrong: `create function mk(n text) returns void language plpgsql as $$ begin execute format('analyze %I', n); end $$; select mk('made'); select a from made`,
    says: 'Table made',
  },
];

describe('what PostgreSQL accepts is not reported', () => {
  it.each(cases)('$name', async ({ sql, wrong, says }) => {
    await run(sql);
    expect(await missing(sql)).toEqual([]);
    if (wrong !== undefined) expect((await missing(wrong)).join('\n')).toContain(says);
  });
});
