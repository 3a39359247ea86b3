import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Migration } from '../../src/sql/migration.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { asMigration, installFiles } from './kit.ts';
import { errorsOf, findingsOf, objectsOf } from './prove-files.ts';

/**
 * The whole kit is proven with each case only if everything is tested; otherwise only what the case creates and may
 * change, beside the first files of the kit: users, their profiles and roles, organizations and their members.
 */
const isWhole = process.env['CREATE_MUSE_ALL'] !== undefined;
const ofUsers = 4;

let database: Database;
let kit: Migration[];
let ofKit: Set<string>;
beforeAll(async () => {
  database = await openProofDatabase();
  kit = await installFiles(database, [], ['notes: title text!, body text, owner user'], isWhole ? undefined : ofUsers);
  ofKit = new Set(await objectsOf(database));
});
afterAll(() => database.close());

interface Hole {
  /** File in `cases/`. */
  file: string;
  /** What is wrong. */
  name: string;
  /** Rule and object of the errors that must be found, and no errors of other objects. */
  finds: string[];
  /** Objects that may have errors as well. */
  also?: string[];
  /** The smallest repair of the same file, which leaves no error. */
  repair: string;
}

const own = (table: string): string =>
  `alter policy select_p on public.${table} using ((select auth.uid()) = owner_id)`;
const redefine = (signature: string, returns: string, body: string): string =>
  `create or replace function ${signature} returns ${returns} language sql stable security definer set search_path = '' as $$ ${body} $$`;

