import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import type { Expectations } from '../../src/rules/engine/live/expectations.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** A correct table; each case changes one thing. */
const good = `
  create table public.notes (id uuid primary key, user_id uuid not null references auth.users (id), body text);
  create index notes_user_id_idx on public.notes (user_id);
  alter table public.notes enable row level security;
  grant select, insert on public.notes to authenticated;
  create policy notes_read on public.notes for select to authenticated using (user_id = (select auth.uid()));
  create policy notes_add on public.notes for insert to authenticated with check (user_id = (select auth.uid()));
`;
const helper = (settings: string): string => `
  create schema private;
  create function private.my_ids() returns uuid[] language sql stable security definer ${settings} as 'select array[auth.uid()]';
  create function private.is_mine(id uuid) returns boolean language sql stable as 'select id = auth.uid()';
`;

interface Case {
  name: string;
  sql: string;
  finds: string[];
  expectations?: Partial<Expectations>;
}
const bare = 'create table public.bare (id int); alter table public.bare enable row level security';
const publicRead: Partial<Expectations> = { declarations: [{ table: 'public.notes', scope: 'public-read' }] };
const serviceOnly: Partial<Expectations> = { declarations: [{ table: 'public.bare', scope: 'service-only' }] };
const replaceRead = (rest: string): string =>
  `drop policy notes_read on public.notes; create policy notes_read on public.notes ${rest};`;

