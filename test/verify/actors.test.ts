import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { makeIds } from '../../src/verify/fixtures/ids.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { asMigration } from './kit.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'cases', `${name}.sql`), 'utf8');

/** Correct users and organizations. */
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
/** The admins, and a table without owners. */
const admins = `
  create table public.admins (user_id uuid primary key references public.profiles (id)); alter table public.admins enable row level security;
  grant select on public.admins to authenticated; create policy own on public.admins for select to authenticated using (user_id = (select auth.uid()));
  create function private.is_admin() returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.admins a where a.user_id = auth.uid())';
  grant execute on function private.is_admin() to authenticated;
  create table public.announcements (id uuid primary key default gen_random_uuid(), body text not null); alter table public.announcements enable row level security;
  grant select, insert, update, delete on public.announcements to authenticated;`;

const own = 'owner_id = (select auth.uid())';
const onNotes = (using: string): string =>
  `${tables}; drop table public.papers; create policy p on public.notes to authenticated using (${using}) with check (${own})`;
const onPapers = (using: string): string =>
  `${tables}; drop table public.notes; create policy p on public.papers to authenticated using (${using}) with check (${using})`;

/** Memberships that the users selected by the function may add and remove. */
const membersBy = (leads: string, roles: readonly [string, string] = ['owner', 'member']): string => `
  alter table public.organizations add column created_by uuid not null default auth.uid() references public.profiles (id);
  alter table public.organization_members drop constraint organization_members_role_check; alter table public.organization_members add check (role in ('${roles.join("', '")}'));
  create function private.leads(o uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${leads} $$;
  grant execute on function private.leads(uuid) to authenticated; grant insert, delete on public.organization_members to authenticated;
  create policy adds on public.organization_members for insert to authenticated with check (private.leads(organization_id));
  create policy removes on public.organization_members for delete to authenticated using (private.leads(organization_id));`;

const byFounder = 'select exists (select 1 from public.organizations where id = o and created_by = auth.uid())';
const byAnyone =
  'select exists (select 1 from public.organization_members m where m.organization_id = o and m.user_id = auth.uid())';
const byLead = byAnyone.replace('m.user_id = auth.uid()', () => "m.user_id = auth.uid() and m.role in ('lead')");

interface Case {
  name: string;
  sql: string;
  /** Rule and object of each error. */
  finds: string[];
  says?: RegExp;
  /** The smallest repair, which leaves no error; none for a correct design. */
  repair?: string;
  declarations?: Declaration[];
  /** What is not proven of a correct design. */
  gap?: string;
}

const publicRead = (...names: string[]): Declaration[] =>
  names.map((table) => ({ table, scope: 'public-read' as const }));

