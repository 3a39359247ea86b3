import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Two tables of users' own rows. */
const tables = `
  create table public.notes (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), title text not null, created_at timestamptz not null default now());
  alter table public.notes enable row level security;
  grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create table public.plans_of (user_id uuid primary key references auth.users (id), plan text not null default 'free', seats integer not null default 3);
  alter table public.plans_of enable row level security;
  grant select on public.plans_of to authenticated;
  create policy own on public.plans_of for select to authenticated using (user_id = (select auth.uid()));
  create type public.sorting as enum ('new', 'old');
  create type public.asked as (id uuid, what text);
  create schema api; grant usage on schema api to anon, authenticated;`;

const head = "security definer set search_path = ''";

/** A function that leaks, and the smallest repair of it. */
const holes: { name: string; object: string; hole: string; repaired: string; rules?: string[] }[] = [
  {
    name: "a column of any user, by the user's id",
    object: 'public.f(uuid)',
    hole: `create function public.f(who uuid) returns text language sql stable ${head} as $$ select plan from public.plans_of where user_id = who $$`,
    repaired: `create function public.f(who uuid) returns text language sql stable ${head} as $$ select plan from public.plans_of where user_id = who and user_id = auth.uid() $$`,
  },
  {
    name: 'a number of any user, by an argument without a name',
    object: 'public.f(uuid)',
    hole: `create function public.f(uuid) returns integer language sql stable ${head} as $$ select seats from public.plans_of where user_id = $1 $$`,
    repaired: `create function public.f(uuid) returns integer language sql stable ${head} as $$ select seats from public.plans_of where user_id = $1 and user_id = auth.uid() $$`,
  },
  {
    name: 'every row, where none has a text of its own',
    object: 'public.f()',
    hole: `create function public.f() returns setof public.plans_of language sql stable ${head} as $$ select * from public.plans_of $$`,
    repaired: `create function public.f() returns setof public.plans_of language sql stable ${head} as $$ select * from public.plans_of where user_id = auth.uid() $$`,
  },
  {
    name: 'a row by an id in JSON',
    object: 'public.f(jsonb)',
    hole: `create function public.f(p jsonb) returns jsonb language sql stable ${head} as $$ select to_jsonb(n) from public.notes n where n.id = (p ->> 'id')::uuid $$`,
    repaired: `create function public.f(p jsonb) returns jsonb language sql stable ${head} as $$ select to_jsonb(n) from public.notes n where n.id = (p ->> 'id')::uuid and n.owner_id = auth.uid() $$`,
  },
  {
    name: 'a row by an id deep in JSON',
    object: 'public.f(json)',
    hole: `create function public.f(p json) returns text language plpgsql stable ${head} as $$ begin return (select title from public.notes where id = (p -> 'filter' ->> 'note')::uuid); end $$`,
    repaired: `create function public.f(p json) returns text language plpgsql stable ${head} as $$ begin return (select title from public.notes where id = (p -> 'filter' ->> 'note')::uuid and owner_id = auth.uid()); end $$`,
  },
  {
    name: 'rows by a JSON array of ids',
    object: 'public.f(jsonb)',
    hole: `create function public.f(ids jsonb) returns setof text language sql stable ${head} as $$ select title from public.notes where id::text in (select jsonb_array_elements_text(ids)) $$`,
    repaired: `create function public.f(ids jsonb) returns setof text language sql stable ${head} as $$ select title from public.notes where id::text in (select jsonb_array_elements_text(ids)) and owner_id = auth.uid() $$`,
  },
  {
    name: 'rows by an array of ids',
    object: 'public.f(uuid[])',
    hole: `create function public.f(ids uuid[]) returns setof text language sql stable ${head} as $$ select title from public.notes where id = any (ids) $$`,
    repaired: `create function public.f(ids uuid[]) returns setof text language sql stable ${head} as $$ select title from public.notes where id = any (ids) and owner_id = auth.uid() $$`,
  },
  {
    name: 'rows by any number of ids',
    object: 'public.f(text[])',
    hole: `create function public.f(variadic ids text[]) returns setof text language sql stable ${head} as $$ select title from public.notes where id::text = any (ids) $$`,
    repaired: `create function public.f(variadic ids text[]) returns setof text language sql stable ${head} as $$ select title from public.notes where id::text = any (ids) and owner_id = auth.uid() $$`,
  },
  {
    name: 'a row by its id as text',
    object: 'public.f(text)',
    hole: `create function public.f(what text) returns text language sql stable ${head} as $$ select title from public.notes where id::text = what $$`,
    repaired: `create function public.f(what text) returns text language sql stable ${head} as $$ select title from public.notes where id::text = what and owner_id = auth.uid() $$`,
  },
  {
    name: 'every row, for a value of an enum',
    object: 'public.f(sorting)',
    hole: `create function public.f(k public.sorting) returns setof public.notes language sql stable ${head} as $$ select * from public.notes where k = 'old' $$`,
    repaired: `create function public.f(k public.sorting) returns setof public.notes language sql stable ${head} as $$ select * from public.notes where k = 'old' and owner_id = auth.uid() $$`,
  },
  {
    name: 'a row by an id in a composite',
    object: 'public.f(asked)',
    hole: `create function public.f(a public.asked) returns text language sql stable ${head} as $$ select title from public.notes where id = (a).id $$`,
    repaired: `create function public.f(a public.asked) returns text language sql stable ${head} as $$ select title from public.notes where id = (a).id and owner_id = auth.uid() $$`,
  },
  {
    name: 'a column by a row of another table',
    object: 'public.f(notes)',
    hole: `create function public.f(n public.notes) returns text language sql stable ${head} as $$ select plan from public.plans_of where user_id = n.owner_id $$`,
    repaired: `create function public.f(n public.notes) returns text language sql stable ${head} as $$ select plan from public.plans_of where user_id = n.owner_id and user_id = auth.uid() $$`,
  },
  {
    name: 'every row through a cursor',
    object: 'public.f()',
    hole: `create function public.f() returns refcursor language plpgsql ${head} as $$ declare c refcursor := 'c1'; begin open c for select * from public.notes; return c; end $$`,
    repaired: `create function public.f() returns refcursor language plpgsql ${head} as $$ declare c refcursor := 'c1'; begin open c for select * from public.notes where owner_id = auth.uid(); return c; end $$`,
  },
  {
    name: 'a procedure that gives a row by its id',
    object: 'public.f(uuid)',
    hole: `create procedure public.f(what uuid, out given text) language plpgsql ${head} as $$ begin select n.title into given from public.notes n where n.id = what; end $$`,
    repaired: `create procedure public.f(what uuid, out given text) language plpgsql ${head} as $$ begin select n.title into given from public.notes n where n.id = what and n.owner_id = auth.uid(); end $$`,
  },
  {
    name: 'a procedure that deletes a row by its id',
    object: 'public.f(uuid)',
    rules: ['isolation-write', 'anon-write'],
    hole: `create procedure public.f(what uuid) language sql ${head} as $$ delete from public.notes where id = what $$`,
    repaired: `create procedure public.f(what uuid) language sql ${head} as $$ delete from public.notes where id = what and owner_id = auth.uid() $$`,
  },
  {
    name: 'a procedure that deletes every row, whatever its arguments',
    object: 'public.f(integer, text)',
    rules: ['isolation-write', 'anon-write'],
    hole: `create procedure public.f(days integer, inout done text default 'no') language plpgsql ${head} as $$ begin delete from public.notes; done := 'yes'; end $$`,
    repaired: `create procedure public.f(days integer, inout done text default 'no') language plpgsql ${head} as $$ begin delete from public.notes where owner_id = auth.uid(); done := 'yes'; end $$`,
  },
  {
    name: 'SQL that the caller writes',
    object: 'public.f(text)',
    hole: `create function public.f(q text) returns jsonb language plpgsql ${head} as $$ declare r jsonb; begin execute 'select jsonb_agg(to_jsonb(t)) from (' || q || ') t' into r; return r; end $$`,
    repaired: `create function public.f(q text) returns jsonb language plpgsql security invoker set search_path = '' as $$ declare r jsonb; begin execute 'select jsonb_agg(to_jsonb(t)) from (' || q || ') t' into r; return r; end $$`,
  },
  {
    name: 'an order that the caller writes',
    object: 'public.f(text)',
    rules: ['not-proven', 'anon-read', 'isolation-read'],
    hole: `create function public.f(sort text) returns setof text language plpgsql ${head} as $$ begin return query execute format('select title from public.notes where owner_id = auth.uid() order by %s', sort); end $$`,
    repaired: `create function public.f(sort text) returns setof text language plpgsql ${head} as $$ begin return query execute format('select title from public.notes where owner_id = auth.uid() order by %I', sort); end $$`,
  },
  {
    name: 'SQL in a variable that holds an argument',
    object: 'public.f(text)',
    hole: `create function public.f(name text) returns setof text language plpgsql ${head} as $$ declare q text; begin q := 'select title from public.notes where owner_id = auth.uid()'; q := q || ' or title = ''' || name || ''''; return query execute q; end $$`,
    repaired: `create function public.f(name text) returns setof text language plpgsql ${head} as $$ declare q text; begin q := 'select title from public.notes where owner_id = auth.uid()'; q := q || ' and title = ' || quote_literal(name); return query execute q; end $$`,
    rules: ['not-proven', 'anon-read', 'isolation-read'],
  },
  {
    name: 'a table and an id that the caller names',
    object: 'public.f(text, uuid)',
    hole: `create function public.f(kind text, id uuid) returns jsonb language plpgsql ${head} as $$ declare r jsonb; begin execute format('select to_jsonb(t) from public.%I t where t.id = $1', kind) into r using id; return r; end $$`,
    repaired: `create function public.f(kind text, id uuid) returns jsonb language plpgsql ${head} as $$ declare r jsonb; begin execute format('select to_jsonb(t) from public.%I t where t.id = $1 and t.owner_id = auth.uid()', kind) into r using id; return r; end $$`,
  },
  {
    name: 'a row by its id in SQL that is put together',
    object: 'public.f(uuid)',
    hole: `create function public.f(what uuid) returns text language plpgsql ${head} as $$ declare r text; begin execute format('select title from public.%I where id = $1', 'notes') into r using what; return r; end $$`,
    repaired: `create function public.f(what uuid) returns text language plpgsql ${head} as $$ declare r text; begin execute format('select title from public.%I where id = $1 and owner_id = auth.uid()', 'notes') into r using what; return r; end $$`,
  },
  {
    name: 'every row, for a text that is null',
    object: 'public.f(text)',
    hole: `create function public.f(p_title text) returns setof text language sql stable ${head} as $$ select title from public.notes where p_title is null or (title = p_title and owner_id = auth.uid()) $$`,
    repaired: `create function public.f(p_title text) returns setof text language sql stable ${head} as $$ select title from public.notes where (p_title is null or title = p_title) and owner_id = auth.uid() $$`,
  },
  {
    name: 'pages of every row',
    object: 'public.f(integer, integer)',
    hole: `create function public.f(page integer, size integer) returns setof public.notes language sql stable ${head} as $$ select * from public.notes order by id limit size offset page * size $$`,
    repaired: `create function public.f(page integer, size integer) returns setof public.notes language sql stable ${head} as $$ select * from public.notes where owner_id = auth.uid() order by id limit size offset page * size $$`,
  },
  {
    name: 'a yes or no for a part of a text',
    object: 'public.f(text)',
    hole: `create function public.f(p text) returns boolean language sql stable ${head} as $$ select exists (select 1 from public.notes where title like p) $$`,
    repaired: `create function public.f(p text) returns boolean language sql stable ${head} as $$ select exists (select 1 from public.notes where title like p and owner_id = auth.uid()) $$`,
  },
  {
    name: 'a count of texts that begin with a part',
    object: 'public.f(text)',
    hole: `create function public.f(p text) returns bigint language sql stable ${head} as $$ select count(*) from public.notes where starts_with(title, p) $$`,
    repaired: `create function public.f(p text) returns bigint language sql stable ${head} as $$ select count(*) from public.notes where starts_with(title, p) and owner_id = auth.uid() $$`,
  },
  {
    name: 'every row, with a word in a comment',
    object: 'public.f()',
    hole: `create function public.f() returns setof public.notes language sql stable ${head} as $$ select * from public.notes /* after setval(...) and net.http_post(...) by the import */ $$`,
    repaired: `create function public.f() returns setof public.notes language sql stable ${head} as $$ select * from public.notes where owner_id = auth.uid() /* after setval(...) and net.http_post(...) by the import */ $$`,
  },
  {
    name: 'every row, in another schema',
    object: 'api.f()',
    hole: `create function api.f() returns setof public.notes language sql stable ${head} as $$ select * from public.notes $$`,
    repaired: `create function api.f() returns setof public.notes language sql stable ${head} as $$ select * from public.notes where owner_id = auth.uid() $$`,
  },
  {
    name: 'an OUT argument',
    object: 'public.f(uuid)',
    hole: `create function public.f(note uuid, out text_of text, out at timestamptz) language sql stable ${head} as $$ select title, created_at from public.notes where id = note $$`,
    repaired: `create function public.f(note uuid, out text_of text, out at timestamptz) language sql stable ${head} as $$ select title, created_at from public.notes where id = note and owner_id = auth.uid() $$`,
  },
  {
    name: 'RETURNS TABLE with other names',
    object: 'public.f()',
    hole: `create function public.f() returns table (who uuid, what text) language sql stable ${head} as $$ select user_id, plan from public.plans_of $$`,
    repaired: `create function public.f() returns table (who uuid, what text) language sql stable ${head} as $$ select user_id, plan from public.plans_of where user_id = auth.uid() $$`,
  },
  {
    name: 'a record, for an argument that is null',
    object: 'public.f(uuid)',
    hole: `create function public.f(who uuid) returns setof record language sql stable ${head} as $$ select id, title from public.notes where (who is null or owner_id = who) and (who is null or who = auth.uid()) $$`,
    repaired: `create function public.f(who uuid) returns setof record language sql stable ${head} as $$ select id, title from public.notes where owner_id = who and who = auth.uid() $$`,
  },
  {
    name: 'a helper of the invoker that calls one of its owner',
    object: 'public.f()',
    hole: `create function api.all_titles() returns setof text language sql stable ${head} as $$ select title from public.notes $$; revoke execute on function api.all_titles() from public; grant execute on function api.all_titles() to authenticated; create function public.f() returns setof text language sql stable set search_path = '' as $$ select api.all_titles() $$`,
    repaired: `create function api.all_titles() returns setof text language sql stable ${head} as $$ select title from public.notes where owner_id = auth.uid() $$; create function public.f() returns setof text language sql stable set search_path = '' as $$ select api.all_titles() $$`,
  },
  {
    name: 'a table that is emptied, with a word in a comment',
    object: 'public.f()',
    rules: ['anon-write', 'isolation-write'],
    hole: `create function public.f() returns void language sql ${head} as $$ delete from public.notes /* then setval( ) */ $$`,
    repaired: `create function public.f() returns void language sql ${head} as $$ delete from public.notes where owner_id = auth.uid() /* then setval( ) */ $$`,
  },
];