const cases: Case[] = [
  { name: 'a table in good order', sql: '', finds: [] },
  {
    name: 'numbers that those who insert may not take',
    sql: `create table public.tickets (id serial primary key, user_id uuid not null); alter table public.tickets enable row level security;
      create index on public.tickets (user_id); grant insert on public.tickets to authenticated;
      create policy adds on public.tickets for insert to authenticated with check (user_id = (select auth.uid()))`,
    finds: ['grant-missing public.tickets'],
  },
  {
    name: 'numbers that they may take, and an identity column, which asks for no privilege',
    sql: `create table public.tickets (id serial primary key, no bigint generated always as identity, user_id uuid not null); alter table public.tickets enable row level security;
      create index on public.tickets (user_id); grant insert on public.tickets to authenticated; grant usage on sequence public.tickets_id_seq to authenticated;
      create policy adds on public.tickets for insert to authenticated with check (user_id = (select auth.uid()))`,
    finds: [],
  },
  {
    name: 'a column that a file takes from who has the privilege on the table',
    sql: 'revoke select (body) on public.notes from authenticated',
    finds: ['revoke-without-effect public.notes'],
    expectations: {
      columnRevokes: [{ table: 'public.notes', role: 'authenticated', privilege: 'select', columns: ['body'] }],
    },
  },
  {
    name: 'one that is no longer granted with the table',
    sql: 'revoke select on public.notes from authenticated; grant select (id, user_id) on public.notes to authenticated',
    finds: [],
    expectations: {
      columnRevokes: [{ table: 'public.notes', role: 'authenticated', privilege: 'select', columns: ['body'] }],
    },
  },
  {
    name: 'no row-level security',
    sql: 'alter table public.notes disable row level security',
    finds: ['rls-missing public.notes'],
  },
  {
    name: 'no row-level security where users have no way in',
    sql: 'create schema hidden; create table hidden.t (id int)',
    finds: [],
  },
  {
    name: 'no row-level security in a schema that users may use, where nothing is granted to them',
    sql: 'create schema own; grant usage on schema own to authenticated; create table own.t (id int); grant select on own.t to service_role',
    finds: [],
  },
  {
    name: 'no row-level security in a schema that users may use, where a column is granted to them',
    sql: 'create schema own; grant usage on schema own to authenticated; create table own.t (id int); grant select (id) on own.t to authenticated',
    finds: ['rls-missing own.t'],
  },
  {
    name: 'row-level security and no policy',
    sql: `${bare}; grant select on public.bare to authenticated`,
    finds: ['policy-missing public.bare'],
  },
  {
    name: '… granted by column',
    sql: `${bare}; grant select (id) on public.bare to anon`,
    finds: ['policy-missing public.bare'],
  },
  {
    name: '… where nothing is granted to users',
    sql: `${bare}; grant select on public.bare to service_role`,
    finds: [],
  },
  {
    name: '… for a partition',
    sql: 'create table public.parts (id int) partition by list (id); alter table public.parts enable row level security; create table public.part partition of public.parts for values in (1); alter table public.part enable row level security; grant select on public.part to anon',
    finds: [],
  },
  {
    name: '… that a comment reserves for the server',
    sql: `${bare}; grant select on public.bare to authenticated`,
    finds: [],
    expectations: { serverOnly: ['public.bare'] },
  },
  {
    name: 'no row-level security on a partition that users reach',
    sql: 'create table public.parts (id int) partition by list (id); alter table public.parts enable row level security; create table public.part partition of public.parts for values in (1); grant select on public.part to anon',
    finds: ['rls-missing public.part'],
  },
  {
    name: '… that they do not reach',
    sql: 'create table public.parts (id int) partition by list (id); alter table public.parts enable row level security; create table public.part partition of public.parts for values in (1)',
    finds: [],
  },
  {
    name: '… declared service-only',
    sql: `${bare}; grant select on public.bare to authenticated`,
    finds: [],
    expectations: serviceOnly,
  },
  {
    name: 'no TO',
    sql: replaceRead('for select using (user_id = (select auth.uid()))'),
    finds: ['policy-without-role policy "notes_read" on public.notes'],
  },
  {
    name: 'USING (true) for reads',
    sql: replaceRead('for select to authenticated using (true)'),
    finds: ['policy-always-true policy "notes_read" on public.notes'],
  },
  {
    name: '… declared public-read',
    sql: replaceRead('for select to authenticated using (true)'),
    finds: [],
    expectations: publicRead,
  },
  {
    name: 'OR true',
    sql: replaceRead('for select to authenticated using (user_id = (select auth.uid()) or true)'),
    finds: ['policy-always-true policy "notes_read" on public.notes'],
  },
  {
    name: 'WITH CHECK (true) for writes, declared public-read',
    sql: 'alter policy notes_add on public.notes with check (true)',
    finds: ['policy-always-true policy "notes_add" on public.notes'],
    expectations: publicRead,
  },
  {
    name: 'a role that users write into their metadata',
    sql: replaceRead("for select to authenticated using ((select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin')"),
    finds: ['policy-trusts-user-metadata policy "notes_read" on public.notes'],
  },
  {
    name: 'a role that users write into their metadata, which a function looks up',
    sql: `create function public.my_role() returns text language plpgsql stable security definer set search_path = '' as
        $$ begin return (select raw_user_meta_data ->> 'role' from auth.users where id = auth.uid()); end $$;
      ${replaceRead("for select to authenticated using ((select public.my_role()) = 'admin')")}`,
    finds: ['policy-trusts-user-metadata policy "notes_read" on public.notes'],
  },
  {
    name: '… that only narrows what is theirs',
    sql: replaceRead(
      "for select to authenticated using (user_id = (select auth.uid()) and (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin')",
    ),
    finds: [],
  },
  {
    name: 'a mark that hides its row from the user who sets it',
    sql: `alter table public.notes add deleted_at timestamptz; ${replaceRead('for select to authenticated using (user_id = (select auth.uid()) and deleted_at is null)')}
      create policy marks on public.notes for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid())); grant update on public.notes to authenticated`,
    finds: ['soft-delete-refused policy "notes_read" on public.notes'],
  },
  {
    name: 'true for the service role',
    sql: 'create policy all_service on public.notes to service_role using (true); grant all on public.notes to service_role',
    finds: [],
  },
  {
    name: 'false and a flag are not true',
    sql: 'create policy p on public.notes as restrictive for delete to authenticated using (false)',
    finds: [],
  },
  {
    name: 'a bare call',
    sql: replaceRead('for select to authenticated using (user_id = auth.uid())'),
    finds: ['policy-per-row-call policy "notes_read" on public.notes'],
  },
  {
    name: 'a helper with a column as its argument',
    sql: helper("set search_path = ''") + replaceRead('for select to authenticated using (private.is_mine(user_id))'),
    finds: ['policy-per-row-call policy "notes_read" on public.notes'],
  },
  {
    name: 'a helper run once',
    sql:
      helper("set search_path = ''") +
      replaceRead('for select to authenticated using (user_id = any ((select private.my_ids())::uuid[]))'),
    finds: [],
  },
  {
    name: 'no grant for a verb',
    sql: 'revoke insert on public.notes from authenticated',
    finds: ['grant-missing public.notes'],
  },
  {
    name: 'a grant on columns is a grant',
    sql: 'revoke insert on public.notes from authenticated; grant insert (id, user_id) on public.notes to authenticated',
    finds: [],
  },
  {
    name: 'a foreign key without an index',
    sql: 'create table public.more (id int primary key, note uuid references public.notes (id)); alter table public.more enable row level security; create policy p on public.more to service_role using (true); grant all on public.more to service_role',
    finds: ['fk-without-index public.more'],
  },
  {
    name: 'a foreign key at the head of a longer index',
    sql: 'create table public.more (id int primary key, note uuid references public.notes (id), unique (note, id)); alter table public.more enable row level security; create policy p on public.more to service_role using (true); grant all on public.more to service_role',
    finds: [],
  },
  {
    name: 'a partial index that leaves rows out',
    sql: "drop index public.notes_user_id_idx; create index notes_user_id_idx on public.notes (user_id) where body = 'x'",
    finds: ['fk-without-index public.notes'],
  },
  {
    name: 'a policy column without an index',
    sql: 'alter table public.notes add column team uuid; create policy team on public.notes for select to authenticated using (team = (select auth.uid()))',
    finds: ['policy-column-without-index policy "team" on public.notes'],
  },
  {
    name: 'a flag in a policy needs no index',
    sql: "alter table public.notes add column open boolean; create policy team on public.notes for select to authenticated using (open = true and body in ('a', 'b'))",
    finds: [],
  },
  {
    name: "a definer function with the caller's search_path",
    sql: helper(''),
    finds: ['definer-without-search-path private.my_ids()'],
  },
  { name: '… pinned', sql: helper("set search_path = ''"), finds: [] },
  {
    name: 'a missing table',
    sql: '',
    finds: ['table-missing public.gone'],
    expectations: { tables: ['public.notes', 'public.gone'] },
  },
  {
    name: 'a table in a schema of the platform',
    sql: 'create schema if not exists supabase_functions; create table if not exists supabase_functions.hooks (id bigint primary key)',
    finds: [],
    expectations: { tables: ['public.notes', 'supabase_functions.hooks'] },
  },
  {
    name: 'a policy on storage.objects',
    sql: "create policy up on storage.objects for insert to public with check (bucket_id = 'a')",
    finds: ['policy-without-role policy "up" on storage.objects'],
  },
];

describe('checkCatalog', () => {
  it.each(cases)('$name', async ({ sql, finds, expectations }) => {
    const findings = await withSchema(database, `${good}; ${sql}`, (session) =>
      checkCatalog(session, { declarations: [], ...expectations }),
    );
    expect(findings.map((finding) => `${finding.rule} ${finding.object}`)).toEqual(finds);
  });

  it('makes suggestions that can be run', async () => {
    const sql =
      'alter table public.notes disable row level security; drop index public.notes_user_id_idx; revoke select on public.notes from authenticated';
    await withSchema(database, `${good}; ${sql}`, async () => {
      const before = await checkCatalog(database, { declarations: [] });
      expect(before.length).toBeGreaterThan(1);
      for (const finding of before) await database.script(finding.suggestion);
      for (const finding of await checkCatalog(database, { declarations: [] }))
        await database.script(finding.suggestion);
      expect(await checkCatalog(database, { declarations: [] })).toEqual([]);
    });
  });
});
