import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';

let database: Database;
beforeAll(async () => { database = await openEmbedded(); });
afterAll(() => database.close());

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'cases', `${name}.sql`), 'utf8');

/** Users and organizations in good order. */
const base = `
  create schema private; grant usage on schema private to authenticated;
  create table public.profiles (id uuid primary key references auth.users (id), full_name text);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (
    organization_id uuid not null references public.organizations (id), user_id uuid not null references public.profiles (id),
    role text not null default 'member' check (role in ('owner', 'member')), primary key (organization_id, user_id));
  create function private.my_organizations() returns setof uuid language sql stable security definer set search_path = ''
    as 'select organization_id from public.organization_members where user_id = auth.uid()';
  grant execute on function private.my_organizations() to authenticated;
  alter table public.profiles enable row level security; alter table public.organizations enable row level security;
  alter table public.organization_members enable row level security;
  grant select on public.organizations, public.organization_members, public.profiles to authenticated;
  create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy mine on public.organizations for select to authenticated using (id in (select private.my_organizations()));
  create policy mine on public.organization_members for select to authenticated using (organization_id in (select private.my_organizations()));
`;

/** A table of users' notes, and one of organizations' papers; the policies are up to the case. */
const tables = `
  create table public.notes (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), body text);
  create table public.papers (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), body text);
  alter table public.notes enable row level security; alter table public.papers enable row level security;
  grant select, insert, update, delete on public.notes, public.papers to authenticated;
`;

const jwt = '(select auth.jwt())';
/** Who the admins are, and a table that is nobody's. */
const admins = `
  create table public.admins (user_id uuid primary key references public.profiles (id)); alter table public.admins enable row level security;
  grant select on public.admins to authenticated; create policy own on public.admins for select to authenticated using (user_id = (select auth.uid()));
  create function private.is_admin() returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.admins a where a.user_id = auth.uid())';
  grant execute on function private.is_admin() to authenticated;
  create table public.announcements (id uuid primary key default gen_random_uuid(), body text not null); alter table public.announcements enable row level security;
  grant select, insert, update, delete on public.announcements to authenticated;`;

const own = 'owner_id = (select auth.uid())';
const onNotes = (using: string): string => `${tables}; drop table public.papers; create policy p on public.notes to authenticated using (${using}) with check (${own})`;
const onPapers = (using: string): string => `${tables}; drop table public.notes; create policy p on public.papers to authenticated using (${using}) with check (${using})`;

interface Case {
  name: string;
  sql: string;
  /** Rule and object of each error. */
  finds: string[];
  says?: RegExp;
  /** The smallest repair, after which there is no error; none for a correct design. */
  repair?: string;
  declarations?: Declaration[];
}

const publicRead = (...names: string[]): Declaration[] => names.map((table) => ({ table, scope: 'public-read' as const }));


const cases: Case[] = [
  { name: 'the organization is in the token', sql: file('token-organization'), finds: [] },
  { name: '… and a second factor is asked for', sql: file('claims'), finds: [] },
  { name: 'a restrictive policy asks for a second factor', sql: file('restrictive-mfa'), finds: [] },
  {
    name: 'a header is trusted', sql: file('trusted-header'), finds: ['isolation-read public.h20'],
    repair: 'alter policy select_p on public.h20 using ((select auth.uid()) = owner_id)',
  },
  {
    name: 'a cookie is trusted', sql: onNotes(`${own} or owner_id::text = current_setting('request.cookies', true)::json ->> 'user'`), finds: ['isolation-read public.notes', 'isolation-reassign public.notes', 'isolation-write public.notes'],
    repair: `alter policy p on public.notes using (${own})`,
  },
  {
    name: 'every signed-in user writes what the admins should', finds: ['isolation-insert public.announcements', 'isolation-write public.announcements'],
    sql: `${admins} create policy staff on public.announcements to authenticated using (private.is_admin() or true) with check (private.is_admin() or true);`,
    repair: 'alter policy staff on public.announcements using (private.is_admin()) with check (private.is_admin())',
  },
  {
    name: 'a second factor that takes the place of the owner', finds: ['isolation-read public.notes'],
    sql: onNotes(`${own} or ${jwt} ->> 'aal' = 'aal2'`).replace('to authenticated using', 'for select to authenticated using').replace(/ with check .*$/, ''),
    repair: `alter policy p on public.notes using (${own} and ${jwt} ->> 'aal' = 'aal2')`,
  },
  {
    name: 'admins of any organization', sql: onPapers(`organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid or ${jwt} -> 'app_metadata' ->> 'role' = 'admin' and body is not null`),
    finds: ['isolation-insert public.papers', 'isolation-read public.papers', 'isolation-reassign public.papers', 'isolation-write public.papers'],
    repair: `alter policy p on public.papers using (organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid) with check (organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid)`,
  },
  {
    name: 'a part of the user\'s id', finds: ['isolation-read public.notes'],
    sql: onNotes(`left(owner_id::text, 8) = left((select auth.uid())::text, 8)`).replace('to authenticated using', 'for select to authenticated using').replace(/ with check .*$/, ''),
    repair: `alter policy p on public.notes using (${own})`,
  },
  {
    name: 'the address of any user', finds: ['isolation-insert public.letters'],
    sql: `create table public.letters (id uuid primary key default gen_random_uuid(), recipient text not null, body text); alter table public.letters enable row level security;
      grant select, insert on public.letters to authenticated; create policy own on public.letters for select to authenticated using (recipient = (select auth.email()));
      create policy adds on public.letters for insert to authenticated with check (true)`,
    repair: 'alter policy adds on public.letters with check (recipient = (select auth.email()))',
  },
  {
    name: 'anyone shares any document', finds: ['isolation-escalation public.f03_shares', 'isolation-insert public.f03_shares'],
    sql: `${file('shares')}; alter policy insert_p on public.f03_shares with check (document_id is not null)`,
    repair: 'alter policy insert_p on public.f03_shares with check (private.f03_owns(document_id))',
  },
  {
    name: 'organizations that users write into their own metadata as a list', finds: ['isolation-insert public.papers', 'isolation-read public.papers', 'isolation-write public.papers'],
    sql: onPapers(`${jwt} -> 'user_metadata' -> 'orgs' ? organization_id::text`),
    repair: `alter policy p on public.papers using (${jwt} -> 'app_metadata' -> 'orgs' ? organization_id::text) with check (${jwt} -> 'app_metadata' -> 'orgs' ? organization_id::text)`,
  },
];