const prove = (sql: string, on = database) =>
  withSchema(on, `${tables} ${sql}`, (session) => verifyIsolation(session, { declarations: [] }));

describe('a function that returns rows of others', () => {
  it.each(sampleOf(holes, 3))('$name', async ({ hole, repaired, object, rules = ['anon-read', 'isolation-read'] }) => {
    const found = (await prove(hole)).findings.map((finding) => ({ rule: finding.rule, object: finding.object }));
    const mine = found.filter((finding) => finding.object === object);
    expect(mine).not.toEqual([]);
    for (const { rule } of mine) expect(rules).toContain(rule);
    expect((await prove(repaired)).findings).toEqual([]);
  });
});

/** Every row, whatever the argument is. */
const anyValue = [
  'bytea',
  'inet',
  'cidr',
  'macaddr',
  'time',
  'timetz',
  'date',
  'timestamp',
  'interval',
  'int4range',
  'tstzrange',
  'datemultirange',
  'point',
  'box',
  'tsquery',
  'tsvector',
  '"char"',
  'oid',
  'regclass',
  'regtype',
  'money',
  'bit(3)',
  'varbit',
  'numeric(4,2)',
  'real',
  'name',
  'citext',
  'jsonb[]',
  'json',
  'public.sorting[]',
  'public.notes[]',
  'public.note_id',
  'public.short',
  'anyelement',
  'anyarray',
  'refcursor',
  'uuid[]',
  'jsonpath',
  'pg_lsn',
  'xml',
  'smallint',
  'bpchar',
  'ltree',
  'hstore',
];