const holes: Hole[] = [
  {
    file: 'unassigned',
    name: 'rows that everyone reads while an optional column is unset',
    finds: ['isolation-read public.h01'],
    repair: own('h01'),
  },
  {
    file: 'copy-trigger',
    name: 'a trigger that copies private rows to where all read',
    finds: ['isolation-read public.h05'],
    repair:
      "create or replace function private.h05_copy() returns trigger language plpgsql security definer set search_path = '' as $$ begin insert into public.h05_feed (title) values ('A new row'); return new; end $$",
  },
  {
    file: 'self-join',
    name: 'anyone joins any group',
    finds: ['isolation-escalation public.h07_joins'],
    repair: `${redefine('private.h07_owns(g uuid)', 'boolean', 'select exists (select 1 from public.h07_groups where id = g and owner_id = auth.uid())')};
      grant execute on function private.h07_owns(uuid) to authenticated; alter policy insert_p on public.h07_joins with check (user_id = (select auth.uid()) and private.h07_owns(h07_group_id))`,
  },
  {
    file: 'workspace-self-join',
    name: 'anyone joins any workspace',
    finds: ['isolation-escalation public.workspace_members'],
    repair: `${redefine('private.made_workspace(w uuid)', 'boolean', 'select exists (select 1 from public.workspaces where id = w and created_by = auth.uid())')};
      grant execute on function private.made_workspace(uuid) to authenticated; alter policy m2 on public.workspace_members with check (user_id = (select auth.uid()) and private.made_workspace(workspace_id))`,
  },
  {
    file: 'preferences-role',
    name: "a role that policies trust in one's own preferences",
    finds: ['isolation-escalation public.h08_prefs'],
    repair:
      'revoke insert, update on public.h08_prefs from authenticated; grant insert (user_id, theme), update (theme) on public.h08_prefs to authenticated',
  },
  {
    file: 'instead-of',
    name: 'an INSTEAD OF trigger that changes any row by its id',
    finds: ['isolation-write public.h12_v'],
    repair:
      "create or replace function private.h12_ins() returns trigger language plpgsql security definer set search_path = '' as $$ begin update public.h12 set title = new.title where id = new.id and owner_id = auth.uid(); return new; end $$",
  },
  {
    file: 'refcursor',
    name: 'a cursor over every row',
    finds: ['isolation-read public.h16_open()'],
    repair:
      "create or replace function public.h16_open() returns refcursor language plpgsql security definer set search_path = '' as $$ declare c refcursor := 'h16c'; begin open c for select * from public.h16 where owner_id = auth.uid(); return c; end $$",
  },
  {
    file: 'dynamic-sql',
    name: 'SQL that the caller writes',
    finds: ['isolation-read public.h17_report(text)'],
    repair: 'alter function public.h17_report(text) security invoker',
  },
  {
    file: 'trusted-header',
    name: 'a request header that says who one is',
    finds: ['isolation-read public.h20'],
    repair: own('h20'),
  },
  {
    file: 'deleted-readable',
    name: 'rows that everyone reads once they are deleted',
    finds: ['isolation-read public.h22'],
    repair: own('h22'),
  },
  {
    file: 'truncate',
    name: 'TRUNCATE granted to signed-in users',
    finds: ['isolation-write public.h24'],
    repair: 'revoke truncate, references, trigger on public.h24 from authenticated',
  },
  {
    file: 'default-privileges',
    name: 'privileges on tables to come',
    finds: ['anon-write default privileges on tables in schema public'],
    repair: 'alter default privileges in schema public revoke all on tables from anon, authenticated',
  },
  {
    file: 'jsonb-argument',
    name: 'a row by an id in JSON',
    finds: ['isolation-read public.h31_get(jsonb)'],
    repair: redefine(
      'public.h31_get(p jsonb)',
      'jsonb',
      "select to_jsonb(n) from public.h31 n where n.id = (p->>'id')::uuid and n.owner_id = auth.uid()",
    ),
  },
  {
    file: 'paged',
    name: 'pages of every row',
    finds: ['isolation-read public.h34_page(integer, integer)'],
    also: ['public.h34'],
    repair: redefine(
      'public.h34_page(page integer, size integer)',
      'setof public.h34',
      'select * from public.h34 where owner_id = auth.uid() order by id limit size offset page * size',
    ),
  },
  {
    file: 'comment-skips',
    name: 'every row, with a word in a comment',
    finds: ['isolation-read public.h35_all()'],
    repair: redefine(
      'public.h35_all()',
      'setof public.h35',
      'select * from public.h35 where owner_id = auth.uid() /* after setval(...) by the import */',
    ),
  },
  {
    file: 'unowned-email',
    name: 'addresses in a table that has no owner',
    finds: ['isolation-read public.h38_orders'],
    repair: "alter policy select_p on public.h38_orders using (contact_email = (select auth.jwt() ->> 'email'))",
  },
  {
    file: 'large-amounts',
    name: 'rows over an amount that everyone changes',
    finds: ['isolation-write public.h43'],
    repair:
      'alter policy update_p on public.h43 using ((select auth.uid()) = owner_id) with check ((select auth.uid()) = owner_id)',
  },
  {
    file: 'command-trigger',
    name: "a trigger of one's own table that deletes rows of others",
    finds: ['isolation-write public.h44_commands'],
    repair:
      "create or replace function private.h44_run() returns trigger language plpgsql security definer set search_path = '' as $$ begin delete from public.h44 where owner_id = new.user_id and title = new.target_title; return new; end $$",
  },
  {
    file: 'api-schema',
    name: 'every row, by a function of another schema',
    finds: ['isolation-read api.h45_all()'],
    repair: redefine('api.h45_all()', 'setof public.notes', 'select * from public.notes where owner_id = auth.uid()'),
  },
  {
    file: 'boolean-oracle',
    name: 'a yes or no for a part of a text',
    finds: ['isolation-read public.h50_has(text)'],
    repair: redefine(
      'public.h50_has(p_title text)',
      'boolean',
      'select exists (select 1 from public.h50 where title like p_title and owner_id = auth.uid())',
    ),
  },
  {
    file: 'enum-argument',
    name: 'every row, for a value of an enum',
    finds: ['isolation-read public.h52_all(h52_kind)'],
    repair: redefine(
      'public.h52_all(k public.h52_kind)',
      'setof public.h52',
      'select * from public.h52 where owner_id = auth.uid()',
    ),
  },
  {
    file: 'wipe',
    name: 'a table that an anonymous visitor empties',
    finds: ['anon-write public.h53_wipe()'],
    repair:
      "create or replace function public.h53_wipe() returns void language sql security definer set search_path = '' as $$ delete from public.h53 where owner_id = auth.uid(); /* then setval( ) */ $$",
  },
  {
    file: 'webhook-trigger',
    name: "a trigger that deletes others' rows, with a word in a comment",
    finds: ['isolation-write public.notes'],
    repair:
      "create or replace function private.hook() returns trigger language plpgsql security definer set search_path = '' as $$ begin /* select http_post( ) */ return new; end $$",
  },
  {
    file: 'definer-leak',
    name: "a column of any user, by the user's id",
    finds: ['isolation-read public.plan_of(uuid)', 'anon-read public.plan_of(uuid)'],
    repair: redefine(
      'public.plan_of(who uuid)',
      'text',
      'select plan from public.plans_of where user_id = who and user_id = auth.uid()',
    ),
  },
  {
    file: 'partitions',
    name: 'a view as its owner, rows by an id, claims that users write, a bucket',
    finds: [
      'isolation-read public.notes_view',
      'isolation-read public.notes_of(uuid)',
      'isolation-read public.reports',
      'policy-trusts-user-metadata policy "rep" on public.reports',
      'isolation-read storage.objects[docs]',
    ],
    repair: `alter view public.notes_view set (security_invoker = true); ${redefine('public.notes_of(who uuid)', 'setof public.notes', 'select * from public.notes where owner_id = who and who = auth.uid()')};
      alter policy rep on public.reports using (user_id = (select auth.uid()));
      alter policy docs_read on storage.objects using (bucket_id = 'docs' and (storage.foldername(name))[1] = (select auth.uid())::text)`,
  },
];

