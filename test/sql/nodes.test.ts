import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildCatalog } from '../../src/sql/catalog/build.ts';
import { open, walk } from '../../src/sql/nodes.ts';
import type { Node } from '../../src/sql/nodes.ts';
import { loadParser, parseTree } from '../../src/sql/parser.ts';

beforeAll(loadParser);

function treesOf(sql: string): Node[] {
  const raw = parseTree(sql);
  if (!Array.isArray(raw)) throw new Error(`${raw.message}: ${sql}`);
  return raw.flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]));
}

/** The fields that the package's types describe, by type of node. */
function describedFields(): Map<string, Set<string>> {
  const file = join(dirname(createRequire(import.meta.url).resolve('@pgsql/types')), 'types.d.ts');
  const interfaces = readFileSync(file, 'utf8').matchAll(/export interface (\w+) \{([^}]*)\}/g);
  return new Map(
    [...interfaces].map(([, type = '', body = '']) => [
      type,
      new Set([...body.matchAll(/(\w+)\?:/g)].map(([, field = '']) => field)),
    ]),
  );
}

describe('fields that are typed as required are set', () => {
  it.each<[sql: string, fields: string[]]>([
    ['alter policy a on t using (true)', ['policy_name', 'table']],
    ['alter table t disable row level security', ['relation']],
    ['create type p as (a int)', ['typevar']],
    ['create extension e', ['extname']],
    ['create policy p on t', ['policy_name', 'table']],
    ['create sequence s', ['sequence']],
    ['create table t ()', ['relation']],
    ['create table t as select 1', ['into']],
    ['create trigger r before insert on t execute function f()', ['trigname', 'relation']],
    ['delete from t', ['relation']],
    ['drop access method m', ['objects', 'removeType']],
    ['grant select on t to r', ['objtype', 'targtype']],
    ['revoke usage on schema s from r', ['objtype', 'targtype']],
    ['create index on t (a)', ['relation']],
    ['insert into t default values', ['relation']],
    ['alter type a rename to b', ['renameType', 'newname']],
    ['update t set a = 1', ['relation']],
    ['create view v as select 1', ['view']],
  ])('%s', (sql, fields) => {
    expect(Object.keys(open(treesOf(sql)[0]!)[1])).toEqual(expect.arrayContaining(fields));
  });
});

it('the types describe every field in the trees of the built-in kit', () => {
  const described = describedFields();
  const folder = join(import.meta.dirname, '..', '..', 'templates', 'musekit');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sql'));
  const missing = new Set<string>();
  let nodes = 0;
  walk(
    files.flatMap((file) => treesOf(readFileSync(join(folder, file), 'utf8'))),
    (type, fields) => {
      nodes += 1;
      for (const field in fields) if (described.get(type)?.has(field) !== true) missing.add(`${type}.${field}`);
    },
  );
  expect([...missing]).toEqual([]);
  expect(nodes).toBeGreaterThan(1000);
});

it('a partition that repeats a column without its type is read', () => {
  const sql =
    'create table q (a int, b int) partition by list (a); create table p partition of q (b with options not null) for values in (1);';
  const catalog = buildCatalog([{ layer: 'core', file: '001_a.sql', number: '001', checksum: '', sql }]);
  expect(
    [...catalog.tables.get('public.p')!.columns.values()].map(({ name, type }) => `${name} ${type}`).sort(),
  ).toEqual(['a integer', 'b integer']);
});
