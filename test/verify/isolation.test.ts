import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Correct owner and organization tables, a view, functions, a bucket; each case plants one hole. */
const good = `
  create schema private; grant usage on schema private to authenticated;
  create table public.profiles (id uuid primary key references auth.users (id), full_name text);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (
    organization_id uuid not null references public.organizations (id), user_id uuid not null references public.profiles (id),
    role text not null default 'member' check (role in ('owner', 'admin', 'member')), primary key (organization_id, user_id));
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), body text not null);
  create table public.comments (id uuid primary key default gen_random_uuid(), note_id uuid not null references public.notes (id), words text);
  create table public.deals (
    id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id),
    created_by uuid references public.profiles (id), title text not null);
  create table public.plans (id uuid primary key default gen_random_uuid(), name text not null);
  create function private.my_organizations(roles text[] default '{owner,admin,member}') returns uuid[] language sql stable security definer set search_path = ''
    as 'select coalesce(array_agg(organization_id), ''{}'') from public.organization_members where user_id = auth.uid() and role = any (roles)';
  grant execute on function private.my_organizations(text[]) to authenticated;
  alter table public.profiles enable row level security; alter table public.organizations enable row level security;
  alter table public.organization_members enable row level security; alter table public.notes enable row level security;
  alter table public.comments enable row level security; alter table public.deals enable row level security; alter table public.plans enable row level security;
  grant select on public.organizations, public.organization_members, public.plans, public.profiles to authenticated;
  grant select on public.plans to anon;
  grant select, insert, update, delete on public.notes, public.comments, public.deals to authenticated;
  create policy profiles_own on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy organizations_own on public.organizations for select to authenticated using (id = any ((select private.my_organizations())::uuid[]));
  create policy members_own on public.organization_members for select to authenticated using (organization_id = any ((select private.my_organizations())::uuid[]));
  create policy notes_own on public.notes to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create policy comments_own on public.comments to authenticated using (exists (select 1 from public.notes n where n.id = note_id and n.user_id = (select auth.uid())));
  create policy deals_own on public.deals to authenticated using (organization_id = any ((select private.my_organizations())::uuid[]))
    with check (organization_id = any ((select private.my_organizations())::uuid[]));
  create policy plans_read on public.plans for select to anon, authenticated using (true);
  create view public.note_list with (security_invoker = true) as select id, user_id, body from public.notes;
  grant select, update, delete on public.note_list to authenticated;
  create function public.my_notes() returns setof public.notes language sql stable set search_path = '' as 'select * from public.notes';
  insert into storage.buckets (id, name) values ('files', 'files');
  create policy files_own on storage.objects to authenticated
    using (bucket_id = 'files' and (storage.foldername(name))[1] = (select auth.uid())::text)
    with check (bucket_id = 'files' and (storage.foldername(name))[1] = (select auth.uid())::text);
`;
const declarations: Declaration[] = [{ table: 'public.plans', scope: 'public-read' }];

interface Case {
  name: string;
  sql: string;
  finds: string[];
  declarations?: Declaration[];
}

/** A function with its owner's rights that signed-in users may call. */
const definer = (signature: string, body: string): string =>
  `create function public.${signature} returns void language sql security definer set search_path = '' as $$ ${body} $$; revoke execute on function public.${signature} from public, anon; grant execute on function public.${signature} to authenticated`;

