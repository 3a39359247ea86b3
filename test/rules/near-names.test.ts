import { describe, expect, it } from 'vitest';
import { lint, repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const notes = `-- Notes.
CREATE SCHEMA IF NOT EXISTS private;
CREATE TABLE IF NOT EXISTS public.notes (id uuid PRIMARY KEY, owner_id uuid, title text);
CREATE TYPE public.mood AS ENUM ('good');
CREATE FUNCTION private.my_notes() RETURNS uuid[] LANGUAGE sql AS 'SELECT ARRAY[]::uuid[]';
CREATE SCHEMA "1";
CREATE TABLE "1"."Orders" (id uuid PRIMARY KEY, "placedAt" date);
`;

async function suggestion(sql: string): Promise<string | undefined> {
  const { findings } = await lint({ migrations: migrationsOf({ [one]: notes, [two]: sql }), rollbacks: new Set() });
  return findings.find(({ rule }) => rule === 'unknown-relation')?.suggestion;
}

describe('a name with one mistake', () => {
  it.each([
    ['ALTER TABLE notes ADD COLUMN at timestampz;', 'timestamptz'],
    ['ALTER TABLE notes ADD COLUMN at tiemstamptz;', 'timestamptz'],
    ['ALTER TABLE notes ADD COLUMN size interger;', 'integer'],
    ['ALTER TABLE notes ADD COLUMN data josnb;', 'jsonb'],
    ['ALTER TABLE notes ADD COLUMN m mod;', 'mood'],
    ['CREATE INDEX ON notes (ownerid);', 'owner_id'],
    ['CREATE INDEX ON notes (titel);', 'title'],
    ['CREATE INDEX ON public.note (title);', 'notes'],
    ['SELECT gen_randon_uuid();', 'gen_random_uuid'],
    ['SELECT private.my_note();', 'private.my_notes'],
    ['CREATE TABLE privat.x (id int);', 'private'],
    ['SELECT id FROM "1"."Order";', '"1"."Orders"'],
    ['CREATE INDEX ON "1"."Orders" (placedat);', '"placedAt"'],
  ])('%s', async (sql, near) => {
    expect(await suggestion(sql)).toBe(`Did you mean ${near}?`);
  });
});

describe('the name of something in another schema', () => {
  it.each([
    ['SELECT * FROM "Orders";', '"1"."Orders"', '"1"'],
    ['SELECT my_notes();', 'private.my_notes', 'private'],
    [
      "CREATE FUNCTION id() RETURNS uuid LANGUAGE sql SET search_path = '' AS 'SELECT public.uuid_generate_v1()';",
      'extensions.uuid_generate_v1',
      'extensions',
    ],
  ])('%s', async (sql, near, schema) => {
    expect(await suggestion(sql)).toBe(
      `Did you mean ${near}? Write its schema, or begin the file with SET search_path = ${schema}, public;`,
    );
  });
});

describe('what comes from elsewhere', () => {
  const comes = (extension: string): string =>
    `It comes with an extension: CREATE EXTENSION IF NOT EXISTS ${extension};`;
  it.each([
    ['ALTER TABLE notes ADD COLUMN name citext;', comes('citext')],
    ['CREATE TABLE t (path ltree);', comes('ltree')],
    ['CREATE TABLE t (at public.geography(Point, 4326));', comes('postgis')],
    ['CREATE TABLE t (v vector(3));', comes('vector')],
    ["CREATE FUNCTION f() RETURNS real LANGUAGE sql AS $$ SELECT similarity('a', 'b') $$;", comes('pg_trgm')],
    ['GRANT USAGE ON SCHEMA graphile_worker TO authenticated;', 'Graphile Worker makes it, and no migration: '],
    ['CREATE TABLE hdb_catalog.t (id int);', 'Hasura makes it, and no migration: '],
    // Two extensions could be meant, or none.
    ['CREATE TABLE t (v app.citext);', 'CREATE SCHEMA '],
    ['SELECT defined(1);', 'Create function public.defined '],
  ])('%s', async (sql, wanted) => {
    expect((await suggestion(sql))?.slice(0, wanted.length)).toBe(wanted);
  });

  it('is created by --fix before what uses it first, and only there', async () => {
    const sql = '-- x\nSELECT 1;\nCREATE DOMAIN public.handle AS citext;\nCREATE DOMAIN public.mail AS citext;\n';
    const fixed = await repair({
      migrations: migrationsOf({ [one]: sql, [two]: 'CREATE TABLE graphile_worker.t (id int);\n' }),
      rollbacks: new Map(),
      folders: { ...folders, core: ['migrations/core'], order: 'number' },
      kit: 'kit',
      builtin: [],
    });
    const made = fixed.migrations.map(({ sql: text }) => text).join('');
    expect(made.match(/CREATE EXTENSION IF NOT EXISTS citext;\n/g)).toHaveLength(1);
    expect(made).toMatch(/SELECT 1;\nCREATE EXTENSION IF NOT EXISTS citext;\n[^]*AS citext/);
    expect(made).not.toContain('CREATE SCHEMA');
  });
});

it('is told once for three of them, and for each of two', async () => {
  const said = async (sql: string): Promise<(string | undefined)[][]> => {
    const { findings } = await lint({ migrations: migrationsOf({ [one]: notes, [two]: sql }), rollbacks: new Set() });
    return findings.flatMap(({ rule, message, suggestion: what, explains }) =>
      rule === 'unknown-relation' ? [[message, what, explains?.join()]] : [],
    );
  };
  const more =
    'CREATE VIEW private.v WITH (security_invoker = on) AS SELECT 1 AS x;\nCREATE TABLE private.t (id int);\n';
  expect(await said(`${more}SELECT my_notes();\nSELECT * FROM v;\nSELECT * FROM t;`)).toEqual([
    [
      'Function my_notes is in schema private, and the files name 3 things of it without their schema: the tool that they are for sets the search path.',
      'Begin each file that names them with SET search_path = private, public; or write the schema.',
      'public.v,v,public.t,t',
    ],
    expect.anything(),
    expect.anything(),
  ]);
  expect(await said(`${more}SELECT my_notes();\nSELECT * FROM v;`)).toEqual([
    [expect.stringContaining('is used'), expect.stringContaining('Did you mean private.my_notes?'), undefined],
    [expect.stringContaining('is used'), expect.stringContaining('Did you mean private.v?'), undefined],
  ]);
});

describe('another name', () => {
  it.each([
    ['nearly alike: both are said', 'CREATE INDEX ON notes (ti_tle_s);', 'ALTER TABLE public.notes ADD COLUMN'],
    ['not alike: it is to be created', 'SELECT * FROM invoices;', 'Create public.invoices'],
    [
      'of a long name',
      `CREATE INDEX ON notes ("${'Ä'.repeat(40)}");`,
      `ADD COLUMN IF NOT EXISTS "${'Ä'.repeat(31)}" text`,
    ],
    ['of a type', 'ALTER TABLE notes ADD COLUMN x geography_point;', 'Create type public.geography_point'],
  ])('%s', async (_what, sql, create) => {
    expect(await suggestion(sql)).toContain(create);
  });
});

it('says where the extension is created that a schema comes with, and not the same name again', async () => {
  const sql = 'TRUNCATE cron.job_run_details;\nCREATE EXTENSION IF NOT EXISTS pg_cron;';
  const { findings } = await lint({ migrations: migrationsOf({ [one]: notes, [two]: sql }), rollbacks: new Set() });
  expect(findings.filter(({ object }) => object === 'cron').map(({ rule, suggestion }) => [rule, suggestion])).toEqual([
    ['used-before-created', `Move the statement at ${two}:2 before this one.`],
  ]);
});

describe('--fix', () => {
  it.each([
    ['a table', 'CREATE INDEX ON public.note (title);'],
    ['a column', 'CREATE INDEX ON public.notes (ownerid);'],
    ['a schema', 'CREATE TABLE privat.x (id int);'],
    ['a table of another schema', 'CREATE TABLE x (id uuid REFERENCES "Orders" (id));'],
  ])('creates no second thing for a mistake in the name of %s', async (_what, sql) => {
    const folders = {
      core: ['migrations/core'],
      extensions: [],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number' as const,
    };
    const { classes } = await repair({
      migrations: migrationsOf({ [one]: notes, [two]: sql }),
      rollbacks: new Map(),
      folders,
      journals: new Map(),
      kit: 'kit',
      builtin: [],
      measure: async () => undefined,
      rehearse: async () => ({ findings: [], measured: undefined }),
    });
    expect(classes.filter(({ rule }) => rule === 'unknown-relation')).toEqual([]);
  });
});

it('says which rule a comment meant that silences nothing', async () => {
  const { findings, silenced } = await lint({
    migrations: migrationsOf({ [one]: '-- x\n-- muse: ignore rls-mising because a test\nCREATE TABLE t (id int);' }),
    rollbacks: new Set(),
  });
  expect(silenced).toBe(0);
  expect(findings.find(({ rule }) => rule === 'rls-missing')?.suggestion).toContain(
    'The comment here says "rls-mising", which is no rule: did you mean rls-missing?',
  );
  expect(findings.filter(({ suggestion: text }) => text.includes('rls-mising'))).toHaveLength(1);
});

/** What is advised about the first finding of a rule. */
async function advised(sql: string, rule = 'syntax-error'): Promise<string | undefined> {
  const { findings } = await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() });
  return findings.find((finding) => finding.rule === rule)?.suggestion;
}

