/** Functions that find rows by their arguments: in states that they ask for, and by keys within texts. All are proven at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { callable, mine, owned, partOf } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const find = (sql: string): Promise<Finding[]> =>
  withSchema(database, sql, (session) => findingsOf(session, [asMigration('extension_002.sql', sql)]));

const docs = owned('docs', "status text not null default 'draft'");
const parts = partOf(
  'parts',
  'docs',
  `exists (select from public.docs d where d.id = docs_id and d.${mine})`,
  "kind text not null default 'a'",
);

/** By name: the argument, and the body, with `@` where the repair asks whose the row is. */
type Body = [argument: string, body: string, language?: 'plpgsql'];

const writing: Record<string, Body> = {
  delete_in_a_state: ['k uuid', `delete from public.docs where id = k and status = 'open' @ returning 'done'`],
  change_in_a_state: [
    'k uuid',
    `update public.docs set title = 'x' where id = k and status = 'open' @ returning 'done'`,
  ],
  returned: [
    'k uuid',
    `declare r record; begin update public.docs set title = title where id = k @ returning * into r; if r.status = 'open' then return r.title; end if; raise exception 'closed'; end`,
    'plpgsql',
  ],
};

const byKey: Record<string, Body> = {
  in_a_state: ['k uuid', `select title from public.docs where id = k and status = 'open' @`],
  with_its_parent: [
    'k uuid',
    `select p.body from public.parts p join public.docs d on d.id = p.docs_id where p.id = k and p.kind = 'shown' and d.status = 'open' @`,
  ],
  record: [
    'k uuid',
    `declare r record; begin select * into r from public.docs where id = k @; if r.status = 'open' then return r.title; end if; return null; end`,
    'plpgsql',
  ],
  row_type: [
    'k uuid',
    `declare r public.docs%rowtype; begin select d.* into r from public.docs d where d.id = k @; if r.status <> 'draft' then return r.title; end if; return null; end`,
    'plpgsql',
  ],
  renamed: [
    'k uuid',
    `declare r record; begin select p.body, p.kind, d.status as state into r from public.parts p join public.docs d on d.id = p.docs_id where p.id = k @;
      if r.state = 'open' and r.kind = 'shown' then return r.body; end if; return null; end`,
    'plpgsql',
  ],
  case_of: [
    'k uuid',
    `declare r record; begin select * into r from public.docs where id = k @; case r.status when 'open' then return r.title; else return null; end case; end`,
    'plpgsql',
  ],
  variable: [
    'k uuid',
    `declare r record; s text; begin select * into r from public.docs where id = k @; s := r.status; if s = 'open' then return r.title; end if; return null; end`,
    'plpgsql',
  ],
};

const inTexts: Record<string, Body> = {
  named: [
    'q text',
    `select title from public.docs where id::text = split_part(q, '=', 2) and split_part(q, '=', 1) = 'id' @`,
  ],
  kind_and_key: [
    'path text',
    `select title from public.docs where id = split_part(path, ':', 2)::uuid and split_part(path, ':', 1) = 'doc' @`,
  ],
  two_keys: [
    'path text',
    `select title from public.docs where owner_id = split_part(path, '/', 1)::uuid and id = split_part(path, '/', 2)::uuid @`,
  ],
  list: ['ids text', `select title from public.docs where id = any (string_to_array(ids, ',')::uuid[]) @`],
  pattern: ['uri text', `select title from public.docs where id = substring(uri from '^doc/([0-9a-f-]+)$')::uuid @`],
  prefix: ['uri text', `select title from public.docs where id = substring(uri from 5)::uuid and uri like 'doc:%' @`],
  joined: ['uri text', `select title from public.docs where 'doc:' || id = uri @`],
  formatted: ['uri text', `select title from public.docs where format('doc/%s/edit', id) = uri @`],
  capitals: ['ref text', `select title from public.docs where upper(id::text) = ref @`],
  bare: ['ref text', `select title from public.docs where replace(id::text, '-', '') = ref @`],
  shortened: ['ref text', `select title from public.docs where translate(id::text, '-', '') = lower(ref) @`],
  named_in_capitals: ['ref text', `select title from public.docs where 'DOC:' || upper(id::text) = ref @`],
  digest_of_two: [
    'ref text',
    `select title from public.docs where encode(sha256(convert_to(concat(owner_id, ':', id), 'UTF8')), 'hex') = ref @`,
  ],
  appended: ['ref text', `select title from public.docs where id::text || '' = ref @`],
  digest: ['ref text', `select title from public.docs where md5(id::text) = ref @`],
  encoded: [
    'ref text',
    `select title from public.docs where id = split_part(convert_from(decode(ref, 'base64'), 'UTF8'), ':', 2)::uuid @`,
  ],
  json: ['body text', `select title from public.docs where id = (body::jsonb ->> 'doc')::uuid @`],
  split: [
    'ref text',
    `declare all_of text[]; begin all_of := regexp_split_to_array(ref, '[|]'); return (select title from public.docs where id = all_of[2]::uuid and all_of[1] = 'v1' @); end`,
    'plpgsql',
  ],
  pairs: [
    'q text',
    `declare pair text; begin foreach pair in array string_to_array(q, '&') loop if split_part(pair, '=', 1) = 'doc' then return (select title from public.docs where id = split_part(pair, '=', 2)::uuid @); end if; end loop; return null; end`,
    'plpgsql',
  ],
  hashed: ['ref text', `select title from public.docs where hashtext(id::text)::text = ref @`],
  computed: ['ref text', `select title from public.docs where to_hex(hashtextextended(id::text, 7) # 4711) = ref @`],
  in_own_form: ['ref text', `select title from public.docs where public.form_of(id) = ref @`],
  by_a_helper: ['path text', 'select title from public.docs where id = app.key_of(path) @'],
};