/** Correct designs, in which what the proof puts in decided the verdict before. */
const designs: Case[] = [
  { name: 'shared documents', sql: file('shares'), finds: [] },
  { name: 'chat rooms', sql: file('chat'), finds: [] },
  { name: 'members that the server alone adds', sql: file('members-by-server'), finds: [] },
  { name: 'ranks that a migration puts in', sql: file('lookup-ranks'), finds: [], declarations: publicRead('public.ranks', 'public.rank_permissions') },
  { name: 'places on a map', sql: file('places'), finds: [] },
  {
    name: 'columns of all types',
    sql: `create domain public.score as int check (value between 1 and 5); create type public.mood as enum ('good', 'bad'); create type public.size as (width int, height int);
      create table public.samples (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), s public.score not null, m public.mood not null,
        z public.size not null, r int4range not null, mr nummultirange not null, b box not null, c circle not null, p polygon not null, q tsquery not null, a inet[] not null, i interval not null, j jsonb not null);
      alter table public.samples enable row level security; grant select, insert, update, delete on public.samples to authenticated;
      create policy own on public.samples to authenticated using (${own}) with check (${own})`,
    finds: [],
  },
  {
    name: 'a table of admins, and what they alone use', finds: [],
    sql: `${admins} create policy staff on public.announcements to authenticated using (private.is_admin()) with check (private.is_admin());`,
  },
  {
    name: 'a flag in the profile, and what those who have it use', finds: [],
    sql: `${admins} alter table public.profiles add column is_admin boolean not null default false;
      create policy staff on public.announcements to authenticated using (exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.is_admin)) with check (exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.is_admin))`,
  },
  {
    name: 'a role in the token, and what those who have it use', finds: [],
    sql: `${admins} create policy staff on public.announcements to authenticated using (${jwt} -> 'app_metadata' ->> 'role' = 'admin') with check (${jwt} -> 'app_metadata' ->> 'role' = 'admin')`,
  },
  {
    name: 'rows of the address in the token', finds: [],
    sql: `create table public.letters (id uuid primary key default gen_random_uuid(), recipient text not null, body text); alter table public.letters enable row level security;
      grant select, insert, update, delete on public.letters to authenticated;
      create policy own on public.letters to authenticated using (recipient = (select auth.jwt() ->> 'email')) with check (recipient = (select auth.jwt() ->> 'email'))`,
  },
];

describe('what the proof puts in', () => {
  it.each(designs)('does not decide the verdict: $name', async ({ sql, declarations = [] }) => {
    const found = await withSchema(database, `${base};\n${sql}`, (session) => verifyIsolation(session, { declarations }));
    expect(text(found.findings.filter(({ rule, severity }) => severity === 'error' || rule === 'not-proven'))).toBe('');
  });
});

describe('what users carry', () => {
  it.each(cases)('$name', async ({ sql, finds, says, repair, declarations = [] }) => {
    const found = await errorsOf(sql, declarations);
    expect(found.map(({ rule, object }) => `${rule} ${object}`).sort(), text(found)).toEqual([...finds].sort());
    if (says !== undefined) expect(text(found)).toMatch(says);
    if (repair === undefined) return;
    const left = await errorsOf(`${sql};\n${repair}`, declarations);
    expect(text(left)).toBe('');
  });
});

async function errorsOf(sql: string, declarations: readonly Declaration[]): Promise<Finding[]> {
  const { findings } = await withSchema(database, `${base};\n${sql}`, (session) => verifyIsolation(session, { declarations }));
  return findings.filter(({ severity }) => severity === 'error');
}

function text(findings: readonly Finding[]): string {
  return findings.map(({ rule, message }) => `${rule}: ${message}`).join('\n');
}