describe('characters that only look like what SQL has', () => {
  it.each([
    ['create\u00a0table t (id int);', 'a space of another kind here (U+00A0)', 7],
    ['\u200bselect 1;', 'an invisible character here (U+200B)', 1],
    ['select 1;\n\ufeffselect 2;', 'an invisible character here (U+FEFF)', 1],
    ['select “a b c” from pg_class;', 'a typographic quote here (U+201C)', 8],
    ['select 1 – 1;', 'a dash here (U+2013)', 10],
    [
      'create table t （id int）;',
      'a character in full width here (U+FF08), which PostgreSQL reads as a letter: write (',
      16,
    ],
  ])('%j', async (sql, words, column) => {
    const { findings } = await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() });
    expect(findings.filter(({ severity }) => severity === 'error')).toMatchObject([
      { rule: 'syntax-error', column, suggestion: expect.stringContaining(words) },
    ]);
  });

  it('in a name that PostgreSQL reads', async () => {
    expect(await advised('select ‘x’;', 'unknown-relation')).toContain('a typographic quote in it (U+2018)');
  });

  it('not where they are meant: in texts, names and comments', async () => {
    expect(await advised('select \'\u00a0\', "a–b" from; -- “”')).not.toContain('U+');
  });

  it('what a statement with one would create is not missed', async () => {
    expect(await advised('create\u00a0table t (id int);\nselect * from t;', 'unknown-relation')).toBeUndefined();
  });
});