const cases: Case[] = [
  { name: 'the creator of the organization adds members', sql: membersBy(byFounder), finds: [] },
  {
    name: 'any member adds members',
    sql: membersBy(byAnyone),
    finds: ['isolation-insert public.organization_members', 'isolation-write public.organization_members'],
    repair: `create or replace function private.leads(o uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${byFounder} $$`,
  },
  { name: 'leads add members', sql: membersBy(byLead, ['member', 'lead']), finds: [] },
  {
    name: 'any member adds members, where there are leads',
    sql: membersBy(byAnyone, ['lead', 'member']),
    finds: ['isolation-insert public.organization_members', 'isolation-write public.organization_members'],
    repair: `create or replace function private.leads(o uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${byLead} $$`,
  },
  { name: 'the organization is in the token', sql: file('token-organization'), finds: [] },
  { name: '… and a second factor is asked for', sql: file('claims'), finds: [] },
  { name: 'a restrictive policy asks for a second factor', sql: file('restrictive-mfa'), finds: [] },
  {
    name: 'a header is trusted',
    sql: file('trusted-header'),
    finds: ['isolation-read public.h20'],
    repair: 'alter policy select_p on public.h20 using ((select auth.uid()) = owner_id)',
  },
  {
    name: 'of two values of one claim, the second opens what is of others',
    sql: onPapers(
      `organization_id in (select private.my_organizations()) and ${jwt} -> 'app_metadata' ->> 'role' in ('admin', 'manager') or ${jwt} -> 'app_metadata' ->> 'role' = 'manager'`,
    ),
    finds: [
      'isolation-insert public.papers',
      'isolation-read public.papers',
      'isolation-reassign public.papers',
      'isolation-write public.papers',
    ],
    says: /outsider with app_metadata\.role manager/,
    repair: `alter policy p on public.papers using (organization_id in (select private.my_organizations()) and ${jwt} -> 'app_metadata' ->> 'role' in ('admin', 'manager')) with check (organization_id in (select private.my_organizations()) and ${jwt} -> 'app_metadata' ->> 'role' in ('admin', 'manager'))`,
  },
  {
    name: 'a cookie is trusted',
    sql: onNotes(`${own} or owner_id::text = current_setting('request.cookies', true)::json ->> 'user'`),
    finds: ['isolation-read public.notes', 'isolation-reassign public.notes', 'isolation-write public.notes'],
    repair: `alter policy p on public.notes using (${own})`,
  },
  {
    name: 'every signed-in user writes what the admins should',
    finds: ['isolation-insert public.announcements', 'isolation-write public.announcements'],
    sql: `${admins} create policy staff on public.announcements to authenticated using (private.is_admin() or true) with check (private.is_admin() or true);`,
    repair: 'alter policy staff on public.announcements using (private.is_admin()) with check (private.is_admin())',
  },
  {
    name: 'a second factor that replaces the owner check',
    finds: ['isolation-read public.notes'],
    sql: onNotes(`${own} or ${jwt} ->> 'aal' = 'aal2'`)
      .replace('to authenticated using', 'for select to authenticated using')
      .replace(/ with check .*$/, ''),
    repair: `alter policy p on public.notes using (${own} and ${jwt} ->> 'aal' = 'aal2')`,
  },
  {
    name: 'admins of any organization',
    sql: onPapers(
      `organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid or ${jwt} -> 'app_metadata' ->> 'role' = 'admin' and body is not null`,
    ),
    finds: [
      'isolation-insert public.papers',
      'isolation-read public.papers',
      'isolation-reassign public.papers',
      'isolation-write public.papers',
    ],
    repair: `alter policy p on public.papers using (organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid) with check (organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid)`,
  },
  {
    name: "a part of the user's id",
    finds: ['isolation-read public.notes'],
    sql: onNotes(`left(owner_id::text, 8) = left((select auth.uid())::text, 8)`)
      .replace('to authenticated using', 'for select to authenticated using')
      .replace(/ with check .*$/, ''),
    repair: `alter policy p on public.notes using (${own})`,
  },
  {
    name: 'the address of any user',
    finds: ['isolation-insert public.letters'],
    sql: `create table public.letters (id uuid primary key default gen_random_uuid(), recipient text not null, body text); alter table public.letters enable row level security;
      grant select, insert on public.letters to authenticated; create policy own on public.letters for select to authenticated using (recipient = (select auth.email()));
      create policy adds on public.letters for insert to authenticated with check (true)`,
    repair: 'alter policy adds on public.letters with check (recipient = (select auth.email()))',
  },
  {
    name: 'anyone shares any document',
    finds: ['isolation-escalation public.f03_shares', 'isolation-insert public.f03_shares'],
    sql: `${file('shares')}; alter policy insert_p on public.f03_shares with check (document_id is not null)`,
    repair: 'alter policy insert_p on public.f03_shares with check (private.f03_owns(document_id))',
  },
  {
    name: 'a row that a trigger refuses',
    finds: ['isolation-read public.notes'],
    says: /A trigger of public\.notes refuses rows like the one that was tried/,
    sql: `${onNotes(`${own} or true`)
      .replace('to authenticated using', 'for select to authenticated using')
      .replace(/ with check .*$/, '')};
      create function private.refuse() returns trigger language plpgsql set search_path = '' as $$ begin raise exception 'Not today'; end $$;
      create trigger refuse before insert on public.notes for each row execute function private.refuse()`,
    repair: `alter policy p on public.notes using (${own})`,
  },
  {
    name: 'organizations that users write into their own metadata as a list',
    finds: ['isolation-insert public.papers', 'isolation-read public.papers', 'isolation-write public.papers'],
    sql: onPapers(`${jwt} -> 'user_metadata' -> 'orgs' ? organization_id::text`),
    repair: `alter policy p on public.papers using (${jwt} -> 'app_metadata' -> 'orgs' ? organization_id::text) with check (${jwt} -> 'app_metadata' -> 'orgs' ? organization_id::text)`,
  },
];

