import { beforeAll, expect, it } from 'vitest';
import { mentionedColumns, mentions } from '../../src/verify/catalog/mentioned-columns.ts';
import type { Node } from '../../src/sql/nodes.ts';
import { loadParser, parseTree } from '../../src/sql/parser.ts';

beforeAll(loadParser);

/** As `column`, or `table.column` where the table is known. */
const columns = (sql: string): string[] => {
  const { any, of } = mentionedColumns(parseTree(sql) as unknown as readonly Node[]);
  return [...any, ...[...of].flatMap(([table, names]) => [...names].map((name) => `${table}.${name}`))].toSorted();
};

it.each([
  ['a column', 'select a from t', ['a']],
  ['a column with its table', 'select t.a from public.t where t.b', ['t.a', 't.b']],
  ['a column with its schema', 'select public.t.a from public.t', ['t.a']],
  ['a column with its alias', 'select x.a from public.t as x', ['t.a']],
  ['an alias of two tables', 'select (select x.a from t x), (select x.b from u x)', ['t.a', 't.b', 'u.a', 'u.b']],
  ['a variable', 'select 1 from t where t.a = r.b', ['b', 't.a']],
  ['something in FROM that is not a table', 'select x.b from (select a from t) as x', ['a', 'b']],
  ['a field of a row', 'select (t.address).city from t', ['t.address']],
  ['USING', 'select 1 from t join u using (k)', ['k']],
  ['all columns', 'select * from t', ['*']],
  ['all columns of one', 'select t.* from t, u', ['t.*']],
  ['TABLE', 'table t', ['*']],
  ['NATURAL JOIN', 'select 1 from t natural join u', ['*']],
  ['a whole row', 'select to_jsonb(t) from t', ['t', 't.*']],
  ['a whole row by its alias', 'select to_jsonb(x) from t as x', ['t.*', 'x']],
  ['a field of a whole row', 'select (x).a from t as x', ['t.*', 'x']],
  ['renamed columns', 'select 1 from t as x (p, q) where q = 1', ['q', 't.*']],
  ['columns inside WITH', 'with w (p) as (select a from t) select p from w', ['a', 'p']],
])('columns are found in %s', (_, sql, expected) => {
  expect(columns(sql)).toEqual(expected);
});

it.each([
  ['a column', 'select a', ['own.a']],
  ['a column beside a subquery', 'select a in (select t.b from t)', ['own.a', 't.b']],
  ['a column in a subquery', 'select exists (select 1 from t where t.b = own.a)', ['own.a', 't.b']],
  ['an alias with its name', 'select exists (select 1 from t as own where own.a)', ['own.a', 't.a']],
  ['its row', 'select is_mine(own.*)', ['own.*']],
])('a policy mentions of its own table %s', (_, sql, expected) => {
  const { any, of } = mentionedColumns(parseTree(sql) as unknown as readonly Node[], 'own');
  expect([...any]).toEqual([]);
  expect([...of].flatMap(([table, names]) => [...names].map((name) => `${table}.${name}`)).toSorted()).toEqual(
    expected,
  );
});

it.each<[string, boolean]>([
  ['select z from t', true],
  ['select z from t, u', true],
  ['select z from u', false],
  ['select t.z from t', true],
  ['select t.a from t', false],
  ['select u.z from u', false],
  ['select * from t, u', true],
  ['select * from u', false],
  ['select r.z from t, (select 1) as r', true],
  ['select t.* from t', true],
  ['select u.* from u', false],
])('a change of z in t matters to %s: %s', (sql, matters) => {
  const mentioned = mentionedColumns(parseTree(sql) as unknown as readonly Node[]);
  expect(mentions(mentioned, { table: 'public.t', columns: new Set(['z']) })).toBe(matters);
});
