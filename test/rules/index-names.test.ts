/** Lint and the checks of a database suggest the same index, whatever the names. */
import { expect, it } from 'vitest';
import { indexName } from '../../src/shared/quote.ts';
import { lint } from '../../src/rules/registry.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { databases } from '../migrations/databases.ts';
import { migrationsOf } from '../migrations/files.ts';

const fresh = databases('native');

it.each([
  ['plain', 'notes', 'folder_id'],
  ['a keyword and capitals', 'order', 'Group'],
  [
    'longer than 63 bytes together',
    'a_table_with_a_name_of_more_than_forty_bytes',
    'a_column_with_a_name_of_some_length',
  ],
  ['cut inside a character of two bytes', `t${'ü'.repeat(20)}`, `c${'ä'.repeat(20)}`],
  ['cut inside a character of four bytes', `tt${'🌲'.repeat(9)}`, `${'🌲'.repeat(9)}`],
])('%s', async (_, table, column) => {
  const quoted = (name: string): string => `"${name}"`;
  const sql = `create table public.targets (id int primary key);\ncreate table public.${quoted(table)} (id int primary key, ${quoted(column)} int references public.targets (id));\n`;
  const suggestions = (findings: { rule: string; suggestion: string }[]): string[] =>
    findings.filter(({ rule }) => rule === 'fk-without-index').map(({ suggestion }) => suggestion);
  const { findings } = await lint({
    migrations: migrationsOf({ 'migrations/core/001_a.sql': sql }),
    rollbacks: new Set(),
  });
  const database = await fresh();
  await database.script(sql);
  const [proposed = '', ...others] = suggestions(await checkCatalog(database, { declarations: [] }));
  expect([proposed, ...others]).toEqual(suggestions(findings));
  expect(others).toEqual([]);
  // PostgreSQL keeps the whole name, so the suggested name is the index's name.
  await database.script(proposed);
  const { rows } = await database.query<{ name: string }>(
    "select indexname as name from pg_indexes where indexname like 'idx%'",
  );
  expect(rows).toEqual([{ name: indexName(table, [column]) }]);
});

it('never cuts a character in two', () => {
  expect(indexName(`tt${'🌲'.repeat(20)}`, ['id'])).toBe(`idx_tt${'🌲'.repeat(14)}`);
});
