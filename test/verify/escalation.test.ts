import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { base } from './holes.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'cases', `${name}.sql`), 'utf8');

/** A group that its owner makes, who is in it, and what only they read. */
const clubs = `
  create table public.clubs (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), name text);
  create table public.club_people (
    club_id uuid not null references public.clubs (id), user_id uuid not null default auth.uid() references public.profiles (id),
    role text not null default 'guest', status text not null default 'pending', primary key (club_id, user_id));
  create table public.club_papers (id uuid primary key default gen_random_uuid(), club_id uuid not null references public.clubs (id), body text);
  create function private.owns_club(club uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.clubs c where c.id = club and c.owner_id = auth.uid())';
  create function private.club_role(club uuid) returns text language plpgsql stable security definer set search_path = ''
    as $$ declare found_role text; begin select p.role into found_role from public.club_people p where p.club_id = club and p.user_id = auth.uid(); return found_role; end $$;
  grant execute on function private.owns_club(uuid), private.club_role(uuid) to authenticated;
  alter table public.clubs enable row level security; alter table public.club_people enable row level security; alter table public.club_papers enable row level security;
  grant select, insert on public.clubs to authenticated; grant select on public.club_people, public.club_papers to authenticated;
  create policy own on public.clubs to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create policy own on public.club_people for select to authenticated using (user_id = (select auth.uid()));
  create policy inside on public.club_papers for select to authenticated using (private.owns_club(club_id));
`;

/** Teams, projects of teams and papers of projects: each policy reads only its parent. */
const chain = `
  create table public.teams (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id));
  create table public.team_people (team_id uuid not null references public.teams (id), user_id uuid not null references public.profiles (id), primary key (team_id, user_id));
  create table public.projects (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id));
  create table public.project_people (project_id uuid not null references public.projects (id), user_id uuid not null references public.profiles (id), primary key (project_id, user_id));
  create table public.shelves (id uuid primary key default gen_random_uuid(), project_id uuid not null references public.projects (id));
  create table public.shelf_people (shelf_id uuid not null references public.shelves (id), user_id uuid not null references public.profiles (id), primary key (shelf_id, user_id));
  create table public.papers (id uuid primary key default gen_random_uuid(), shelf_id uuid not null references public.shelves (id), body text);
  create function private.owns_team(t uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.teams where id = t and owner_id = auth.uid())';
  create function private.in_team_of(p uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.projects j join public.team_people t on t.team_id = j.team_id where j.id = p and t.user_id = auth.uid())';
  create function private.in_project_of(s uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.shelves j join public.project_people t on t.project_id = j.project_id where j.id = s and t.user_id = auth.uid())';
  create function private.my_shelves() returns setof uuid language sql stable security definer set search_path = ''
    as 'select shelf_id from public.shelf_people where user_id = auth.uid()';
  grant execute on all functions in schema private to authenticated;
  alter table public.teams enable row level security; alter table public.team_people enable row level security; alter table public.projects enable row level security;
  alter table public.project_people enable row level security; alter table public.shelves enable row level security; alter table public.shelf_people enable row level security;
  alter table public.papers enable row level security;
  grant select, insert on public.teams, public.team_people, public.project_people, public.shelf_people to authenticated; grant select on public.papers to authenticated;
  create policy own on public.teams to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create policy own on public.team_people for select to authenticated using (user_id = (select auth.uid()));
  create policy own on public.project_people for select to authenticated using (user_id = (select auth.uid()));
  create policy own on public.shelf_people for select to authenticated using (user_id = (select auth.uid()));
  create policy reads on public.papers for select to authenticated using (shelf_id in (select private.my_shelves()));
`;

interface Case {
  name: string;
  sql: string;
  /** Rule and object of each error. */
  finds: string[];
  /** A part of the finding's message. */
  says?: RegExp;
  /** The smallest repair of the same SQL, which leaves no finding. */
  repair: string;
}

