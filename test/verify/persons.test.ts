/** People with keys of their own, who stand for users: memberships join them to what they share. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const mine = 'user_id = (select auth.uid())';

/** People of whom each has a user. */
const persons = (name: string, key = 'uuid primary key default gen_random_uuid()'): string => `
  create table public.${name} (id ${key}, user_id uuid not null unique references auth.users (id) on delete cascade, name text not null);
  alter table public.${name} enable row level security;
  create policy s on public.${name} for select to authenticated using (${mine});
  create policy u on public.${name} for update to authenticated using (${mine}) with check (${mine});
  grant select, update (name) on public.${name} to authenticated;`;

interface Shared {
  people?: string;
  key?: string;
  type?: string;
  organizations: string;
  members: string;
  /** The type of the role's column, its least value, and the one that lets its members write. */
  role?: [type: string, least: string, most: string];
}

/** What members of an organization share. */
function shared({ people = 'persons', key, type = 'uuid', organizations, members, role }: Shared): string {
  const isIn = (name: string, more: string): string => `
    create function public.${name}(o uuid) returns boolean language sql stable security definer set search_path = '' as
      $$ select exists (select 1 from public.${members} m join public.${people} p on p.id = m.person_id
           where p.user_id = auth.uid() and m.org_id = o${more}) $$;`;
  return `${persons(people, key)}
    create table public.${organizations} (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.${members} (
      person_id ${type} not null references public.${people} (id) on delete cascade,
      org_id uuid not null references public.${organizations} (id) on delete cascade,
      ${role === undefined ? '' : `role ${role[0]} not null default '${role[1]}',`}
      primary key (person_id, org_id));
    create index on public.${members} (org_id);
    ${isIn('is_in', '')} ${isIn('leads', role === undefined ? '' : ` and m.role = '${role[2]}'`)}
    create table public.documents (
      id uuid primary key default gen_random_uuid(),
      org_id uuid not null references public.${organizations} (id) on delete cascade, title text not null);
    create index on public.documents (org_id);
    alter table public.${organizations} enable row level security;
    alter table public.${members} enable row level security;
    alter table public.documents enable row level security;
    create policy s on public.${organizations} for select to authenticated using (public.is_in(id));
    create policy s on public.${members} for select to authenticated using (public.is_in(org_id));
    create policy s on public.documents for select to authenticated using (public.is_in(org_id));
    create policy i on public.documents for insert to authenticated with check (public.leads(org_id));
    create policy u on public.documents for update to authenticated using (public.leads(org_id)) with check (public.leads(org_id));
    create policy d on public.documents for delete to authenticated using (public.leads(org_id));
    grant select on public.${organizations}, public.${members} to authenticated;
    grant select, insert, update, delete on public.documents to authenticated;`;
}

const roles = shared({
  organizations: 'organizations',
  members: 'members',
  role: ["text check (role in ('owner', 'member'))", 'member', 'owner'],
});
const staff = shared({ organizations: 'clubs', members: 'club_staff', role: ['text', 'viewer', 'lead'] });
const plain = shared({ organizations: 'clubs', members: 'club_people' });
const numbered = shared({
  people: 'accounts_of_users',
  key: 'bigserial primary key',
  type: 'bigint',
  organizations: 'workspaces',
  members: 'workspace_members',
  role: ["text check (role in ('owner', 'member'))", 'member', 'owner'],
});

const own = (people = 'persons'): string => `person_id in (select id from public.${people} where ${mine})`;
const joins = (table: string, people = 'persons'): string =>
  `create policy j on public.${table} for insert to authenticated with check (${own(people)});
   grant insert on public.${table} to authenticated;`;
/** Who is asked for no longer is the caller. */
const anyones = (sql: string): string => sql.replace('p.user_id = auth.uid() and m.org_id = o)', 'm.org_id = o)');

/** A league whose captains change its settings; another table says which user a player is. */
const league = (unique: string): string => `
  -- muse: public-read
  create table public.players (id serial primary key, name text not null);
  create table public.player_map (
    profile_id uuid primary key references auth.users (id) on delete cascade,
    player_id int not null ${unique} references public.players (id) on delete cascade);
  create index on public.player_map (player_id);
  create table public.leagues (id serial primary key, name text not null);
  -- muse: public-read
  create table public.captains (
    player_id int not null references public.players (id) on delete cascade,
    league_id int not null references public.leagues (id) on delete cascade, primary key (player_id, league_id));
  create index on public.captains (league_id);
  create table public.settings (league_id int primary key references public.leagues (id) on delete cascade, paused boolean not null default false);
  -- muse: public-read
  create table public.messages (id uuid primary key default gen_random_uuid(), player_id int references public.players (id), league_id int references public.leagues (id), body text not null);
  create index on public.messages (player_id); create index on public.messages (league_id);
  alter table public.players enable row level security; alter table public.player_map enable row level security;
  alter table public.leagues enable row level security; alter table public.captains enable row level security;
  alter table public.settings enable row level security; alter table public.messages enable row level security;
  create policy s on public.players for select to authenticated using (true);
  create policy s on public.player_map for select to authenticated using (profile_id = (select auth.uid()));
  create policy s on public.leagues for select to authenticated using (true);
  create policy s on public.captains for select to authenticated using (true);
  create function public.is_captain(l int) returns boolean language plpgsql stable security definer set search_path = '' as
    $$ declare p int; begin
      select m.player_id into p from public.player_map m where m.profile_id = auth.uid()
        and m.player_id in (select player_id from public.captains where league_id = l) limit 1;
      return p is not null; end $$;
  create function public.is_player(p int) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.player_map m where m.profile_id = auth.uid() and m.player_id = p) $$;
  create policy s on public.settings for select to authenticated using (true);
  create policy i on public.settings for insert to authenticated with check (public.is_captain(league_id));
  create policy u on public.settings for update to authenticated using (public.is_captain(league_id)) with check (public.is_captain(league_id));
  create policy s on public.messages for select to authenticated using (true);
  create policy i on public.messages for insert to authenticated with check (public.is_player(player_id));
  create policy d on public.messages for delete to authenticated using (public.is_player(player_id));
  grant select on public.players, public.player_map, public.leagues, public.captains to authenticated;
  grant select, insert, update on public.settings to authenticated;
  grant select, insert, delete on public.messages to authenticated;`;
