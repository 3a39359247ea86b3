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
];

describe('what PostgreSQL accepts is not reported', () => {
  it.each(cases)('$name', async ({ sql, wrong, says }) => {
    await run(sql);
    expect(await missing(sql)).toEqual([]);
    if (wrong !== undefined) expect((await missing(wrong)).join('\n')).toContain(says);
  });
});