describe('a function that returns every row', () => {
  it.each(sampleOf(anyValue, 3))('for any %s', async (type) => {
    const setup =
      'create extension if not exists citext; create extension if not exists ltree; create extension if not exists hstore; set local search_path = public, extensions; create domain public.note_id as uuid; create domain public.short as text check (length(value) < 6)';
    const sql = (where: string): string =>
      `${setup}; create function public.f(a ${type}) returns setof text language sql stable security definer as $$ select title from public.notes where a is not null ${where} $$`;
    const found = (await prove(sql(''))).findings;
    expect(found.map(({ rule }) => rule)).toEqual(['anon-read', 'isolation-read']);
    expect((await prove(sql('and owner_id = auth.uid()'))).findings).toEqual([]);
  });
});

/** A function that the proof names with the reason why it does not call it. */
async function expectNotCalled(on: Database, sql: string, severity: string, reason: string): Promise<void> {
  const report = await prove(sql, on);
  expect(report.findings.map((finding) => [finding.rule, finding.object, finding.severity])).toEqual([
    ['not-proven', 'public.f()', severity],
  ]);
  expect(report.findings[0]!.message).toContain(reason);
  expect(report.notProven).toBe(1);
  expect(report.tables.find(({ table }) => table === 'public.f()')).toMatchObject({
    checks: [],
    notes: [expect.stringContaining(reason)],
  });
}