const one = league('unique');
const several = league('');
const anyPlayer = 'exists (select 1 from public.player_map m where m.profile_id = (select auth.uid()))';

/** The users of an app with keys of its own, and what they make in their organizations. */
const made = `
  create table public.users (id uuid primary key default gen_random_uuid(), auth_id uuid unique references auth.users (id) on delete set null, name text);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.memberships (
    id uuid primary key default gen_random_uuid(), user_id uuid not null references public.users (id) on delete cascade,
    organization_id uuid not null references public.organizations (id) on delete cascade,
    role text not null default 'member' check (role in ('owner', 'member')), unique (user_id, organization_id));
  create index on public.memberships (organization_id);
  create table public.projects (
    id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id) on delete cascade,
    created_by uuid not null references public.users (id), name text not null);
  create index on public.projects (organization_id); create index on public.projects (created_by);
  create schema private; grant usage on schema private to authenticated;
  create function private.me() returns uuid language sql stable security definer set search_path = '' as
    $$ select id from public.users where auth_id = auth.uid() $$;
  create function private.organizations() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select organization_id from public.memberships where user_id = private.me() $$;
  alter table public.users enable row level security; alter table public.organizations enable row level security;
  alter table public.memberships enable row level security; alter table public.projects enable row level security;
  create policy s on public.users for select to authenticated using (auth_id = (select auth.uid()));
  create policy s on public.organizations for select to authenticated using (id in (select private.organizations()));
  create policy s on public.memberships for select to authenticated using (organization_id in (select private.organizations()));
  create policy s on public.projects for select to authenticated using (organization_id in (select private.organizations()));
  create policy i on public.projects for insert to authenticated
    with check (organization_id in (select private.organizations()) and created_by = (select private.me()));
  create policy u on public.projects for update to authenticated
    using (organization_id in (select private.organizations())) with check (organization_id in (select private.organizations()));
  grant select on public.users, public.organizations, public.memberships to authenticated;
  grant select, insert, update on public.projects to authenticated;`;

const pairs: Pair[] = [
  ['members read: a role', roles, anyones(roles), 'isolation-read public.documents'],
  [
    'members write: a role of another name',
    staff,
    `${staff} drop policy d on public.documents;
    create policy d on public.documents for delete to authenticated using (exists (select 1 from public.persons where ${mine}));`,
    'isolation-write public.documents',
  ],
  ['members read: no roles', plain, anyones(plain), 'isolation-read public.clubs'],
  [
    'a stranger makes itself a member: a role',
    roles,
    `${roles} ${joins('members')}`,
    'isolation-escalation public.members',
  ],
  [
    'a stranger makes itself a member: no roles',
    plain,
    `${plain} ${joins('club_people')}`,
    'isolation-escalation public.club_people',
  ],
  [
    'a stranger makes itself a member: numbers',
    numbered,
    `${numbered} ${joins('workspace_members', 'accounts_of_users')}`,
    'isolation-escalation public.workspace_members',
  ],
  [
    'a member raises itself',
    roles,
    `${roles} create policy r on public.members for update to authenticated
    using (${own()}) with check (${own()}); grant update (role) on public.members to authenticated;`,
    'isolation-write public.members',
  ],
  [
    'a member raises itself: numbers',
    numbered,
    `${numbered} create policy r on public.workspace_members for update to authenticated
    using (${own('accounts_of_users')}) with check (${own('accounts_of_users')}); grant update (role) on public.workspace_members to authenticated;`,
    'isolation-write public.workspace_members',
  ],
  [
    'a person is another user',
    staff,
    `${staff} create policy x on public.persons for update to authenticated using (true) with check (${mine});
    create policy xs on public.persons for select to authenticated using (true); grant update (user_id) on public.persons to authenticated;`,
    'isolation-reassign public.persons',
  ],
  [
    'any player changes the settings',
    one,
    `${one} drop policy u on public.settings;
    create policy u on public.settings for update to authenticated using (${anyPlayer});`,
    'isolation-write public.settings',
  ],
  [
    'any player makes itself a captain',
    one,
    `${one} create policy j on public.captains for insert to authenticated with check (public.is_player(player_id));
    grant insert on public.captains to authenticated;`,
    'isolation-escalation public.captains',
  ],
  [
    'any player writes for another',
    several,
    `${several} drop policy i on public.messages;
    create policy i on public.messages for insert to authenticated with check (${anyPlayer});`,
    'isolation-insert public.messages',
  ],
  [
    'a user says which player it is',
    several,
    `${several} create policy j on public.player_map for update to authenticated
    using (profile_id = (select auth.uid())) with check (profile_id = (select auth.uid())); grant update on public.player_map to authenticated;`,
    'isolation-escalation public.player_map',
  ],
  [
    'what users made who have keys of their own',
    made,
    made.replace('organization_id in (select private.organizations()) and created_by', 'created_by'),
    'isolation-insert public.projects',
  ],
  [
    'what users made who have keys of their own, and move',
    made,
    `${made} create policy u2 on public.projects for update to authenticated using (created_by = (select private.me())) with check (created_by = (select private.me()));`,
    'isolation-reassign public.projects',
  ],
];

describe('people who stand for users', () => {
  testPairs(pairs);
});