const helpers = `create schema app; create function app.key_of(said text) returns uuid language sql immutable as $$ select split_part(said, '#', 2)::uuid $$;
  create function public.form_of(id uuid) returns text language sql immutable as $$ select 'd-' || left(md5(id::text), 12) $$;`;
const functions = (bodies: Record<string, Body>, isRepaired: boolean): string =>
  Object.entries(bodies)
    .map(([name, [argument, body, language]]) => {
      const asked = `and ${body.includes(' d ') ? 'd.' : ''}owner_id = auth.uid()`;
      return callable(`public.${name}(${argument})`, 'text', body.replace('@', isRepaired ? asked : ''), language);
    })
    .join('\n');

describe('keys of others', () => {
  it.each([
    ['reads', docs + parts, byKey],
    ['reads by a text', docs + helpers, inTexts],
    ['changes', docs, writing],
  ])(
    'are found by what %s and does not ask whose the row is, and of no use once it does',
    async (_, tables, bodies) => {
      const rule = bodies === writing ? 'isolation-write' : 'isolation-read';
      const all = Object.entries(bodies).map(
        ([name, [argument]]) => `${rule} public.${name}(${argument.split(' ')[1]})`,
      );
      const found = errorsOf(await find(tables + functions(bodies, false)));
      expect(all.filter((one) => !found.includes(one))).toEqual([]);
      expect(errorsOf(await find(tables + functions(bodies, true)))).toEqual([]);
    },
  );
});

describe('what tells a stranger that a key exists is a warning', () => {
  const warnings = async (sql: string): Promise<string[]> =>
    (await find(sql))
      .filter(({ rule, severity }) => severity === 'warning' && rule === 'isolation-read')
      .map(({ object, message }) => `${object} ${message}`)
      .sort();
  const asking = (whose: string): string =>
    owned('notes') +
    callable('public.exists_any(k uuid)', 'boolean', `select exists (select from public.notes where id = k ${whose})`) +
    callable(
      'public.rename(k uuid)',
      'void',
      `begin perform from public.notes where id = k ${whose}; if not found then raise exception 'no note %', k; end if;
        perform from public.notes where id = k and owner_id = auth.uid(); if not found then raise exception 'not yours'; end if; end`,
      'plpgsql',
    );

  it('by the answer or the error of a function', async () => {
    expect(await warnings(asking(''))).toEqual([
      expect.stringMatching(
        /^public\.exists_any\(uuid\) .* its answer tells other whether a row of public\.notes has a certain key/,
      ),
      expect.stringMatching(/^public\.rename\(uuid\) .* its answer tells other whether/),
    ]);
    expect(await warnings(asking('and owner_id = auth.uid()'))).toEqual([]);
  });

  it('by a key that people choose', async () => {
    const numbered = (key: string): string => owned('bills', `number text not null, ${key}`);
    expect(await warnings(numbered('unique (number)'))).toEqual([
      expect.stringMatching(/^public\.bills .* learns whether another user's row has a certain number/),
    ]);
    expect(await warnings(numbered('unique (owner_id, number)'))).toEqual([]);
  });
});

describe('functions that gave nothing to anyone are not proven', () => {
  const gaps = async (sql: string): Promise<string[]> =>
    (await find(sql))
      .filter(({ message }) => message.includes('it gave nothing to anyone'))
      .map(({ severity, rule, object }) => `${severity} ${rule} ${object}`);
  const riddle = '(ascii(p) * 7919 + length(p) * 104729) % 99991 = 41234';
  const notes = owned('notes', 'token text not null default gen_random_uuid()::text');
  const asking = (args: string, returns: string, body: string): string =>
    notes + callable(`public.f(${args})`, returns, body);
  const whose = 'and owner_id = auth.uid()';

  it.each([
    [
      'rows, without asking who calls',
      asking('p text', 'setof text', `select title from public.notes where ${riddle}`),
      ['error not-proven public.f(text)'],
    ],
    [
      'rows of who asks',
      asking('p text', 'setof text', `select title from public.notes where ${riddle} ${whose}`),
      ['warning not-proven public.f(text)'],
    ],
    [
      'a number',
      asking('p text', 'bigint', `select count(*) from public.notes where ${riddle}`),
      ['warning not-proven public.f(text)'],
    ],
    ['rows by a token', asking('p text', 'setof text', 'select title from public.notes where token = p'), []],
    ['nothing at all', asking('p text', 'void', `select title from public.notes where ${riddle}`), []],
    [
      'rows that are of no one',
      `create table public.places (name text primary key); ${callable('public.f(p text)', 'setof text', `select name from public.places where ${riddle}`)}`,
      [],
    ],
    [
      'rows of who asks, with their key',
      asking('a int, p uuid', 'setof text', `select title from public.notes where id = p and a < 9 ${whose}`),
      [],
    ],
  ])('%s', async (_, sql, expected) => {
    expect(await gaps(sql)).toEqual(expected);
  });
});