describe('a function that is not called', () => {
  it.each<[name: string, sql: string, severity: string, reason: string]>([
    [
      'sets a sequence',
      `create sequence public.s; create function public.f() returns bigint language sql ${head} as $$ select setval('public.s', 5) $$`,
      'error',
      'sets a sequence',
    ],
    [
      'copies to a program',
      `create function public.f() returns void language plpgsql ${head} as $$ begin copy public.notes to program 'cat'; end $$`,
      'error',
      'copies to or from a file or a program',
    ],
    [
      'calls it by a text',
      `create function public.f() returns void language plpgsql ${head} as $$ begin execute 'select dblink_exec(' || quote_literal(current_user) || ', ''x'')'; end $$`,
      'error',
      'talks to another database',
    ],
  ])('because it %s', (_, sql, severity, reason) => expectNotCalled(database, sql, severity, reason));
});

describe('what the extensions of Supabase have', () => {
  // The native server has none of their files.
  let embedded: Database;
  beforeAll(async () => {
    embedded = await openEmbedded();
  });
  afterAll(() => embedded.close());

  it.each<[name: string, sql: string, severity: string, reason: string]>([
    [
      'sends a request',
      "create extension if not exists http with schema extensions; create function public.f() returns integer language sql as $$ select status from extensions.http_get('https://example.com') $$",
      'warning',
      'sends HTTP requests',
    ],
    [
      'sends a request by another function',
      `create extension if not exists http with schema extensions; create function api.send() returns integer language sql as $$ select status from extensions.http_get('https://example.com') $$; revoke execute on function api.send() from public;
      create function public.f() returns void language plpgsql ${head} as $$ begin perform api.send(); end $$`,
      'error',
      'sends HTTP requests',
    ],
  ])('is not called: %s', (_, sql, severity, reason) => expectNotCalled(embedded, sql, severity, reason));

  it('names a silenced trigger with its function, and does not silence one because of a word in a comment', async () => {
    const trigger = (body: string): string => `create extension if not exists http with schema extensions;
      create function api.hook() returns trigger language plpgsql ${head} as $$ begin ${body} return new; end $$; revoke execute on function api.hook() from public;
      create trigger hook after update on public.notes for each row execute function api.hook()`;
    const silenced = await prove(
      trigger("perform extensions.http_get('https://example.com'); delete from public.notes where false;"),
      embedded,
    );
    expect(silenced.findings.map((finding) => [finding.rule, finding.object, finding.severity])).toEqual([
      ['not-proven', 'public.notes', 'error'],
    ]);
    expect(silenced.findings[0]!.message).toContain('trigger hook (api.hook) sends HTTP requests');
    expect((await prove(trigger('/* select http_post( ) */'), embedded)).findings).toEqual([]);
  });
});

