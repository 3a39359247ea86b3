/** Ways by which functions and triggers reach rows of others, each with the smallest repair. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const head = "security definer set search_path = ''";
const own = 'owner_id = (select auth.uid())';

/** A table of users' own rows. */
const table = (name: string, columns: string, read = own): string => `
  create table public.${name} (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), title text not null, ${columns});
  alter table public.${name} enable row level security;
  grant select, insert, update, delete on public.${name} to authenticated;
  create policy r on public.${name} for select to authenticated using (${read});
  create policy i on public.${name} for insert to authenticated with check (${own});
  create policy u on public.${name} for update to authenticated using (${own}) with check (${own});
  create policy d on public.${name} for delete to authenticated using (${own});`;

const tables = `
  create schema app; grant usage on schema app to authenticated; create sequence app.orders;
  ${table('notes', "n bigint generated always as identity, code text unique, amount numeric not null default 0, mark text generated always as ('M-' || left(title, 60)) stored")}
  create function app.number() returns trigger language plpgsql ${head} as $$ begin new.code := 'ORD-' || nextval('app.orders'); return new; end $$;
  create trigger number before insert on public.notes for each row execute function app.number();
  ${table('copies', 'about text')}
  ${table('links', "ref uuid, data jsonb not null default '{}'")}
  create type public.asked as (id uuid, note text);
  alter default privileges revoke execute on functions from public;`;

interface Hole {
  name: string;
  object: string;
  rule: string;
  /** With `@` where the repair asks whose the rows are. */
  sql: string;
  /** What the repair asks there. */
  asks?: string;
}

const mine = ' and owner_id = auth.uid()';
const open = 'grant execute on all functions in schema public, app to authenticated';
const reads = { rule: 'isolation-read' };
const function_ = (object: string, returns: string, body: string, language = 'sql'): string =>
  `create function public.${object} returns ${returns} language ${language} ${head} as $$ ${body} $$; ${open}`;
const trigger = (when: string, body: string, declared = ''): string =>
  `create function app.act() returns trigger language plpgsql ${head} as $$ ${declared} begin ${body} end $$; ${open};
   create ${when} execute function app.act()`;