/** Correct designs in which the fixtures of the proof used to decide the verdict. */
const designs: Case[] = [
  { name: 'shared documents', sql: file('shares'), finds: [] },
  { name: 'chat rooms', sql: file('chat'), finds: [] },
  { name: 'members that the server alone adds', sql: file('members-by-server'), finds: [] },
  {
    name: 'ranks that a migration puts in',
    sql: file('lookup-ranks'),
    finds: [],
    declarations: publicRead('public.ranks', 'public.rank_permissions'),
  },
  {
    name: 'partitions used through their root',
    finds: [],
    sql: `create table public.events (id uuid not null default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), at timestamptz not null default now(), primary key (id, at)) partition by range (at);
      create table public.events_2026 partition of public.events for values from ('2020-01-01') to ('2030-01-01'); alter table public.events_2026 enable row level security;
      alter table public.events enable row level security; grant select, insert, update, delete on public.events to authenticated;
      create policy own on public.events to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))`,
  },
  {
    name: 'permissions of the role in the token',
    finds: [],
    gap:
      'not-proven: public.notes is not proven: no row and no user that were made up meet ' +
      "`private.authorize('notes.read'::text)` (policy p).",
    sql: `${onNotes(`${own} or private.authorize('notes.read')`).replace(
      'create policy',
      () => `create type public.app_role as enum ('admin', 'moderator');
      create table public.role_permissions (id int primary key generated always as identity, role public.app_role not null, permission text not null, unique (role, permission)); alter table public.role_permissions enable row level security;
      create function private.authorize(wanted text) returns boolean language plpgsql stable security definer set search_path = '' as $$
        declare held int; own_role public.app_role; begin
          select (auth.jwt() ->> 'user_role')::public.app_role into own_role;
          select count(*) into held from public.role_permissions where role_permissions.permission = wanted and role_permissions.role = own_role;
          return held > 0; end $$; grant execute on function private.authorize(text) to authenticated; create policy`,
    )}`,
  },
  {
    name: 'tenants that are in the token alone',
    finds: [],
    sql: `create table public.rows_of (id uuid primary key default gen_random_uuid(), tenant_id uuid not null, body text); alter table public.rows_of enable row level security;
      grant select, insert, update, delete on public.rows_of to authenticated;
      create policy own on public.rows_of to authenticated using (tenant_id = (${jwt} ->> 'tenant_id')::uuid) with check (tenant_id = (${jwt} ->> 'tenant_id')::uuid)`,
  },
  {
    name: 'tenants in a list of the token',
    finds: [],
    sql: onPapers(`organization_id in (select jsonb_array_elements_text(${jwt} -> 'app_metadata' -> 'orgs')::uuid)`),
  },
  {
    name: 'tenants by a helper that reads a claim into a variable',
    finds: [],
    sql: onPapers('organization_id = (select private.current_org())').replace(
      'create policy',
      () => `create function private.current_org() returns uuid language plpgsql stable set search_path = '' as $$
      declare claims jsonb := current_setting('request.jwt.claims', true)::jsonb; begin return (claims #>> '{app_metadata,org}')::uuid; end $$; grant execute on function private.current_org() to authenticated; create policy`,
    ),
  },
  {
    name: 'a role and the tenant in the token',
    finds: [],
    sql: onPapers(
      `organization_id = (${jwt} -> 'app_metadata' ->> 'org_id')::uuid and ${jwt} -> 'app_metadata' ->> 'role' in ('editor', 'admin')`,
    ),
  },
  {
    name: 'users who signed in without an address may not write',
    finds: [],
    sql: `${onNotes(own)}; create policy known on public.notes as restrictive to authenticated using ((${jwt} ->> 'is_anonymous')::boolean is false)`,
  },
  {
    name: 'a way of signing in',
    finds: [],
    sql: `${onNotes(own)}; create policy strong on public.notes as restrictive to authenticated using (exists (select 1 from jsonb_array_elements(${jwt} -> 'amr') as m where m ->> 'method' = 'totp'))`,
  },
  {
    name: 'teams in teams',
    finds: [],
    sql: `create table public.teams (id uuid primary key default gen_random_uuid(), parent_id uuid references public.teams (id), owner_id uuid not null default auth.uid() references public.profiles (id), name text);
      create table public.tasks (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), assignee_id uuid references public.profiles (id), title text);
      create function private.my_teams() returns setof uuid language sql stable security definer set search_path = '' as $$
        with recursive mine as (select id from public.teams where owner_id = auth.uid() union select t.id from public.teams t join mine on t.parent_id = mine.id) select id from mine $$;
      grant execute on function private.my_teams() to authenticated; alter table public.teams enable row level security; alter table public.tasks enable row level security;
      grant select, insert, update, delete on public.teams, public.tasks to authenticated;
      create policy mine on public.teams for select to authenticated using (id in (select private.my_teams()));
      create policy adds on public.teams for insert to authenticated with check (owner_id = (select auth.uid()) and (parent_id is null or parent_id in (select private.my_teams())));
      create policy changes on public.teams for update to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()) and (parent_id is null or parent_id in (select private.my_teams())));
      create policy deletes on public.teams for delete to authenticated using (owner_id = (select auth.uid()));
      create policy all_of on public.tasks to authenticated using (team_id in (select private.my_teams())) with check (team_id in (select private.my_teams()))`,
  },
  {
    name: "accounts of one person, whose id is the user's",
    finds: [],
    sql: `create table public.wallets (id uuid primary key default gen_random_uuid(), account_id uuid not null default auth.uid() references public.profiles (id), cents int); alter table public.wallets enable row level security;
      grant select, insert on public.wallets to authenticated; create policy own on public.wallets to authenticated using (account_id = (select auth.uid())) with check (account_id = (select auth.uid()))`,
  },
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
    name: 'a table of admins, and what they alone use',
    finds: [],
    sql: `${admins} create policy staff on public.announcements to authenticated using (private.is_admin()) with check (private.is_admin());`,
  },
  {
    name: 'a flag in the profile, and what those who have it use',
    finds: [],
    sql: `${admins} alter table public.profiles add column is_admin boolean not null default false;
      create policy staff on public.announcements to authenticated using (exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.is_admin)) with check (exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.is_admin))`,
  },
  {
    name: 'a role in the token, and what its users access',
    finds: [],
    sql: `${admins} create policy staff on public.announcements to authenticated using (${jwt} -> 'app_metadata' ->> 'role' = 'admin') with check (${jwt} -> 'app_metadata' ->> 'role' = 'admin')`,
  },
  {
    name: 'two values of one claim, one for each table',
    finds: [],
    sql: `${tables} create policy own on public.notes for select to authenticated using (${own} and ${jwt} -> 'app_metadata' ->> 'role' = 'editor');
      create policy own_papers on public.papers for select to authenticated using (organization_id in (select private.my_organizations()) and ${jwt} -> 'app_metadata' ->> 'role' = 'auditor');
      revoke insert, update, delete on public.notes, public.papers from authenticated`,
  },
  {
    name: 'rows of the address in the token',
    finds: [],
    sql: `create table public.letters (id uuid primary key default gen_random_uuid(), recipient text not null, body text); alter table public.letters enable row level security;
      grant select, insert, update, delete on public.letters to authenticated;
      create policy own on public.letters to authenticated using (recipient = (select auth.jwt() ->> 'email')) with check (recipient = (select auth.jwt() ->> 'email'))`,
  },
];