/** Correct designs. */
const sound: { file: string; name: string }[] = [
  { file: 'shares', name: 'documents that their owner shares' },
  { file: 'token-organization', name: 'an organization in the token' },
  { file: 'chat', name: 'chat rooms' },
  { file: 'restrictive-mfa', name: 'a second factor for every row' },
  { file: 'lookup-ranks', name: 'ranks in a lookup table' },
  { file: 'members-by-server', name: 'members that the server alone writes' },
  { file: 'claims', name: 'a second factor, and an organization in the token' },
  { file: 'public-bucket', name: 'a bucket that is declared public' },
  { file: 'private-comment', name: 'a table that a comment after it calls private' },
  { file: 'private-table', name: 'a table that a comment before it calls private' },
];

const read = (file: string): string => readFileSync(join(import.meta.dirname, 'cases', `${file}.sql`), 'utf8');
const objectOf = (error: string): string => error.slice(error.indexOf(' ') + 1);

const prove = (sql: string, objects: readonly string[] = []): Promise<string[]> =>
  withSchema(database, sql, async (session) => {
    const made = isWhole
      ? undefined
      : [...(await objectsOf(session)).filter((name) => !ofKit.has(name)), 'public.notes', ...objects];
    return errorsOf(await findingsOf(session, [...kit, asMigration('extension_002.sql', sql)], made));
  });

/** Describes the differences from the expectation; empty if there are none. */
function wrongIn(errors: readonly string[], finds: readonly string[], also: readonly string[] = []): string[] {
  const objects = new Set([...finds.map(objectOf), ...also]);
  return [
    ...finds.filter((find) => !errors.includes(find)).map((find) => `missed: ${find}`),
    ...errors.filter((error) => !objects.has(objectOf(error))).map((error) => `false: ${error}`),
  ];
}

describe('previously missed holes', () => {
  it.each(holes)('$name ($file)', async ({ file, finds, also, repair }) => {
    const wrong = wrongIn(await prove(read(file), finds.map(objectOf)), finds, also);
    const repaired = (await prove(`${read(file)};\n${repair};`, finds.map(objectOf))).map(
      (error) => `repaired: ${error}`,
    );
    expect([...wrong, ...repaired].join('; ')).toBe('');
  });
});

describe('previously refused designs', () => {
  it.each(sound)('$name ($file)', async ({ file }) => {
    expect(wrongIn(await prove(read(file)), []).join('; ')).toBe('');
  });
});