const cases: Case[] = [
  {
    name: 'anyone joins any group',
    sql: file('self-join'),
    finds: ['isolation-escalation public.h07_joins'],
    says: /^A stranger adds itself to public\.h07_joins, then reads public\.h07_docs\. Policy insert_p on public\.h07_joins lets it\.$/,
    repair: `create function private.owns(g uuid) returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.h07_groups where id = g and owner_id = auth.uid())';
      alter policy insert_p on public.h07_joins with check (user_id = (select auth.uid()) and private.owns(h07_group_id))`,
  },
  {
    name: 'anyone joins any workspace',
    sql: file('workspace-self-join'),
    finds: ['isolation-escalation public.workspace_members'],
    says: /reads public\.invoices/,
    repair: `create function private.made(w uuid) returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.workspaces where id = w and created_by = auth.uid())';
      alter policy m2 on public.workspace_members with check (user_id = (select auth.uid()) and private.made(workspace_id))`,
  },
  {
    name: "a role that policies trust in preferences of one's own",
    sql: file('preferences-role'),
    finds: ['isolation-escalation public.h08_prefs'],
    repair:
      'revoke insert, update on public.h08_prefs from authenticated; grant insert (user_id, theme), update (theme) on public.h08_prefs to authenticated',
  },
  {
    name: '… that may be updated only',
    sql: `${file('preferences-role')}; revoke insert on public.h08_prefs from authenticated; drop policy insert_p on public.h08_prefs`,
    finds: ['isolation-escalation public.h08_prefs'],
    says: /changes its own row of public\.h08_prefs, then reads public\.h08\b/,
    repair:
      'revoke update on public.h08_prefs from authenticated; grant update (theme) on public.h08_prefs to authenticated',
  },
  {
    name: 'any role when joining',
    finds: ['isolation-escalation public.club_people'],
    sql: `${clubs}; grant insert on public.club_people to authenticated; create policy joins on public.club_people for insert to authenticated with check (user_id = (select auth.uid()));
      create policy boards on public.club_papers for select to authenticated using (private.club_role(club_id) = 'board')`,
    repair: "alter policy joins on public.club_people with check (user_id = (select auth.uid()) and role = 'guest')",
  },
  {
    name: 'a request that approves itself',
    finds: ['isolation-escalation public.club_people'],
    says: /adds itself to public\.club_people, then changes its own row of public\.club_people, then reads public\.club_papers/,
    sql: `${clubs}; grant insert (club_id, user_id), update (status) on public.club_people to authenticated;
      create policy asks on public.club_people for insert to authenticated with check (user_id = (select auth.uid()));
      create policy changes on public.club_people for update to authenticated using (user_id = (select auth.uid()));
      create policy approved on public.club_papers for select to authenticated using (exists (
        select 1 from public.club_people p where p.club_id = club_papers.club_id and p.user_id = (select auth.uid()) and p.status = 'approved'))`,
    repair: 'alter policy changes on public.club_people using (private.owns_club(club_id))',
  },
  {
    name: 'a function that lets anyone in',
    finds: ['isolation-escalation public.enter(uuid)'],
    says: /^A stranger calls public\.enter\(uuid\), then reads public\.club_papers\.$/,
    sql: `${clubs}; create policy inside_too on public.club_papers for select to authenticated using (private.club_role(club_id) is not null);
      create function public.enter(club_id uuid) returns void language sql security definer set search_path = '' as 'insert into public.club_people (club_id, user_id) values (club_id, auth.uid()) on conflict do nothing';
      revoke execute on function public.enter(uuid) from public, anon; grant execute on function public.enter(uuid) to authenticated`,
    repair:
      "create or replace function public.enter(club_id uuid) returns void language sql security definer set search_path = '' as 'insert into public.club_people (club_id, user_id) select club_id, auth.uid() where private.owns_club(club_id) on conflict do nothing'",
  },
  {
    name: 'a document that anyone shares with itself',
    finds: ['isolation-escalation public.f03_shares'],
    says: /reads public\.f03_documents/,
    sql: `${file('shares')}; alter policy insert_p on public.f03_shares with check (shared_with = (select auth.uid()))`,
    repair:
      'alter policy insert_p on public.f03_shares with check (shared_with = (select auth.uid()) and private.f03_owns(document_id))',
  },
  {
    name: 'two steps: a team, then its project',
    finds: ['isolation-escalation public.team_people'],
    says: /^A stranger adds itself to public\.team_people, then adds itself to public\.project_people, then reads public\.papers/,
    sql: `${chain}; create policy joins on public.team_people for insert to authenticated with check (user_id = (select auth.uid()));
      create policy joins on public.project_people for insert to authenticated with check (user_id = (select auth.uid()) and private.in_team_of(project_id));
      create policy reads_too on public.papers for select to authenticated using (private.in_project_of(shelf_id))`,
    repair:
      'alter policy joins on public.team_people with check (user_id = (select auth.uid()) and private.owns_team(team_id))',
  },
  {
    name: 'three steps: a team, its project, a shelf of that',
    finds: ['isolation-escalation public.team_people'],
    says: /^A stranger adds itself to public\.team_people, then adds itself to public\.project_people, then adds itself to public\.shelf_people, then reads public\.papers/,
    sql: `${chain}; create policy joins on public.team_people for insert to authenticated with check (user_id = (select auth.uid()));
      create policy joins on public.project_people for insert to authenticated with check (user_id = (select auth.uid()) and private.in_team_of(project_id));
      create policy joins on public.shelf_people for insert to authenticated with check (user_id = (select auth.uid()) and private.in_project_of(shelf_id))`,
    repair:
      'alter policy joins on public.team_people with check (user_id = (select auth.uid()) and private.owns_team(team_id))',
  },
  {
    name: 'a restriction that its user lifts',
    finds: ['isolation-escalation public.restrictions'],
    says: /deletes rows? of public\.restrictions, then reads public\.ledgers/,
    sql: `create table public.restrictions (user_id uuid primary key references public.profiles (id)); create table public.ledgers (id uuid primary key, owner_id uuid not null references public.profiles (id), body text);
      alter table public.restrictions enable row level security; alter table public.ledgers enable row level security; grant select, delete on public.restrictions to authenticated; grant select on public.ledgers to authenticated;
      create policy own on public.restrictions to authenticated using (user_id = (select auth.uid()));
      create policy free on public.ledgers for select to authenticated using (owner_id = (select auth.uid()) or not exists (select 1 from public.restrictions r where r.user_id = (select auth.uid())))`,
    repair: 'revoke delete on public.restrictions from authenticated',
  },
  {
    name: 'a club that anyone joins, whose papers a foreign key keeps from being deleted',
    finds: ['isolation-escalation public.club_people'],
    says: /^A stranger adds (itself|a row) to public\.club_people, then deletes rows of public\.club_papers\./,
    sql: `${clubs}; grant insert on public.club_people to authenticated; grant delete on public.club_papers to authenticated;
      drop policy inside on public.club_papers; create policy clears on public.club_papers for delete to authenticated using (private.club_role(club_id) is not null);
      create table public.paper_scans (paper_id uuid primary key references public.club_papers (id)); alter table public.paper_scans enable row level security;
      create policy joins on public.club_people for insert to authenticated with check (user_id = (select auth.uid()))`,
    repair:
      'alter policy joins on public.club_people with check (user_id = (select auth.uid()) and private.owns_club(club_id))',
  },
  {
    name: "a role in one's own membership",
    finds: ['isolation-escalation public.organization_members'],
    says: /reads public\.salaries/,
    sql: `create table public.salaries (id uuid primary key, owner_id uuid not null references public.profiles (id), amount int); alter table public.salaries enable row level security; grant select on public.salaries to authenticated;
      create policy hr on public.salaries for select to authenticated using (owner_id = (select auth.uid()) or exists (select 1 from public.organization_members m where m.user_id = (select auth.uid()) and m.role = 'superhr'));
      alter table public.organization_members drop constraint organization_members_role_check;
      grant update (role) on public.organization_members to authenticated; create policy changes on public.organization_members for update to authenticated using (user_id = (select auth.uid()))`,
    repair:
      'revoke update (role) on public.organization_members from authenticated; drop policy changes on public.organization_members',
  },
  {
    name: 'a role that a policy looks for in a list',
    finds: ['isolation-escalation public.organization_members'],
    says: /reads public\.salaries/,
    sql: `create table public.salaries (id uuid primary key, owner_id uuid not null references public.profiles (id), amount int); alter table public.salaries enable row level security; grant select on public.salaries to authenticated;
      create policy hr on public.salaries for select to authenticated using (owner_id = (select auth.uid()) or exists (select 1 from public.organization_members m where m.user_id = (select auth.uid()) and m.role in (select unnest(array['superhr']))));
      alter table public.organization_members drop constraint organization_members_role_check;
      grant update (role) on public.organization_members to authenticated; create policy changes on public.organization_members for update to authenticated using (user_id = (select auth.uid()))`,
    repair:
      'revoke update (role) on public.organization_members from authenticated; drop policy changes on public.organization_members',
  },
  {
    name: 'a function that grants what was closed',
    finds: ['isolation-escalation public.open_notes()'],
    says: /^A stranger calls public\.open_notes\(\), then reads public\.sealed\./,
    sql: `create table public.sealed (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), body text);
      revoke all on public.sealed from anon, authenticated;
      create function public.open_notes() returns void language plpgsql security definer set search_path = ''
        as $$ begin grant select on public.sealed to authenticated; end $$;
      revoke execute on function public.open_notes() from public, anon; grant execute on function public.open_notes() to authenticated`,
    repair: 'revoke execute on function public.open_notes() from authenticated',
  },
  {
    name: 'a trigger of an own table that deletes rows of others',
    sql: file('command-trigger'),
    finds: ['isolation-write public.h44_commands'],
    says: /^A stranger adds a row to public\.h44_commands, and rows of others are changed or deleted in public\.h44\./,
    repair:
      "create or replace function private.h44_run() returns trigger language plpgsql security definer set search_path = '' as $$ begin delete from public.h44 where owner_id = new.user_id and title = new.target_title; return new; end $$",
  },
  ...Object.entries({
    insert: ['isolation-write public.drafts'],
    update: ['isolation-write public.drafts', 'isolation-reassign public.drafts'],
  }).map(([verb, finds]) => ({
    name: `a trigger that deletes rows of others of the same table: ${verb}`,
    finds,
    sql: `create table public.drafts (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), title text not null);
      alter table public.drafts enable row level security; grant select, insert, update, delete on public.drafts to authenticated;
      create policy own on public.drafts to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
      create function private.drafts_changed() returns trigger language plpgsql security definer set search_path = '' as $$ begin delete from public.drafts where owner_id <> new.owner_id; return new; end $$;
      create trigger drafts_changed after ${verb} on public.drafts for each row execute function private.drafts_changed()`,
    repair:
      "create or replace function private.drafts_changed() returns trigger language plpgsql security definer set search_path = '' as $$ begin delete from public.drafts where owner_id = new.owner_id and id <> new.id and title = new.title; return new; end $$",
  })),
  {
    name: 'a trigger that copies private rows to where all read',
    sql: file('copy-trigger'),
    finds: ['isolation-read public.h05'],
    says: /^The owner adds a row to public\.h05, and a stranger reads a copy of the row in public\.h05_feed\./,
    repair:
      "create or replace function private.h05_copy() returns trigger language plpgsql security definer set search_path = '' as $$ begin insert into public.h05_feed (title) values ('A new row'); return new; end $$",
  },
  {
    name: 'rows that everyone reads once they are deleted',
    sql: file('deleted-readable'),
    finds: ['isolation-read public.h22'],
    says: /reads it where deleted_at is set/,
    repair: 'alter policy select_p on public.h22 using ((select auth.uid()) = owner_id)',
  },
  {
    name: 'addresses in a table that has no owner',
    sql: file('unowned-email'),
    finds: ['isolation-read public.h38_orders'],
    says: /reads it with contact_email/,
    repair: 'revoke select on public.h38_orders from authenticated; drop policy select_p on public.h38_orders',
  },
];