describe('the fixtures of the proof', () => {
  const expectProven = async (on: Database, sql: string, declarations: Declaration[] = [], gap = ''): Promise<void> => {
    const found = await withSchema(on, `${base};\n${sql}`, (session) => verifyIsolation(session, { declarations }));
    expect(text(found.findings.filter(({ rule, severity }) => severity === 'error' || rule === 'not-proven'))).toBe(
      gap,
    );
  };

  it.each(sampleOf(designs, 3))('do not decide the verdict: $name', ({ sql, declarations, gap }) =>
    expectProven(database, sql, declarations, gap),
  );

  it('do not decide the verdict: places on a map', async () => {
    // The native server has no files of PostGIS.
    const embedded = await openEmbedded();
    await expectProven(embedded, file('places')).finally(() => embedded.close());
  });
});

describe('a claim with unknown values', () => {
  it('is reported as not proven, by name, and no one as locked out', async () => {
    const sql = `${onNotes(own)}; create policy odd on public.notes as restrictive to authenticated using (length(${jwt} ->> 'badge') > 3)`;
    const { findings } = await withSchema(database, `${base};\n${sql}`, (session) =>
      verifyIsolation(session, { declarations: [] }),
    );
    expect(findings.map(({ rule, severity, object }) => `${severity} ${rule} ${object}`)).toEqual([
      'warning not-proven public.notes',
    ]);
    expect(findings[0]?.message).toContain('badge');
  });
});

