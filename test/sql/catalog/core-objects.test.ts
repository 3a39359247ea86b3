import { beforeAll, expect, it } from 'vitest';
import { buildCatalog } from '../../../src/sql/catalog/build.ts';
import { coreFacts } from '../../../src/sql/catalog/core-objects.ts';
import type { Layer, Migration } from '../../../src/sql/migration.ts';
import { loadParser } from '../../../src/sql/parser.ts';

beforeAll(loadParser);

const file = (layer: Layer, number: string, sql: string): Migration => ({
  layer,
  file: `migrations/${layer}/${number}_a.sql`,
  number,
  checksum: '',
  sql,
});

it('has the final objects of core, and none of the extensions', () => {
  const facts = coreFacts(
    buildCatalog([
      file(
        'extension',
        '001',
        'create table listings (id uuid primary key); alter table profiles add column agent boolean;',
      ),
      file(
        'core',
        '001',
        'create table profiles (id uuid primary key references auth.users(id), name varchar(80), n serial); create table gone (id int);',
      ),
      file(
        'core',
        '002',
        'alter table profiles add column if not exists at timestamptz not null default now(), add column id int; drop table gone; create function app(a int, out b text) language sql as $$ select 1 $$;',
      ),
      file(
        'core',
        '003',
        'do $$ begin create table made (a int, b int, primary key (a, b)); end $$; alter table profiles rename column name to title;',
      ),
    ]),
  );
  expect(facts.tables['public.profiles']).toEqual({
    columns: { id: 'uuid', n: 'integer', at: 'timestamp with time zone', title: 'character varying(80)' },
    primaryKey: ['id'],
  });
  expect(facts.tables['public.made']?.primaryKey).toEqual(['a', 'b']);
  expect(facts.tables['auth.users']?.columns['id']).toBe('uuid');
  expect(Object.keys(facts.tables).sort()).toEqual(['auth.users', 'public.made', 'public.profiles']);
  expect(facts.functions).toContain('public.app(integer)');
  expect(facts.functions).toContain('auth.uid()');
});
