import { beforeAll, expect, it } from 'vitest';
import { mentionedColumns, mentions } from '../../src/verify/catalog/mentioned-columns.ts';
import type { Node } from '../../src/sql/nodes.ts';
import { loadParser, parseTree } from '../../src/sql/parser.ts';

beforeAll(loadParser);

const columns = (sql: string): string[] =>
  [...mentionedColumns(parseTree(sql) as unknown as readonly Node[])].toSorted();

it.each([
  ['a column', 'select a from t', ['a']],
  ['a column with its table', 'select x.a from public.t as x where x.b', ['a', 'b']],
  ['a field of a row', 'select (t.address).city from t', ['address']],
  ['USING', 'select 1 from t join u using (k)', ['k']],
  ['all columns', 'select * from t', ['*']],
  ['all columns of one', 'select t.* from t, u', ['*']],
  ['TABLE', 'table t', ['*']],
  ['NATURAL JOIN', 'select 1 from t natural join u', ['*']],
  ['a whole row', 'select to_jsonb(t) from t', ['*', 't']],
  ['a whole row by its alias', 'select to_jsonb(x) from t as x', ['*', 'x']],
  ['a field of a whole row', 'select (x).a from t as x', ['*', 'x']],
  ['renamed columns', 'select 1 from t as x (p, q) where q = 1', ['*', 'q']],
  ['columns inside WITH', 'with w (p) as (select a from t) select p from w', ['a', 'p']],
])('columns are found in %s', (_, sql, expected) => {
  expect(columns(sql)).toEqual(expected);
});

it('any change matters where all columns are mentioned', () => {
  const change = { table: 'public.t', columns: new Set(['z']) };
  expect([
    mentions(new Set(['*']), change),
    mentions(new Set(['a']), change),
    mentions(new Set(['a', 'z']), change),
  ]).toEqual([true, false, true]);
});