describe('a claim that alone opens rows of everybody', () => {
  const sql = `${onNotes(own)}; create policy staff on public.notes for select to authenticated using (${jwt} -> 'app_metadata' ->> 'role' = 'admin')`;
  const prove = (declarations: Declaration[]): Promise<Finding[]> =>
    withSchema(
      database,
      `${base};\n${sql}`,
      async (session) => (await verifyIsolation(session, { declarations })).findings,
    );

  it('is not proven to be of staff alone', async () => {
    const findings = await prove([]);
    expect(findings.map(({ rule, severity, object }) => `${severity} ${rule} ${object}`)).toEqual([
      'warning not-proven public.notes',
    ]);
    expect(findings[0]?.message).toContain("by its policy staff the claim app_metadata.role = 'admin' alone opens");
    expect(findings[0]?.suggestion).toContain('-- muse: staff app_metadata.role');
  });

  it('is, where the files say so', async () => {
    expect(await prove([{ scope: 'staff', claim: 'app_metadata.role' }])).toEqual([]);
  });

  it.each([
    ['above the policy', sql.replace('create policy staff', '-- muse: staff app_metadata.role\ncreate policy staff')],
    ['above a statement without a table', `-- muse: staff app_metadata.role\ncreate schema other; ${sql}`],
    ['after the last statement', `${sql};\n\n-- muse: staff app_metadata.role\n`],
  ])('is said %s', async (_, file) => {
    expect(await directivesOf(file)).toEqual([{ scope: 'staff', claim: 'app_metadata.role' }]);
  });
});

describe('two runs', () => {
  it('have the same result, even if the first IDs are already in use', async () => {
    const sql = `${base};\n${onPapers('organization_id in (select private.my_organizations())')}`;
    const run = async (more: string): Promise<string> =>
      JSON.stringify(
        await withSchema(database, `${sql}; ${more}`, (session) => verifyIsolation(session, { declarations: [] })),
      );
    const first = await run('');
    expect(await run('')).toBe(first);
    const taken = `insert into public.organizations (id, name) values ('${makeIds().uuid()}', 'Taken'); analyze public.organizations`;
    expect(await run(taken)).toBe(first);
  });
});

describe('claims and settings of users', () => {
  it.each(sampleOf(cases, 3))('$name', async ({ sql, finds, says, repair, declarations = [] }) => {
    const found = await errorsOf(sql, declarations);
    expect(found.map(({ rule, object }) => `${rule} ${object}`).sort(), text(found)).toEqual([...finds].sort());
    if (says !== undefined) expect(text(found)).toMatch(says);
    if (repair === undefined) return;
    const left = await errorsOf(`${sql};\n${repair}`, declarations);
    expect(text(left)).toBe('');
  });
});

async function directivesOf(sql: string): Promise<readonly Declaration[]> {
  return (await expectationsOf([asMigration('001_test.sql', sql)])).declarations;
}

async function errorsOf(sql: string, declarations: readonly Declaration[]): Promise<Finding[]> {
  const { findings } = await withSchema(database, `${base};\n${sql}`, (session) =>
    verifyIsolation(session, { declarations }),
  );
  return findings.filter(({ severity }) => severity === 'error');
}

function text(findings: readonly Finding[]): string {
  return findings.map(({ rule, message }) => `${rule}: ${message}`).join('\n');
}
