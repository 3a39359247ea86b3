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

/** Forms that public kits have in common: correct ones, in which nothing is found, and each with one thing broken. */
interface Case {
  name: string;
  sql: string;
  /** Findings of the correct form: none where it is left out. */
  finds?: string[];
  broken: { sql: string; finds: string; says?: RegExp };
  declarations?: Declaration[];
}

const uid = '(select auth.uid())';

/** Accounts that every user gets one of when it signs up; teams are further accounts, whose maker becomes a member. */
const accounts = `
  create schema app; grant usage on schema app to authenticated;
  create table app.accounts (id uuid primary key default gen_random_uuid(), primary_owner_user_id uuid not null default auth.uid() references auth.users (id),
    name text, personal boolean not null default false);
  create table app.account_user (user_id uuid not null references auth.users (id) on delete cascade, account_id uuid not null references app.accounts (id) on delete cascade,
    account_role text not null check (account_role in ('owner', 'member')), primary key (user_id, account_id));
  alter table app.accounts enable row level security; alter table app.account_user enable row level security;
  grant select, insert, update on app.accounts to authenticated; grant select on app.account_user to authenticated;
  create function app.my_accounts(roles text[] default '{owner,member}') returns uuid[] language sql stable security definer set search_path = ''
    as 'select coalesce(array_agg(account_id), ''{}'') from app.account_user where user_id = auth.uid() and account_role = any (roles)';
  create function app.add_maker() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    if new.primary_owner_user_id = auth.uid() then insert into app.account_user values (auth.uid(), new.id, 'owner'); end if; return new; end $$;
  create trigger add_maker after insert on app.accounts for each row execute function app.add_maker();
  create function app.sign_up() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into app.accounts (id, primary_owner_user_id, name, personal) values (new.id, new.id, new.email, true);
    insert into app.account_user values (new.id, new.id, 'owner'); return new; end $$;
  create trigger sign_up after insert on auth.users for each row execute function app.sign_up();
  create policy members on app.account_user for select to authenticated using (account_id = any ((select app.my_accounts())::uuid[]));
  create policy read on app.accounts for select to authenticated using (id = any ((select app.my_accounts())::uuid[]) or primary_owner_user_id = ${uid});
  create policy change on app.accounts for update to authenticated using (id = any ((select app.my_accounts('{owner}'))::uuid[]));
  create function public.my_accounts() returns json language sql stable security definer set search_path = ''
    as 'select json_agg(json_build_object(''id'', id, ''name'', name)) from app.accounts where id = any (app.my_accounts())';
  revoke execute on function public.my_accounts() from public, anon; grant execute on function public.my_accounts() to authenticated;
  revoke update on app.accounts from authenticated; grant update (name) on app.accounts to authenticated;`;
const makeOwn = `create policy make on app.accounts for insert to authenticated with check (not personal and primary_owner_user_id = ${uid});`;

const keyOfUser = (using: string): string => `
  create table public.accounts (id uuid primary key, name text not null, created_by uuid references auth.users (id), updated_by uuid references auth.users (id));
  alter table public.accounts enable row level security; grant select, update on public.accounts to authenticated;
  create policy reads on public.accounts for select to authenticated using (${using});
  create policy changes on public.accounts for update to authenticated using (${uid} = id) with check (${uid} = id);`;

const profilesByUser = (check: string): string => `
  create table public.profiles (id uuid primary key default gen_random_uuid(), user_id uuid not null unique references auth.users (id), bio text);
  alter table public.profiles enable row level security; grant select, insert, update, delete on public.profiles to authenticated;
  create policy own on public.profiles to authenticated using (user_id = ${uid}) with check (${check});`;

/** Objects whose file is called by its owner's id. */
const pictures = (check: string): string => `
  create function public.file_id(name text) returns uuid language plpgsql set search_path = ''
    as $$ begin return replace(storage.filename(name), concat('.', storage.extension(name)), '')::uuid; end $$;
  insert into storage.buckets (id, name, public) values ('pictures', 'pictures', true);
  create policy own on storage.objects to authenticated
    using (bucket_id = 'pictures' and public.file_id(name) = auth.uid()) with check (bucket_id = 'pictures' and ${check});`;

/** A second factor is asked of those who have one. */
const secondFactor = (using: string): string => `
  create function public.is_strong() returns boolean language sql stable security definer set search_path = ''
    as $$ select array[(select auth.jwt() ->> 'aal')] <@ (select case when count(id) > 0 then array['aal2'] else array['aal1', 'aal2'] end
      from auth.mfa_factors where auth.uid() = user_id and status = 'verified') $$;
  create table public.tasks (id bigint generated by default as identity primary key, title text not null, owner uuid not null default auth.uid() references auth.users (id));
  alter table public.tasks enable row level security; grant select, insert, update, delete on public.tasks to authenticated;
  create policy own on public.tasks to authenticated using (public.is_strong() and ${using}) with check (public.is_strong() and owner = ${uid});`;