it('says what makes the schema of webhooks', async () => {
  const sql =
    'create table t (id int);\ncreate trigger h after insert on t execute function supabase_functions.http_request();';
  expect(await advised(sql, 'unknown-relation')).toContain('Database Webhooks make it');
});

it.each([
  ["comment on schema public is 'it's';", "write a quote that is in a text twice, as in 'it''s'"],
  [`select ${'('.repeat(20_000)}1;`, 'Write it as several statements'],
])('%.30s', async (sql, words) => {
  expect(await advised(sql)).toContain(words);
});

it('quotes only the beginning of what never ends', async () => {
  const { findings } = await lint({
    migrations: migrationsOf({ [one]: `select 'a\n${'b\n'.repeat(1000)}` }),
    rollbacks: new Set(),
  });
  expect(findings.find(({ rule }) => rule === 'syntax-error')?.message).toBe(
    `PostgreSQL cannot read this: unterminated quoted string at or near "'a…".`,
  );
});

it.each([
  ["select 'create table t' \\gexec\n", 'DO $$ … $$ with EXECUTE'],
  ['\\i other.sql\n', 'Put the text of that file here'],
  ['\\connect app\n', 'a muse has one database'],
  ["\\copy t from 'a.csv' csv\n", 'INSERT INTO … VALUES'],
  ['\\if true\n', 'Delete the line'],
])('a command of psql: %s', async (sql, words) => {
  expect(await advised(sql, 'psql-command')).toContain(words);
  expect(await advised(sql)).toBeUndefined();
});

describe('a keyword where a name stands', () => {
  const said = advised;
  it.each([
    ["create function json_value(a text) returns text language sql as 'select 1';", 'json_value'],
    ["-- ä 😀\ncreate function f(out json text) language sql as 'select 1';", 'json'],
    ['create table t (id int, order int);', 'order'],
    ['create table t (id int, order int, user text);', 'order'],
  ])('%s', async (sql, word) => {
    expect(await said(sql)).toContain(
      `${word} is a keyword of PostgreSQL 17: if it is meant as a name, write "${word}"`,
    );
  });

  it.each([
    'create tabel t (id int);',
    'create table t (id int,);',
    'create table t (id int "order" int);',
    'select 1 1;',
  ])('not %s', async (sql) => {
    expect(await said(sql)).not.toContain('keyword');
  });
});
