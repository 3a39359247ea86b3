import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Names in different kits, and the resulting scope of the rows of `things`. */
const kits: { name: string; sql: string; scope: string; actors: string[] }[] = [
  {
    name: 'no organizations',
    sql: 'create table things (id uuid primary key, user_id uuid)',
    scope: 'owner user_id',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'teams with members',
    sql: `create table teams (id bigint generated always as identity primary key, name text); create table team_members (team_id bigint references teams, user_id uuid references auth.users, role text check (role in ('viewer', 'owner')), primary key (team_id, user_id));
      create table things (id bigserial primary key, team_id bigint not null references teams)`,
    scope: 'organization team_id',
    actors: ['anon', 'owner', 'member:owner', 'member:viewer', 'multi-org', 'multi-org:back', 'outsider', 'other'],
  },
  {
    name: 'organizations without foreign keys',
    sql: `create table organizations (id uuid primary key); create table organization_members (id uuid primary key, organization_id uuid not null, user_id uuid not null, unique (organization_id, user_id));
      create table things (id uuid primary key, organization_id uuid not null, created_by uuid)`,
    scope: 'organization organization_id',
    actors: ['anon', 'owner', 'member', 'outsider', 'other'],
  },
  {
    name: "accounts, each a user's or many users'",
    sql: `create table accounts (id uuid primary key, primary_owner_user_id uuid references auth.users not null, is_personal boolean default false); create table accounts_memberships (user_id uuid references auth.users not null, account_id uuid references accounts not null, account_role text not null, primary key (user_id, account_id));
      create table things (id uuid primary key, account_id uuid references accounts not null)`,
    scope: 'organization account_id',
    actors: ['anon', 'owner', 'member', 'outsider', 'other'],
  },
  {
    name: 'an account that is the user',
    sql: `create table accounts (id uuid primary key default gen_random_uuid(), email text); alter table accounts enable row level security; create policy own on accounts to authenticated using ((select auth.uid()) = id);
      create table things (id uuid primary key, account uuid not null references accounts)`,
    scope: 'owner account',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'an organization in the profile',
    sql: `create table organizations (id uuid primary key); create table profiles (id uuid primary key references auth.users, organization_id uuid references organizations); create table things (id uuid primary key, organization_id uuid references organizations)`,
    scope: 'organization organization_id',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'a chain of parents',
    sql: `create table profiles (id uuid primary key references auth.users); create table posts (id uuid primary key, author uuid references profiles); create table comments (id uuid primary key, post uuid not null references posts); create table things (id uuid primary key, comment uuid not null references comments)`,
    scope: 'owner via public.comments',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'a column that only the policy tells',
    sql: `create table things (id uuid primary key, seller uuid); alter table things enable row level security; create policy own on things to authenticated using (seller = auth.uid())`,
    scope: 'owner seller',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'the one of two users that policies ask for',
    sql: `create table things (id uuid primary key, created_by uuid, affiliate_user_id uuid); alter table things enable row level security; create policy own on things to authenticated using (affiliate_user_id = (select auth.uid()))`,
    scope: 'owner affiliate_user_id',
    actors: ['anon', 'owner', 'other'],
  },
  {
    name: 'a row without an owner',
    sql: 'create table things (id serial primary key, title text)',
    scope: 'unowned',
    actors: ['anon', 'owner', 'other'],
  },
];

describe('the owner of a row', () => {
  it.each(kits)('$name', async ({ sql, scope, actors }) => {
    const report = await withSchema(
      database,
      `set local search_path = public; ${sql}; grant all on things to anon, authenticated`,
      (session) => verifyIsolation(session, { declarations: [] }),
    );
    expect(report.findings.filter((finding) => finding.rule === 'not-proven')).toEqual([]);
    const things = report.tables.find((table) => table.table === 'public.things')!;
    expect(things.scope).toBe(scope);
    expect([...new Set(things.checks.map((check) => check.actor))].sort()).toEqual([...actors].sort());
  });
});