/** A helper that looks at when the token expires, and at who is connected. */
const checkedToken = (using: string): string => `
  create function public.is_live() returns boolean language plpgsql stable set search_path = '' as $$ begin
    if session_user = 'nobody' then return false; end if;
    if extract(epoch from now()) > coalesce(auth.jwt() ->> 'exp', '0')::numeric then raise exception 'expired'; end if; return true; end $$;
  create table public.tasks (id uuid primary key default gen_random_uuid(), title text not null, owner uuid not null default auth.uid() references auth.users (id));
  alter table public.tasks enable row level security; grant select, insert, update, delete on public.tasks to authenticated;
  create policy own on public.tasks to authenticated using (public.is_live() and ${using}) with check (owner = ${uid});`;

const waitingList = (using: string): string => `
  create table public.leads (id uuid primary key default gen_random_uuid(), note text not null, user_id uuid not null default auth.uid() references auth.users (id));
  alter table public.leads enable row level security; grant select, insert on public.leads to authenticated;
  create policy add on public.leads for insert to authenticated with check (user_id = ${uid});
  create policy nobody_reads on public.leads for select to public using (${using});`;

/** A catalog of releases in a schema of its own. */
const releases = (usage: string): string => `
  create schema if not exists app; ${usage}
  create table app.releases (id bigint generated always as identity primary key, notes text);
  alter table app.releases enable row level security; grant select, delete on app.releases to authenticated;
  create policy all_read on app.releases for select to authenticated using (true);`;

/** Members change those whose role is a lesser number. */
const ranks = (using: string): string => `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.memberships (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id),
    organization_id uuid not null references public.organizations (id), role int not null, unique (user_id, organization_id));
  alter table public.organizations enable row level security; alter table public.memberships enable row level security;
  grant select on public.organizations to authenticated; grant select, delete on public.memberships to authenticated;
  create function public.my_rank(org uuid) returns int language sql stable security definer set search_path = ''
    as 'select role from public.memberships where user_id = auth.uid() and organization_id = org';
  create policy reads on public.organizations for select to authenticated using (public.my_rank(id) is not null);
  create policy reads on public.memberships for select to authenticated using (public.my_rank(organization_id) is not null);
  create policy deletes on public.memberships for delete to authenticated using (${using});`;

/** What changed, as JSON. */
const audit = (using: string): string => `
  create table public.audit (id bigint generated always as identity primary key, new_row jsonb not null);
  alter table public.audit enable row level security; grant select on public.audit to authenticated;
  create policy own on public.audit for select to authenticated using (${using});`;

/** Groups whose members' rights are kept as JSON; a hook of the Data API may hand them over in a setting of its own. */
const rights = (using: string): string => `
  create table public.groups (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.members (id uuid primary key default gen_random_uuid(), group_id uuid not null references public.groups (id),
    user_id uuid not null references auth.users (id), unique (group_id, user_id));
  create table public.user_claims (user_id uuid primary key references auth.users (id) on delete cascade, claims jsonb not null default '{}');
  alter table public.groups enable row level security; alter table public.members enable row level security; alter table public.user_claims enable row level security;
  grant select, insert, update on public.groups to authenticated; grant select on public.members to authenticated;
  create function public.my_claims() returns jsonb language sql stable security definer set search_path = ''
    as $$ select coalesce(nullif(current_setting('request.groups', true), '')::jsonb, (select claims from public.user_claims where user_id = auth.uid()), '{}') $$;
  create function public.my_groups() returns uuid[] language sql stable security definer set search_path = ''
    as 'select coalesce(array_agg(group_id), ''{}'') from public.members where user_id = auth.uid()';
  create policy reads on public.members for select to authenticated using (group_id = any ((select public.my_groups())::uuid[]));
  create policy reads on public.groups for select to authenticated using (id = any ((select public.my_groups())::uuid[]));
  create policy makes on public.groups for insert to authenticated with check (${uid} is not null);
  create policy changes on public.groups for update to authenticated using (${using});`;
const granted = "(select public.my_claims()) -> id::text -> 'rights' ? 'group.update'";

const articles = (drafts: string): string => `
  create table public.articles (id uuid primary key default gen_random_uuid(), author_id uuid not null default auth.uid() references auth.users (id),
    title text not null, published boolean not null default false);
  alter table public.articles enable row level security;
  grant select on public.articles to anon; grant select, insert, update, delete on public.articles to authenticated;
  create policy published on public.articles for select using (published);
  create policy own on public.articles for all to authenticated using (author_id = ${uid}) with check (author_id = ${uid});
  create policy drafts on public.articles for select to authenticated using (${drafts});`;
const publishedIsPublic: Declaration[] = [{ table: 'public.articles', scope: 'public-read', policy: 'published' }];

