import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { helper, mine, ofTeams, ours, owned, seenBy } from './designs.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** A text that users choose about themselves, and rows of users that hold one as well. */
const base = `${owned('contacts', 'code text not null')} ${owned('mails', 'sender text not null')}
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, nick text);
  alter table public.profiles enable row level security; grant select, insert, update on public.profiles to authenticated;
  create policy own on public.profiles to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));`;
const orBy = (condition: string): string => seenBy('mails', `${mine} or ${condition}`);

/** The rows of others that a user reads by a text of its own choice, and the table in which it writes that. */
const holes: [name: string, table: string, hole: string][] = [
  ['EXISTS', 'contacts', orBy(`exists (select 1 from public.contacts c where c.${mine} and c.code = mails.sender)`)],
  ['IN', 'contacts', orBy(`sender in (select c.code from public.contacts c where c.${mine})`)],
  ['= ANY', 'contacts', orBy(`sender = any (array(select c.code from public.contacts c where c.${mine}))`)],
  ['a query of one row', 'profiles', orBy('sender = (select p.nick from public.profiles p where p.id = auth.uid())')],
  [
    'without regard to case',
    'profiles',
    orBy('lower(sender) = (select lower(p.nick) from public.profiles p where p.id = auth.uid())'),
  ],
  [
    'a function',
    'contacts',
    `${helper('my_codes()', 'setof text', 'select c.code from public.contacts c where c.owner_id = auth.uid()')}
     ${orBy('sender in (select private.my_codes())')}`,
  ],
  [
    'a function for each row',
    'contacts',
    `${helper('knows(p_sender text)', 'boolean', 'select exists (select 1 from public.contacts c where c.owner_id = auth.uid() and c.code = p_sender)')}
     ${orBy('private.knows(sender)')}`,
  ],
];

/** Invitations to teams by address, which a trigger takes for who writes the address into the profile. */
const invited = (address: string): string => `${ofTeams('files', ours)}
  create table public.invites (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade,
    email text not null, role text not null default 'member');
  create table public.people (id uuid primary key references auth.users (id) on delete cascade, email text);
  alter table public.invites enable row level security; alter table public.people enable row level security;
  grant select, insert, update on public.people to authenticated;
  create policy own on public.people to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create function public.take() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.team_users (team_id, user_id, role) select i.team_id, new.id, i.role from public.invites i where i.email = ${address} on conflict do nothing;
    return new; end $$;
  create trigger take after insert or update of email on public.people for each row execute function public.take();`;

const errorsOf = async (sql: string): Promise<Finding[]> => {
  const { findings } = await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }));
  return findings.filter(({ severity }) => severity === 'error');
};

describe('texts that users choose, compared with those in rows of others', () => {
  it.each(sampleOf(holes, 3))('%s', async (_, table, hole) => {
    expect((await errorsOf(base + hole)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      `isolation-escalation public.${table}`,
    ]);
    expect((await errorsOf(base + hole + seenBy('mails', mine))).map(({ message }) => message)).toEqual([]);
  });
  it('correct: a text that only the server writes', async () => {
    const [, , hole] = holes[0]!;
    const sql = `${base}${hole} revoke insert, update on public.contacts from authenticated;
      drop policy i on public.contacts; drop policy u on public.contacts;`;
    expect((await errorsOf(sql)).map(({ message }) => message)).toEqual([]);
  });
  it('an invitation by an address that users write', async () => {
    expect((await errorsOf(invited('new.email'))).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.people',
    ]);
    const signed = '(select u.email from auth.users u where u.id = new.id)';
    expect((await errorsOf(invited(signed))).map(({ message }) => message)).toEqual([]);
  });
});

/** Rows without an owner, which a user reads by a text in a row of its own. */
const telemetry = (
  condition = '',
): string => `${owned('devices', 'serial text not null, verified boolean not null default false')}
  create table public.telemetry (id uuid primary key default gen_random_uuid(), serial text not null, value numeric not null);
  alter table public.telemetry enable row level security; grant select on public.telemetry to authenticated;
  create policy r on public.telemetry for select to authenticated using (exists (select 1 from public.devices d where d.${mine}
    and d.serial = telemetry.serial${condition}));`;