async function errorsOf(sql: string): Promise<Finding[]> {
  const { findings } = await withSchema(database, `${base}; ${sql}`, (session) =>
    verifyIsolation(session, { declarations: [] }),
  );
  return findings.filter(({ severity }) => severity === 'error');
}

const named = (findings: readonly Finding[]): string[] =>
  findings.map(({ rule, object }) => `${rule} ${object}`).sort();

describe('permitted writes that open other rows', () => {
  it.each(sampleOf(cases, 3))('$name', async ({ sql, finds, says, repair }) => {
    const found = await errorsOf(sql);
    expect(named(found)).toEqual([...finds].sort());
    const stories = found
      .filter((finding) => named([finding])[0] === finds[0])
      .map(({ message }) => message)
      .join('\n');
    if (says !== undefined) expect(stories).toMatch(says);
    expect(named(await errorsOf(`${sql}; ${repair}`))).toEqual([]);
  });

  it('are reported with the policy and the SQL to try', async () => {
    const [found] = await errorsOf(cases[0]!.sql);
    expect(found?.policy).toBe('insert_p');
    expect(found?.probe).toMatch(
      /^insert into public\.h07_joins \(h07_group_id, user_id\) values \('[-\da-f]{36}', '[-\da-f]{36}'\);$/,
    );
    expect(found?.suggestion).toContain('WITH CHECK of policy insert_p');
  });

  it('says what an error hides', async () => {
    const sql = `${clubs}; alter table public.club_people alter role drop default, add level text not null default '1';
      create function private.starts() returns trigger language plpgsql security definer set search_path = '' as $$
        begin if not private.owns_club(new.club_id) then new.level := 'asked'; end if; return new; end $$;
      create trigger starts before insert on public.club_people for each row execute function private.starts();
      create function private.level_in(club uuid) returns integer language sql stable security definer set search_path = ''
        as 'select level::integer from public.club_people where club_id = club and user_id = auth.uid()';
      grant execute on function private.level_in(uuid) to authenticated; grant insert on public.club_people to authenticated;
      create policy levels on public.club_papers for select to authenticated using (private.level_in(club_id) > 0);
      create policy joins on public.club_people for insert to authenticated with check (user_id = (select auth.uid()))`;
    const prove = (all: string): Promise<Finding[]> =>
      withSchema(
        database,
        `${base}; ${all}`,
        async (session) => (await verifyIsolation(session, { declarations: [] })).findings,
      );
    const found = await prove(sql);
    expect(found.map(({ rule, object, severity }) => `${severity} ${rule} ${object}`)).toEqual([
      'warning not-proven public.club_papers',
      'warning not-proven private.level_in(uuid)',
    ]);
    expect(found[0]?.message).toBe(
      'public.club_papers is not proven: a stranger adds itself to public.club_people, then meets an error when it reads public.club_papers, so what that opens was not seen: invalid input syntax for type integer: "asked" (22P02).',
    );
    expect(
      await prove(`${sql}; alter policy joins on public.club_people with check (private.owns_club(club_id))`),
    ).toEqual([]);
  });

  it('is no loss that an owner changes a row which another user has made, whatever a trigger may do', async () => {
    const sql = `
      alter table public.organizations add owner_id uuid not null default auth.uid() references public.profiles (id), add is_personal boolean not null default false, add slug text unique;
      create unique index on public.organizations (owner_id) where is_personal; grant update on public.organizations to authenticated;
      create policy own on public.organizations for update to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
      create policy owned on public.organizations for select to authenticated using (owner_id = (select auth.uid()));
      create function private.names() returns trigger language plpgsql security definer set search_path = '' as $$ declare n int; begin
        execute 'select count(*) from public.organizations where slug = ' || quote_literal(lower(new.name)) into n;
        new.slug := lower(new.name) || n; return new; end $$;
      create trigger names before update on public.organizations for each row when (not new.is_personal) execute function private.names()`;
    expect(named(await errorsOf(sql))).toEqual([]);
  });

  it.each(['shares', 'chat'])('opens nothing in a correct design: %s', async (name) => {
    expect((await errorsOf(file(name))).filter(({ rule }) => rule === 'isolation-escalation')).toEqual([]);
  });
});
