/** The search path that `--fix` gives to a function: empty where all that it names is found without one, and the function still runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { builtinKit } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

const builtin = Object.entries(builtinKit()).map(([file, sql]) => ({ file, sql }));
const file = 'migrations/core/001_one.sql';

const setup = `-- things
create table if not exists public.leads (id bigint primary key, name text not null, stage text);
alter table public.leads enable row level security;
create sequence if not exists public.numbers;
`;
const enums = "create type public.stage as enum ('new', 'won');\n";
const citext = 'create extension if not exists citext with schema extensions;\n';
const insert = "insert into public.leads values (1, 'Ann', 'new');\n";

const f = (body: string, language = 'sql', returns = 'text'): string =>
  `create or replace function public.f() returns ${returns} language ${language} security definer as $$ ${body} $$;\n`;
const block = (body: string, declared = ''): string => f(`${declared} begin ${body} end`, 'plpgsql');

const none = "''";
const wide = 'pg_catalog, public, extensions';

const cases: [name: string, sql: string, path: string][] = [
  ['a table with its schema', f("select name || '' from public.leads"), none],
  ['a table without', f('select name from leads'), wide],
  ['a sequence by a text', f("select nextval('numbers')::text"), wide],
  ['a sequence by a text with its schema', f("select nextval('public.numbers')::text"), none],
  ['a sequence by a text in a block', block("return nextval('numbers')::text;"), wide],
  ['a table by a cast', f("select count(*)::text from pg_catalog.pg_class where oid = 'leads'::regclass"), wide],
  ['a table by a cast, with its schema', f("select 'public.leads'::regclass::text"), none],
  ['a table by a function', f("select to_regclass('leads')::text"), wide],
  ['a privilege on a table', f("select has_table_privilege('leads', 'select')::text"), wide],
  ['SQL that is put together', block("execute 'select name from leads' into r; return r;", 'declare r text;'), wide],
  ['a row type', block('select * into r from public.leads; return r.name;', 'declare r leads%rowtype;'), wide],
  [
    'a row type with its schema',
    block('select * into r from public.leads; return r.name;', 'declare r public.leads%rowtype;'),
    none,
  ],
  [
    'the type of a column',
    block('select name into r from public.leads; return r;', 'declare r leads.name%type;'),
    wide,
  ],
  [
    'the type of a column with its schema',
    block('select name into r from public.leads; return r;', 'declare r public.leads.name%type;'),
    none,
  ],
  [
    'a record and plain types',
    block('select name into r from public.leads; n := 1; return r.name || n;', 'declare r record; n numeric(10, 2);'),
    none,
  ],
  ['an enum as a type of a variable', `${enums}${block("r := 'won'; return r;", 'declare r stage;')}`, wide],
  ['an enum as a cast', `${enums}${f("select ('won'::stage)::text")}`, wide],
  [
    'a loop over SQL that is put together',
    block("for r in execute 'select * from leads' loop end loop; return '';", 'declare r record;'),
    wide,
  ],
  [
    'an operator beside an extension that has some',
    `${citext}${f("select name from public.leads where name = 'Ann'")}`,
    wide,
  ],
  [
    'an operator that is not written, beside such an extension',
    `${citext}${f('select name from public.leads join public.leads as other using (name)')}`,
    wide,
  ],
  ["a search with PostgreSQL's words", f("select to_tsvector('english', name)::text from public.leads"), none],
  [
    'a search with words of its own',
    `create text search configuration public.mine (copy = simple);\n${f("select to_tsvector('mine', name)::text from public.leads")}`,
    wide,
  ],
];

describe('the search path that a repair sets', () => {
  it.each(cases)('%s', async (_, sql, path) => {
    const { migrations } = await repair({
      migrations: migrationsOf({ [file]: setup + sql }),
      rollbacks: new Map(),
      folders,
      kit: 'my kit',
      builtin,
    });
    const fixed = migrations.find((migration) => migration.file === file)!.sql;
    expect(/SET search_path = (.*?) (?:as|AS)/.exec(fixed)?.[1]).toBe(path);
    await database.script('begin');
    try {
      await database.script(fixed + insert);
      await database.query('select public.f()');
    } finally {
      await database.script('rollback');
    }
  });
});