const holes: Hole[] = [
  {
    name: 'first letters, beside a code that is never asked for',
    object: 'public.f(text)',
    ...reads,
    sql: function_('f(code text)', 'setof text', 'select left(title, 3) from public.notes where true @'),
    asks: mine,
  },
  {
    name: 'a number that the database counts',
    object: 'public.f(bigint)',
    ...reads,
    sql: function_('f(k bigint)', 'text', 'select title from public.notes where n = k@'),
  },
  {
    name: 'a number that a trigger gives',
    object: 'public.f(text)',
    ...reads,
    sql: function_('f(c text)', 'text', 'select title from public.notes where code = c@'),
  },
  {
    name: 'a generated column',
    object: 'public.f(text)',
    ...reads,
    sql: function_('f(c text)', 'text', 'select owner_id::text from public.notes where mark = c@'),
  },
  {
    name: 'a delete by a number',
    object: 'public.f(bigint)',
    rule: 'isolation-write',
    sql: function_('f(k bigint)', 'void', 'delete from public.notes where n = k@'),
  },
  {
    name: 'rows by an array of composites',
    object: 'public.f(asked[])',
    ...reads,
    sql: function_(
      'f(all_of public.asked[])',
      'setof text',
      'select title from public.notes where id in (select (one).id from unnest(all_of) as one)@',
    ),
  },
  {
    name: 'an SQL-standard body',
    object: 'public.f(uuid)',
    ...reads,
    sql: `create function public.f(k uuid) returns text language sql ${head} begin atomic select title from public.notes where id = k@; end; ${open}`,
  },
  {
    name: 'a cursor that goes out',
    object: 'public.f()',
    ...reads,
    sql: function_(
      'f(out c refcursor)',
      'refcursor',
      "begin c := 'cc'; open c for select * from public.notes where true@; end",
      'plpgsql',
    ),
  },
  {
    name: 'a cursor that goes in, with an option of PL/pgSQL',
    object: 'public.f(refcursor)',
    ...reads,
    sql: function_(
      'f(c refcursor)',
      'refcursor',
      '\n#variable_conflict use_column\nbegin open c for select * from public.notes where true@; return c; end;',
      'plpgsql',
    ),
  },
  {
    name: 'texts in capitals, deep in JSON',
    object: 'public.f()',
    ...reads,
    sql: function_(
      'f()',
      'jsonb',
      "select jsonb_build_object('list', jsonb_agg(upper(title))) from public.notes where true@",
    ),
  },
  {
    name: 'a digest of a text',
    object: 'public.f(uuid)',
    ...reads,
    sql: function_('f(k uuid)', 'text', 'select md5(title) from public.notes where id = k@'),
  },
  {
    name: 'the first letters of a text',
    object: 'public.f(uuid)',
    ...reads,
    sql: function_('f(k uuid)', 'text', 'select left(title, 2) from public.notes where id = k@'),
  },
  {
    name: 'a count of a text that the caller chooses',
    object: 'public.f(text)',
    ...reads,
    sql: function_('f(w text)', 'integer', 'select count(*)::int from public.notes where title = w@'),
  },
  {
    name: 'hits of a search, as JSON',
    object: 'public.f(text)',
    ...reads,
    sql: function_(
      'f(q text)',
      'jsonb',
      "select jsonb_build_object('hits', count(*)) from public.notes where title ilike '%' || q || '%'@",
    ),
  },
  {
    name: 'a text in an error',
    object: 'public.f(uuid)',
    ...reads,
    sql: function_(
      'f(k uuid)',
      'void',
      "declare t text; begin select title into t from public.notes where id = k@; raise exception 'taken by %', t; end",
      'plpgsql',
    ),
  },
  {
    name: 'an error for a text that the caller chooses',
    object: 'public.f(text)',
    ...reads,
    sql: function_(
      'f(w text)',
      'void',
      "begin if exists (select 1 from public.notes where title = w@) then raise exception 'taken'; end if; end",
      'plpgsql',
    ),
  },
  {
    name: 'a copy among the rows of who calls',
    object: 'public.f(uuid)',
    rule: 'isolation-escalation',
    sql: function_(
      'f(k uuid)',
      'void',
      'insert into public.copies (owner_id, title) select auth.uid(), title from public.notes where id = k@',
    ),
  },
  {
    name: 'a copy in the same table',
    object: 'public.f(uuid)',
    rule: 'isolation-escalation',
    sql: function_(
      'f(k uuid)',
      'void',
      'insert into public.notes (title) select title from public.notes where id = k@',
    ),
  },
  {
    name: 'a copy in a row of who calls',
    object: 'public.f(uuid, uuid)',
    rule: 'isolation-escalation',
    sql: function_(
      'f(source uuid, target uuid)',
      'void',
      'declare found text; begin select title into found from public.notes where id = source@; update public.notes set title = found where id = target and owner_id = auth.uid(); end',
      'plpgsql',
    ),
  },
  ...[
    ['a name', 'handle text not null unique', 'handle = q'],
    ['an address', 'email text not null', 'email = q'],
    ['an address in any letters', 'email text unique', 'lower(email) = lower(q)'],
  ].map(([what = '', column = '', condition = '']) => ({
    name: `what stands beside ${what}`,
    object: 'public.f(text)',
    ...reads,
    sql: `${table('people', `${column}, phone text not null`)} ${function_('f(q text)', 'text', `select phone from public.people where ${condition}@`)}`,
  })),
  ...[
    ['of a status', "status text not null default 'draft' check (status in ('draft', 'sent'))", 's text', 'status = s'],
    [
      'of a month',
      'made timestamptz not null default now()',
      'y int, m int',
      'extract(year from made) = y and extract(month from made) = m',
    ],
    ['of a day', 'made timestamptz not null default now()', 'day date', 'made::date = day'],
    ['with a tag', "tags text[] not null default '{}'", 'tag text', 'tag = any (tags)'],
    ['with tags', "tags text[] not null default '{}'", 'tags_asked text[]', 'tags && tags_asked'],
  ].map(([what = '', column = '', inputs = '', condition = '']) => ({
    name: `rows ${what}`,
    object: `public.f(${inputs.replaceAll(/\w+ (\w+(?:\[\])?)/g, '$1').replaceAll('int', 'integer')})`,
    ...reads,
    sql: `${table('papers', column)} ${function_(`f(${inputs})`, 'setof text', `select title from public.papers where ${condition}@`)}`,
  })),
  {
    name: 'a change by a name',
    object: 'public.f(text, text)',
    rule: 'isolation-write',
    sql: `${table('people', 'handle text not null unique, phone text not null')} ${function_('f(h text, p text)', 'void', 'update public.people set phone = p where handle = h@')}`,
  },
  {
    name: 'a trigger that takes over a row',
    object: 'public.links',
    rule: 'isolation-escalation',
    sql: trigger(
      'trigger t after insert on public.links for each row',
      'update public.notes set owner_id = new.owner_id where id = new.ref@; return new;',
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger that deletes what JSON names',
    object: 'public.links',
    rule: 'isolation-write',
    sql: trigger(
      'trigger t after insert on public.links for each row',
      "delete from public.notes where id = (new.data ->> 'ref')::uuid@; return new;",
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger at the end of the transaction',
    object: 'public.links',
    rule: 'isolation-write',
    sql: trigger(
      'constraint trigger t after insert on public.links deferrable initially deferred for each row',
      'delete from public.notes where id = new.ref@; return null;',
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger for all new rows at once',
    object: 'public.links',
    rule: 'isolation-write',
    sql: trigger(
      'trigger t after insert on public.links referencing new table as fresh for each statement',
      'delete from public.notes using fresh where notes.id = fresh.ref@; return null;',
    ),
    asks: ' and notes.owner_id = fresh.owner_id',
  },
  {
    name: 'a trigger on a row that is deleted',
    object: 'public.links',
    rule: 'isolation-write',
    sql: trigger(
      'trigger t after delete on public.links for each row',
      'delete from public.notes where id = old.ref@; return old;',
    ),
    asks: ' and owner_id = old.owner_id',
  },
  {
    name: 'a trigger on a row that is changed',
    object: 'public.links',
    rule: 'isolation-write',
    sql: trigger(
      'trigger t after update on public.links for each row',
      'update public.notes set title = new.title where id = new.ref@; return new;',
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger that copies a text into the new row',
    object: 'public.links',
    rule: 'isolation-escalation',
    sql: trigger(
      'trigger t before insert on public.links for each row',
      "new.title := coalesce((select title from public.notes where id = new.ref@), 'none'); return new;",
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger that copies a text by a number that only the database knows',
    object: 'public.links',
    rule: 'isolation-escalation',
    sql: `alter table public.links add column counted bigint; ${trigger(
      'trigger t before insert on public.links for each row',
      "new.title := coalesce((select title from public.notes where n = new.counted@), 'none'); return new;",
    )}`,
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a trigger that puts a text into an error',
    object: 'public.links',
    ...reads,
    sql: trigger(
      'trigger t before insert on public.links for each row',
      "select title into t from public.notes where id = new.ref@; if t is not null then raise exception 'already %', t; end if; return new;",
      'declare t text;',
    ),
    asks: ' and owner_id = new.owner_id',
  },
  {
    name: 'a setting that a policy asks',
    object: 'public.f(text)',
    rule: 'isolation-escalation',
    sql: `${table('settled', 'about text', `${own} or current_setting('app.admin', true) = 'on'`)} ${function_('f(v text)', 'text', "select set_config('app.admin', v, false) where true@")}`,
    asks: ' and false',
  },
  {
    name: 'any setting, by its name',
    object: 'public.f(text, text)',
    rule: 'isolation-escalation',
    sql: `${table('settled', 'about text', `${own} or current_setting('app.role', true) in ('staff', 'root')`)} ${function_('f(k text, v text)', 'void', 'begin if true@ then perform set_config(k, v, false); end if; end', 'plpgsql')}`,
    asks: " and k = 'app.language'",
  },
];

const prove = async (sql: string) =>
  (await withSchema(database, `${tables} ${sql}`, (session) => verifyIsolation(session, { declarations: [] })))
    .findings;

describe('a way to rows of others', () => {
  it.each(sampleOf(holes, 3))('$name', async ({ sql, asks = mine, object, rule }) => {
    const found = (await prove(sql.replace('@', ''))).map((finding) => [
      finding.rule,
      finding.object,
      finding.severity,
    ]);
    expect(found).toContainEqual([rule, object, 'error']);
    expect((await prove(sql.replace('@', asks))).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('an honest design', () => {
  it.each<[name: string, sql: string, warnings: string[]]>([
    [
      'says whether a unique code is taken',
      function_('f(code text)', 'boolean', 'select exists (select 1 from public.notes where notes.code = f.code)'),
      [],
    ],
    [
      'counts amounts of all, which is only a warning',
      function_('f()', 'numeric', 'select sum(amount) from public.notes'),
      ['public.f()'],
    ],
    [
      'gives the next number of an own series',
      function_('f()', 'bigint', 'select coalesce(max(n), 0) + 1 from public.notes where owner_id = auth.uid()'),
      [],
    ],
    [
      'gives the id of a row that it adds',
      function_('f(t text)', 'uuid', 'insert into public.notes (owner_id, title) values (auth.uid(), t) returning id'),
      [],
    ],
    [
      'picks a row of its own by chance',
      function_('f()', 'text', 'select title from public.notes where owner_id = auth.uid() order by random() limit 1'),
      [],
    ],
    [
      'takes a token that nobody guesses',
      `alter table public.notes add token text not null default md5(random()::text); ${function_('f(token text)', 'text', 'select title from public.notes where notes.token = f.token')}`,
      [],
    ],
    [
      'counts likes in a trigger',
      `alter table public.notes add likes integer not null default 0; ${trigger('trigger t after insert on public.links for each row', 'update public.notes set likes = likes + 1 where id = new.ref; return new;')}`,
      [],
    ],
    [
      'passes a setting on within its own transaction',
      `${table('settled', 'about text', `${own} or current_setting('app.import', true) = 'on'`)} ${function_('f()', 'void', "begin perform set_config('app.import', 'on', true); end", 'plpgsql')}`,
      [],
    ],
  ])('%s', async (_, sql, warnings) => {
    const findings = await prove(sql);
    expect(findings.map(({ severity }) => severity)).not.toContain('error');
    expect(findings.map(({ object }) => object)).toEqual(warnings);
  });

  it.each([
    ['a limited text', 'check (char_length(language) <= 35)', 'language = l'],
    ['a limited text by a pattern', 'check (char_length(language) <= 35)', 'language like l'],
  ])(
    'says whether anyone has %s that all have by default: a warning, and none for own rows',
    async (_, check, asked) => {
      const ask = (which: string): string => `alter table public.notes add language text not null default 'en' ${check};
      ${function_('f(l text)', 'boolean', `select exists (select 1 from public.notes where ${asked} ${which})`)}`;
      const found = (await prove(ask(''))).map(({ rule, object, severity }) => `${severity} ${rule} ${object}`);
      expect(found).toEqual(['warning isolation-read public.f(text)']);
      expect(await prove(ask('and owner_id = auth.uid()'))).toEqual([]);
    },
  );
});