const cases: Case[] = [
  { name: 'a schema in good order', sql: '', finds: [] },

  {
    name: 'a table that anon reads',
    sql: 'grant select on public.notes to anon; create policy p on public.notes for select to anon using (true)',
    finds: ['anon-read public.notes', 'anon-read public.my_notes()'],
  },
  { name: 'a grant to anon without a policy', sql: 'grant select on public.notes to anon', finds: [] },
  { name: 'a public table not declared so', sql: '', declarations: [], finds: ['anon-read public.plans'] },
  {
    name: 'a table that anon writes',
    sql: 'grant insert on public.plans to anon; create policy p on public.plans for insert to anon with check (true)',
    finds: ['anon-write public.plans'],
  },

  {
    name: 'a user reads everything',
    sql: 'create policy p on public.notes for select to authenticated using (true)',
    finds: ['isolation-read public.notes', 'isolation-read public.note_list', 'isolation-read public.my_notes()'],
  },
  {
    name: 'a policy by what users write of themselves',
    sql: "create policy p on public.deals for select to authenticated using (organization_id::text = (select auth.jwt() -> 'user_metadata' ->> 'organization_id'))",
    finds: ['isolation-read public.deals'],
  },
  {
    name: 'a policy by what only the backend writes of users',
    sql: "create policy p on public.deals for select to authenticated using (organization_id::text = (select auth.jwt() -> 'app_metadata' ->> 'organization_id'))",
    finds: [],
  },
  {
    name: 'a view of all of auth.users',
    sql: 'create view public.people as select id, email from auth.users; grant select on public.people to authenticated',
    finds: ['isolation-read public.people'],
  },
  {
    name: 'a view of oneself in auth.users',
    sql: 'create view public.people as select id, email from auth.users where id = auth.uid(); grant select on public.people to authenticated',
    finds: [],
  },
  {
    name: 'a definer function that takes over a row of a prefixed table',
    sql: `create table public.kv_items (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), title text not null); alter table public.kv_items enable row level security;
      create policy own on public.kv_items to authenticated using (user_id = (select auth.uid())); grant select on public.kv_items to authenticated;
      create function public.take_over(item uuid) returns void language sql security definer set search_path = '' as 'update public.kv_items set user_id = auth.uid() where id = item'`,
    finds: ['isolation-write public.take_over(uuid)'],
  },
  {
    name: 'row-level security off',
    sql: 'alter table public.deals disable row level security',
    finds: [
      'isolation-read public.deals',
      'isolation-insert public.deals',
      'isolation-write public.deals',
      'isolation-reassign public.deals',
    ],
  },
  {
    name: 'organization policy for all who are signed in',
    sql: 'alter policy deals_own on public.deals using (auth.uid() is not null)',
    finds: ['isolation-read public.deals', 'isolation-write public.deals', 'isolation-reassign public.deals'],
  },
  {
    name: 'a helper that returns all',
    sql: "create or replace function private.my_organizations(roles text[] default '{}') returns uuid[] language sql stable security definer set search_path = '' as 'select array_agg(id) from public.organizations'",
    finds: [
      'isolation-read private.my_organizations(text[])',
      'isolation-read public.deals',
      'isolation-insert public.deals',
      'isolation-write public.deals',
      'isolation-reassign public.deals',
      'isolation-read public.organization_members',
      'isolation-read public.organizations',
    ],
  },
  {
    name: 'members who see each other',
    sql: 'create policy fellows on public.profiles for select to authenticated using (exists (select 1 from public.organization_members m where m.user_id = profiles.id))',
    finds: [],
  },

  {
    name: 'anyone deletes',
    sql: 'create policy p on public.notes for delete to authenticated using (true)',
    finds: ['isolation-write public.notes', 'isolation-write public.note_list'],
  },
  {
    name: 'an update that no SELECT policy covers',
    sql: 'create policy p on public.deals for update to authenticated using (true) with check (organization_id is not null)',
    finds: ['isolation-write public.deals', 'isolation-reassign public.deals'],
  },
  {
    name: 'a forged owner',
    sql: 'create policy p on public.notes for insert to authenticated with check (true)',
    finds: ['isolation-insert public.notes'],
  },
  {
    name: "a child of another's row",
    sql: 'create policy p on public.comments for insert to authenticated with check (note_id is not null)',
    finds: ['isolation-insert public.comments'],
  },
  {
    name: 'handing over',
    sql: 'create policy p on public.notes for update to authenticated using (user_id = (select auth.uid())) with check (true)',
    finds: ['isolation-reassign public.notes', 'isolation-reassign public.note_list'],
  },
  {
    name: 'members make themselves owners',
    sql: 'grant update (role) on public.organization_members to authenticated; create policy p on public.organization_members for update to authenticated using (user_id = (select auth.uid()))',
    finds: ['isolation-write public.organization_members'],
  },
  {
    name: 'owners change roles',
    sql: "grant update (role) on public.organization_members to authenticated; create policy p on public.organization_members for update to authenticated using (organization_id = any ((select private.my_organizations('{owner}'))::uuid[]))",
    finds: [],
  },
  {
    name: 'outsiders join',
    sql: 'grant insert on public.organization_members to authenticated; create policy p on public.organization_members for insert to authenticated with check (user_id = (select auth.uid()))',
    finds: ['isolation-insert public.organization_members', 'isolation-escalation public.organization_members'],
  },

  {
    name: 'the owner has a grant and no policy',
    sql: 'drop policy notes_own on public.notes',
    finds: ['owner-locked-out public.notes', 'owner-locked-out public.comments'],
  },
  {
    name: 'the owner has a policy and no grant',
    sql: 'revoke select on public.deals from authenticated',
    finds: ['owner-locked-out public.deals'],
  },
  {
    name: 'no one is meant to insert',
    sql: 'revoke insert on public.deals from authenticated; drop policy deals_own on public.deals; create policy r on public.deals for select to authenticated using (organization_id = any ((select private.my_organizations())::uuid[])); revoke update, delete on public.deals from authenticated',
    finds: [],
  },
  {
    name: 'a policy that reads its own table',
    sql: 'create policy p on public.organization_members for select to authenticated using (exists (select 1 from public.organization_members m where m.user_id = (select auth.uid())))',
    finds: ['policy-error public.organization_members'],
  },
  {
    name: 'a policy that reads auth.users',
    sql: 'create policy p on public.plans for select to authenticated using (exists (select 1 from auth.users)); drop policy plans_read on public.plans',
    finds: ['policy-error public.plans'],
  },

  {
    name: 'declared service-only and used by users',
    sql: '',
    declarations: [...declarations, { table: 'public.deals', scope: 'service-only' }],
    finds: [
      'isolation-read public.deals',
      'isolation-write public.deals',
      'isolation-insert public.deals',
      'isolation-reassign public.deals',
    ],
  },
  {
    name: 'a service-only table that holds',
    sql: 'create table public.secrets (id int primary key); alter table public.secrets enable row level security',
    declarations: [...declarations, { table: 'public.secrets', scope: 'service-only' }],
    finds: [],
  },
  {
    name: 'users change the shared row',
    sql: 'grant update on public.plans to authenticated; create policy p on public.plans for update to authenticated using (true)',
    finds: ['isolation-write public.plans'],
  },

  {
    name: 'shared with the organization by a column of another name',
    sql: `create table public.boards (id uuid primary key, user_id uuid not null references auth.users (id), crew uuid not null);
      alter table public.boards enable row level security; grant select on public.boards to authenticated;
      create policy p on public.boards for select to authenticated using (crew = any ((select private.my_organizations())::uuid[]))`,
    declarations: [...declarations, { table: 'public.boards', scope: 'shared-with', column: 'crew' }],
    finds: [],
  },
  {
    name: 'a table of roles that users write',
    sql: `create table public.user_roles (user_id uuid primary key references auth.users (id), role text not null default 'user' check (role in ('user', 'admin')));
      alter table public.user_roles enable row level security; grant select, update on public.user_roles to authenticated;
      create policy p on public.user_roles to authenticated using (user_id = (select auth.uid()))`,
    finds: ['isolation-write public.user_roles'],
  },
  {
    name: 'a flag in the profile that makes an admin',
    sql: 'alter table public.profiles add column is_admin boolean not null default false; grant update on public.profiles to authenticated; create policy p on public.profiles for update to authenticated using (id = (select auth.uid()))',
    finds: ['isolation-write public.profiles'],
  },
  {
    name: '… that users may not set',
    sql: 'alter table public.profiles add column is_admin boolean not null default false; grant update (full_name) on public.profiles to authenticated; create policy p on public.profiles for update to authenticated using (id = (select auth.uid()))',
    finds: [],
  },
  {
    name: 'a row that its owner adds on behalf of another organization',
    sql: 'create policy p on public.deals for insert to authenticated with check (created_by = (select auth.uid()))',
    finds: ['isolation-insert public.deals'],
  },
  {
    name: 'a trigger that corrects a forged owner',
    sql: `create policy p on public.notes for insert to authenticated with check (true);
      create function public.mine() returns trigger language plpgsql as $$ begin new.user_id = auth.uid(); return new; end $$; create trigger mine before insert on public.notes for each row execute function public.mine()`,
    finds: [],
  },

  {
    name: 'a view without security_invoker',
    sql: 'alter view public.note_list reset (security_invoker)',
    finds: [
      'isolation-read public.note_list',
      'isolation-write public.note_list',
      'isolation-reassign public.note_list',
    ],
  },
  {
    name: 'a joining view without security_invoker',
    sql: 'create view public.joined as select n.body, c.words from public.notes n join public.comments c on c.note_id = n.id; grant select on public.joined to authenticated',
    finds: ['isolation-read public.joined'],
  },
  {
    name: 'a joining view with it',
    sql: 'create view public.joined with (security_invoker) as select n.body, c.words from public.notes n join public.comments c on c.note_id = n.id; grant select on public.joined to authenticated',
    finds: [],
  },
  {
    name: 'a materialized view',
    sql: 'create materialized view public.stored as select body from public.notes; grant select on public.stored to authenticated',
    finds: ['isolation-read public.stored'],
  },
  {
    name: 'a definer function that returns all',
    sql: "create or replace function public.my_notes() returns setof public.notes language sql stable security definer set search_path = '' as 'select * from public.notes'",
    finds: ['anon-read public.my_notes()', 'isolation-read public.my_notes()'],
  },
  {
    name: 'a definer function with a check',
    sql: "create or replace function public.my_notes() returns setof public.notes language sql stable security definer set search_path = '' as 'select * from public.notes where user_id = auth.uid()'",
    finds: [],
  },
  {
    name: 'a definer function that deletes any given row',
    sql: "create function public.remove_note(note_id uuid) returns void language sql security definer set search_path = '' as 'delete from public.notes where id = note_id'; revoke execute on function public.remove_note(uuid) from public, anon; grant execute on function public.remove_note(uuid) to authenticated",
    finds: ['isolation-write public.remove_note(uuid)'],
  },
  {
    name: 'a definer function that lets anyone join',
    sql: "create function public.join(organization_id uuid) returns void language sql security definer set search_path = '' as 'insert into public.organization_members values (organization_id, auth.uid(), ''member'') on conflict do nothing'; revoke execute on function public.join(uuid) from public, anon; grant execute on function public.join(uuid) to authenticated",
    finds: ['isolation-write public.join(uuid)', 'isolation-escalation public.join(uuid)'],
  },
  {
    name: 'a definer function that makes an organization for a given user',
    sql: definer(
      'new_organization(title text, user_id uuid)',
      "with made as (insert into public.organizations (name) values (title) returning id) insert into public.organization_members select id, user_id, 'owner' from made",
    ),
    finds: ['isolation-insert public.new_organization(text, uuid)'],
  },
  {
    name: '… for whoever calls it',
    sql: definer(
      'new_organization(title text, user_id uuid)',
      "with made as (insert into public.organizations (name) values (title) returning id) insert into public.organization_members select id, auth.uid(), 'owner' from made",
    ),
    finds: [],
  },
  {
    name: 'a definer function by which an owner invites a given user',
    sql: definer(
      'invite(organization uuid, invited uuid)',
      "insert into public.organization_members select organization, invited, 'member' where organization = any (private.my_organizations('{owner}')) on conflict do nothing",
    ),
    finds: [],
  },

  {
    name: 'a bucket that anyone reads',
    sql: "create policy p on storage.objects for select to authenticated using (bucket_id = 'files')",
    finds: ['isolation-read storage.objects[files]'],
  },
  {
    name: 'a bucket that anyone writes into',
    sql: "create policy p on storage.objects for insert to authenticated with check (bucket_id = 'files')",
    finds: ['isolation-insert storage.objects[files]'],
  },
];

describe('verifyIsolation', () => {
  it.each(sampleOf(cases, 3))('$name', async (planted) => {
    const report = await withSchema(database, `${good}; ${planted.sql}`, (session) =>
      verifyIsolation(session, { declarations: planted.declarations ?? declarations }),
    );
    expect(report.findings.map((finding) => `${finding.rule} ${finding.object}`).sort()).toEqual(
      [...planted.finds].sort(),
    );
  });
});