it('says of a procedure that commits that it was not tried', async () => {
  const { findings } = await prove(
    `create procedure public.f() language plpgsql as $$ begin update public.notes set title = 'x'; commit; end $$`,
  );
  expect(findings.map(({ rule, object, severity, message }) => [rule, object, severity, message])).toEqual([
    [
      'not-proven',
      'public.f()',
      'warning',
      'public.f() is not proven: it commits or rolls back itself, and nothing that it does could be rolled back.',
    ],
  ]);
});

it('names the call to try by hand, and what to write in the function', async () => {
  const { findings } = await prove(
    `create function public.f(what uuid) returns text language sql stable ${head} as $$ select title from public.notes where id = what $$; revoke execute on function public.f(uuid) from public, anon; grant execute on function public.f(uuid) to authenticated`,
  );
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ rule: 'isolation-read', object: 'public.f(uuid)' });
  expect(findings[0]!.message).toContain('it returns rows of public.notes');
  expect(findings[0]!.probe).toMatch(/^select \* from public\.f\(what => '[-\da-f]{36}'::uuid\);$/);
  expect(findings[0]!.suggestion).toBe(
    'Let public.f compare whose the rows of public.notes are with the caller, make it SECURITY INVOKER so that the policies of public.notes hold, or take it away: REVOKE EXECUTE ON FUNCTION public.f(uuid) FROM PUBLIC, authenticated;',
  );
});