const cases: Case[] = [
  {
    name: 'a sign-up trigger whose rows have triggers that ask who is signed in',
    sql: accounts + makeOwn,
    broken: {
      sql: `${accounts} create policy make on app.accounts for insert to authenticated with check (not personal);`,
      finds: 'isolation-insert app.accounts',
      says: /Policy make lets it\. .*primary_owner_user_id with \(select auth\.uid\(\)\)/,
    },
  },
  {
    name: 'names that users choose, and that a function shows them',
    sql: accounts + makeOwn,
    broken: {
      sql: `${accounts + makeOwn} grant select, insert, update on app.account_user to authenticated;
        create policy join_any on app.account_user for insert to authenticated with check (user_id = ${uid});`,
      finds: 'isolation-escalation app.account_user',
    },
  },
  {
    name: "a table whose key is the user's id, with columns that note who wrote the row",
    sql: keyOfUser(`${uid} = id`),
    broken: {
      sql: keyOfUser('true'),
      finds: 'isolation-read public.accounts',
      says: /Compare id with \(select auth\.uid\(\)\)/,
    },
  },
  {
    name: 'profiles that have a key of their own beside the user',
    sql: profilesByUser(`user_id = ${uid}`),
    broken: { sql: profilesByUser('true'), finds: 'isolation-insert public.profiles', says: /owner user_id/ },
  },
  {
    name: "objects whose file is called by its owner's id",
    sql: pictures('public.file_id(name) = auth.uid()'),
    broken: { sql: pictures('public.file_id(name) is not null'), finds: 'isolation-insert storage.objects[pictures]' },
  },
  {
    name: 'a second factor where the user has one',
    sql: secondFactor(`owner = ${uid}`),
    broken: { sql: secondFactor('owner is not null'), finds: 'isolation-read public.tasks' },
  },
  {
    name: 'a helper that looks at when the token expires',
    sql: checkedToken(`owner = ${uid}`),
    broken: { sql: checkedToken('owner is not null'), finds: 'isolation-read public.tasks' },
  },
  {
    name: 'a policy that lets nobody read',
    sql: waitingList('false'),
    finds: ['warning owner-locked-out public.leads'],
    broken: { sql: waitingList(`user_id <> ${uid} and false`), finds: 'owner-locked-out public.leads' },
  },
  {
    name: 'a table in a schema that users may not use',
    sql: releases(''),
    finds: ['warning owner-locked-out app.releases'],
    broken: {
      sql: releases('grant usage on schema app to authenticated;').replace('for select', 'for all'),
      finds: 'isolation-write app.releases',
    },
  },
  {
    name: 'memberships that those with a greater role delete',
    sql: ranks(`public.my_rank(organization_id) > role`),
    finds: ['warning not-proven public.memberships'],
    broken: { sql: ranks('public.my_rank(organization_id) = -1'), finds: 'owner-locked-out public.memberships' },
  },
  {
    name: 'rights that a table holds as JSON',
    sql: rights(granted),
    finds: ['warning not-proven public.groups'],
    broken: {
      sql: rights(`${granted} or true`),
      finds: 'isolation-write public.groups',
      says: /Policy changes lets it/,
    },
  },
  {
    name: 'an audit table whose policy looks for the user in JSON',
    sql: audit(`(new_row ->> 'owner_id')::uuid = ${uid}`),
    broken: { sql: audit('id < 0'), finds: 'owner-locked-out public.audit' },
  },
  {
    name: 'published rows, declared beside their policy to be public',
    sql: articles('false'),
    declarations: publishedIsPublic,
    broken: {
      sql: articles('true'),
      finds: 'isolation-read public.articles',
      says: /other reads it\. Policy drafts lets it\./,
    },
  },
];

describe('what public kits have in common', () => {
  const find = async (sql: string, declarations: Declaration[] = []) =>
    (await withSchema(database, sql, (session) => verifyIsolation(session, { declarations }))).findings;

  it.each(sampleOf(cases, 2))('$name', async ({ sql, finds = [], broken, declarations }) => {
    const found = await find(sql, declarations);
    expect(found.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`)).toEqual(finds);
    const holes = (await find(broken.sql, declarations)).filter(({ severity }) => severity === 'error');
    expect(holes.map(({ rule, object }) => `${rule} ${object}`)).toContain(broken.finds);
    const told = holes.filter(({ rule, object }) => `${rule} ${object}` === broken.finds);
    if (broken.says !== undefined)
      expect(told.map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n')).toMatch(broken.says);
  });

  it('names the line that declares published rows public', async () => {
    const found = await find(articles('false'));
    expect(found.map(({ rule, object, policy }) => `${rule} ${object} ${policy}`)).toEqual([
      'anon-read public.articles published',
      'isolation-read public.articles published',
    ]);
    for (const { message, suggestion } of found) {
      expect(message).toContain('where published = true. Policy published lets it.');
      expect(suggestion).toContain('write above CREATE POLICY: -- muse: public-read');
    }
  });
});
