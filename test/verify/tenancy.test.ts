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
  it.each(sampleOf(kits, 3))('$name', async ({ sql, scope, actors }) => {
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

/** Who works where, under names that no other kit has: a clinic's admins manage its staff, and the server makes both. */
const clinic = `
  create table public.clinics (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.staff (clinic_id uuid not null references public.clinics (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    role text not null check (role in ('admin', 'doctor')), primary key (clinic_id, user_id));
  create index on public.staff (user_id);
  create function public.works_at(clinic uuid, roles text[]) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.staff s where s.clinic_id = clinic and s.user_id = auth.uid() and s.role = any (roles)) $$;
  create function public.my_clinics() returns setof uuid language sql stable security definer set search_path = '' as $$ select clinic_id from public.staff where user_id = auth.uid() $$;
  revoke execute on function public.works_at, public.my_clinics from public, anon; grant execute on function public.works_at, public.my_clinics to authenticated;
  create table public.patients (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id), full_name text not null);
  create index on public.patients (clinic_id);
  alter table public.clinics enable row level security; alter table public.staff enable row level security; alter table public.patients enable row level security;
  grant select on public.clinics to authenticated; grant select, insert, delete on public.staff, public.patients to authenticated; grant update (role) on public.staff to authenticated;
  create policy r on public.clinics for select to authenticated using (id in (select public.my_clinics()));
  create policy i on public.staff for insert to authenticated with check (public.works_at(clinic_id, array['admin']));
  create policy u on public.staff for update to authenticated using (public.works_at(clinic_id, array['admin'])) with check (public.works_at(clinic_id, array['admin']));
  create policy d on public.staff for delete to authenticated using (public.works_at(clinic_id, array['admin']));
  create policy a on public.patients for all to authenticated using (clinic_id in (select public.my_clinics())) with check (clinic_id in (select public.my_clinics()));`;

const readBy = (condition: string): string =>
  `create policy r on public.staff for select to authenticated using (${condition});`;
const colleagues = readBy('clinic_id in (select public.my_clinics())');

describe('staff of a clinic', () => {
  it.each<[string, string, string[]]>([
    ['is seen by colleagues', colleagues, []],
    [
      'is seen by itself and by admins',
      readBy("user_id = (select auth.uid()) or public.works_at(clinic_id, array['admin'])"),
      [],
    ],
    ['is seen by everyone', readBy('true'), ['isolation-read public.staff']],
    [
      'adds itself',
      `${colleagues} alter policy i on public.staff with check (user_id = (select auth.uid()));`,
      ['isolation-escalation public.staff', 'isolation-insert public.staff'],
    ],
    [
      'is managed by the admins of any clinic',
      `${colleagues} create function public.is_admin() returns boolean language sql stable security definer set search_path = '' as
        $$ select exists (select 1 from public.staff s where s.user_id = auth.uid() and s.role = 'admin') $$;
      revoke execute on function public.is_admin() from public, anon; grant execute on function public.is_admin() to authenticated;
      alter policy d on public.staff using ((select public.is_admin()));`,
      ['isolation-write public.staff'],
    ],
    [
      'sees the patients of any clinic',
      `${colleagues} create policy more on public.patients for select to authenticated using (exists (select 1 from public.staff s where s.user_id = (select auth.uid())));`,
      ['isolation-read public.patients'],
    ],
  ])('%s', async (_, sql, expected) => {
    const { findings } = await withSchema(database, `${clinic} ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [] }),
    );
    const errors = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, object }) => `${rule} ${object}`);
    expect([...new Set(errors)].sort()).toEqual(expected.toSorted());
  });
});

describe('requests to join a club', () => {
  const club = (isIn: string): string => `
    create table public.clubs (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.people_of_clubs (club_id uuid not null references public.clubs (id) on delete cascade, user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
      role text not null default 'guest', phase text not null default 'asked', primary key (club_id, user_id));
    create index on public.people_of_clubs (user_id);
    create function public.my_clubs() returns setof uuid language sql stable security definer set search_path = '' as
      $$ select club_id from public.people_of_clubs where user_id = auth.uid() ${isIn} $$;
    revoke execute on function public.my_clubs() from public, anon; grant execute on function public.my_clubs() to authenticated;
    create table public.minutes (id uuid primary key default gen_random_uuid(), club_id uuid not null references public.clubs (id), body text not null); create index on public.minutes (club_id);
    alter table public.clubs enable row level security; alter table public.people_of_clubs enable row level security; alter table public.minutes enable row level security;
    grant select on public.clubs, public.minutes to authenticated; grant select, insert, delete on public.people_of_clubs to authenticated;
    create policy r on public.clubs for select to authenticated using (true);
    create policy r on public.people_of_clubs for select to authenticated using (user_id = (select auth.uid()) or club_id in (select public.my_clubs()));
    create policy asks on public.people_of_clubs for insert to authenticated with check (user_id = (select auth.uid()) and phase = 'asked' and role = 'guest');
    create policy leaves on public.people_of_clubs for delete to authenticated using (user_id = (select auth.uid()));
    create policy r on public.minutes for select to authenticated using (club_id in (select public.my_clubs()));`;
  it.each<[string, string, string[]]>([
    ['are no membership', "and phase = 'in'", []],
    ['count as one', '', ['isolation-insert public.people_of_clubs', 'isolation-escalation public.people_of_clubs']],
  ])('%s', async (_, isIn, expected) => {
    const { findings } = await withSchema(database, club(isIn), (session) =>
      verifyIsolation(session, { declarations: [{ table: 'public.clubs', scope: 'public-read' }] }),
    );
    const errors = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, object }) => `${rule} ${object}`);
    expect([...new Set(errors)]).toEqual(expected);
  });
});