const ofServer = `revoke insert, update on public.devices from authenticated; grant insert (id, title, serial) on public.devices to authenticated;
  alter policy u on public.devices using (false);`;

const people = `create table public.people (id uuid primary key references auth.users (id) on delete cascade, work_email text);
  alter table public.people enable row level security; grant select, insert, update on public.people to authenticated;
  create policy own on public.people to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));`;

/** Units that the server makes, with their users, and reports of units by their paths; `made` is what the server makes of a path. */
const units = (condition: string, made = ''): string => `
  create table public.units (id uuid primary key default gen_random_uuid(), path text not null unique);
  create table public.unit_users (unit_id uuid not null references public.units (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (unit_id, user_id));
  create table public.reports (id uuid primary key default gen_random_uuid(), unit_path text not null references public.units (path), body text not null);
  create index on public.unit_users (user_id); create index on public.reports (unit_path); ${made}
  alter table public.units enable row level security; alter table public.unit_users enable row level security; alter table public.reports enable row level security;
  grant select on public.unit_users, public.reports to authenticated;
  create policy r on public.unit_users for select to authenticated using (user_id = (select auth.uid()));
  ${helper('my_paths()', 'setof text', 'select u.path from public.units u join public.unit_users x on x.unit_id = u.id where x.user_id = auth.uid()')}
  create policy r on public.reports for select to authenticated using (exists (select 1 from private.my_paths() m (path) where ${condition}));`;

/** Companies, whose people are known by the domain of their address. */
const domains = (condition: string): string => `
  create table public.companies (id uuid primary key default gen_random_uuid(), domain text not null unique);
  create table public.handbooks (id uuid primary key default gen_random_uuid(), company_id uuid not null references public.companies (id) on delete cascade, body text not null);
  create index on public.handbooks (company_id); alter table public.companies enable row level security; alter table public.handbooks enable row level security;
  grant select on public.handbooks to authenticated;
  ${helper('my_companies()', 'setof uuid', `select id from public.companies where ${condition}`)}
  create policy r on public.handbooks for select to authenticated using (company_id in (select private.my_companies()));`;

const address = "(auth.jwt() ->> 'email')";

/** The address in it. */
const written = '(select p.work_email from public.people p where p.id = auth.uid())';

describe('texts by which rows without an owner are read', () => {
  it('the number of a device that anyone registers', async () => {
    expect((await errorsOf(telemetry())).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.devices',
    ]);
    expect((await errorsOf(telemetry(' and d.verified') + ofServer)).map(({ message }) => message)).toEqual([]);
  });
  it('a number that only one may register', async () => {
    const only = 'create unique index on public.devices (serial);';
    expect((await errorsOf(telemetry() + only)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.devices',
    ]);
  });
  it.each([
    ['split_part', `domain = split_part(${written}, '@', 2)`],
    [
      'substring',
      "domain in (select substring(p.work_email from position('@' in p.work_email) + 1) from public.people p where p.id = auth.uid())",
    ],
    ['a regular expression', `domain = lower(regexp_replace(${written}, '^.*@', ''))`],
    ['a pattern', `${written} like '%@' || domain`],
  ])('the domain of an address that the user writes, by %s', async (_, condition) => {
    const hole = people + domains(condition);
    expect((await errorsOf(hole)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.people',
    ]);
    const repair =
      'revoke insert, update on public.people from authenticated; alter policy own on public.people with check (false);';
    expect((await errorsOf(hole + repair)).map(({ message }) => message)).toEqual([]);
  });
  it('a function that lets in by that address', async () => {
    const joins = (
      from: string,
    ): string => `${ofTeams('files', ours)} ${people} alter table public.teams add domain text;
      create function public.join_team(p_team uuid) returns void language sql security definer set search_path = '' as $$
        insert into public.team_users (team_id, user_id) select t.id, auth.uid() from public.teams t
        where t.id = p_team and t.domain = split_part(${from}, '@', 2) on conflict do nothing $$;`;
    expect((await errorsOf(joins(written))).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.people',
    ]);
    expect((await errorsOf(joins(address))).map(({ message }) => message)).toEqual([]);
  });
  it('a function that claims what waits for a number which the caller writes', async () => {
    const claims = `${owned('albums')}
      create table public.phones (id uuid primary key references auth.users (id) on delete cascade, number text);
      create table public.guests (id uuid primary key default gen_random_uuid(), album_id uuid not null references public.albums (id) on delete cascade,
        number text not null, user_id uuid references auth.users (id));
      create index on public.guests (album_id); create index on public.guests (user_id);
      alter table public.phones enable row level security; alter table public.guests enable row level security;
      grant select, update on public.phones to authenticated; grant select on public.guests to authenticated;
      create policy own on public.phones to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
      create policy r on public.guests for select to authenticated using (user_id = (select auth.uid()));
      ${helper('is_guest(a uuid)', 'boolean', 'select exists (select 1 from public.guests where album_id = a and user_id = auth.uid())')}
      ${seenBy('albums', `${mine} or private.is_guest(id)`)}
      create function public.claim() returns void language sql security definer set search_path = '' as $$ update public.guests g set user_id = auth.uid()
        where g.user_id is null and g.number in (select p.number from public.phones p where p.id = auth.uid()) $$;`;
    expect((await errorsOf(claims)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.phones',
    ]);
    const repair =
      'revoke update on public.phones from authenticated; alter policy own on public.phones with check (false);';
    expect((await errorsOf(claims + repair)).map(({ message }) => message)).toEqual([]);
  });
  it('correct: a level that the server writes', async () => {
    const lessons = `create table public.subs (user_id uuid primary key references auth.users (id) on delete cascade, tier text not null);
      create table public.lessons (id uuid primary key default gen_random_uuid(), tier text not null, body text not null);
      alter table public.subs enable row level security; alter table public.lessons enable row level security;
      grant select on public.subs, public.lessons to authenticated;
      create policy own on public.subs for select to authenticated using (user_id = (select auth.uid()));
      create policy r on public.lessons for select to authenticated using (tier in (select s.tier from public.subs s where s.user_id = (select auth.uid())));`;
    expect((await errorsOf(lessons)).map(({ message }) => message)).toEqual([]);
  });
});

describe('texts of which one is a part of another', () => {
  it.each([
    [
      'the start',
      'reports',
      units("reports.unit_path like m.path || '%'"),
      units("reports.unit_path like m.path || '/%'"),
    ],
    [
      'the start, by a function',
      'reports',
      units('starts_with(reports.unit_path, m.path)'),
      units("reports.unit_path = m.path or starts_with(reports.unit_path, m.path || '/')"),
    ],
    [
      'the end',
      'handbooks',
      domains(`${address} like '%' || domain`),
      domains(`split_part(${address}, '@', 2) = domain`),
    ],
  ])('%s', async (_, table, hole, repaired) => {
    expect((await errorsOf(hole)).map(({ rule, object }) => `${rule} ${object}`)).toContain(
      `isolation-read public.${table}`,
    );
    expect((await errorsOf(repaired)).map(({ message }) => message)).toEqual([]);
  });

  it('correct: a path that a trigger ends with a separator', async () => {
    const made = `create function public.end_path() returns trigger language plpgsql set search_path = '' as
        $$ begin new.path := rtrim(new.path, '/') || '/'; return new; end $$;
      create trigger end_path before insert or update on public.units for each row execute function public.end_path();`;
    const errors = await errorsOf(units("reports.unit_path like m.path || '%'", made));
    expect(errors.filter(({ rule }) => rule === 'isolation-read').map(({ message }) => message)).toEqual([]);
  });
});
