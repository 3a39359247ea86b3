import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Profiles that the server makes at sign-up, teams that the server fills, and rows of both. */
const base = `
  create table public.teams (id uuid primary key default gen_random_uuid(), name text not null, slug text not null unique);
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, full_name text, role text not null default 'user',
    is_staff boolean not null default false, settings jsonb not null default '{}');
  create table public.team_users (team_id uuid not null references public.teams (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member' check (role in ('member', 'admin')),
    primary key (team_id, user_id));
  create table public.invitations (token text primary key default gen_random_uuid()::text, team_id uuid not null references public.teams (id), email text not null);
  create function public.my_teams() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select team_id from public.team_users where user_id = auth.uid() $$;
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create table public.files (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), title text not null);
  alter table public.teams enable row level security; alter table public.profiles enable row level security; alter table public.invitations enable row level security;
  alter table public.team_users enable row level security; alter table public.notes enable row level security; alter table public.files enable row level security;
  grant select on public.profiles, public.team_users, public.notes, public.files to authenticated;
  create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy ours on public.team_users for select to authenticated using (team_id in (select public.my_teams()));
  create policy ours on public.files for select to authenticated using (team_id in (select public.my_teams()));
`;
/** Who reads notes, beside their owner. */
const notesFor = (condition: string): string =>
  `create policy r on public.notes for select to authenticated using (user_id = (select auth.uid()) or exists (
    select 1 from public.profiles p where p.id = (select auth.uid()) and ${condition}));`;
const admins = notesFor("p.role = 'admin'");
/** What runs when a user signs up, or at other events. */
const onUsers = (body: string, declared = '', events = 'after insert'): string =>
  `create or replace function public.on_user() returns trigger language plpgsql security definer set search_path = '' as
    $on$ declare meta jsonb := new.raw_user_meta_data; ${declared} begin ${body} return new; end $on$;
  create or replace trigger on_user ${events} on auth.users for each row execute function public.on_user();`;
const plain = "insert into public.profiles (id, full_name) values (new.id, meta ->> 'full_name');";

const trusted = 'policy-trusts-user-metadata public.on_user';

/** Designs in which a user becomes what it writes about itself, and their repairs. */
const holes: [name: string, hole: string, repair: string][] = [
  [
    'a role',
    admins +
      onUsers(
        "insert into public.profiles (id, role) values (new.id, coalesce(new.raw_user_meta_data ->> 'role', 'user'));",
      ),
    onUsers(
      "insert into public.profiles (id, role) values (new.id, coalesce(new.raw_app_meta_data ->> 'role', 'user'));",
    ),
  ],
  [
    'a role in a variable, deep in the metadata',
    admins +
      onUsers(
        "r := coalesce(meta #>> '{account,role}', 'user'); insert into public.profiles (id, full_name, role) values (new.id, meta ->> 'name', r);",
        'r text;',
      ),
    onUsers(plain),
  ],
  [
    'a role that comes after the profile',
    admins + onUsers(`${plain} update public.profiles set role = meta ->> 'role' where id = new.id and meta ? 'role';`),
    onUsers(plain),
  ],
  [
    'a flag',
    notesFor('p.is_staff') +
      onUsers(
        "insert into public.profiles (id, is_staff) values (new.id, coalesce((meta ->> 'is_staff')::boolean, false));",
      ),
    onUsers(plain),
  ],
  [
    'columns of a record',
    admins +
      onUsers(
        "insert into public.profiles (id, full_name, role) select new.id, r.full_name, coalesce(r.role, 'user') from jsonb_to_record(meta) as r (full_name text, role text);",
      ),
    onUsers(plain),
  ],
  [
    'all of the metadata',
    notesFor("p.settings ->> 'role' = 'admin'") +
      onUsers('insert into public.profiles (id, settings) values (new.id, meta);'),
    onUsers(plain),
  ],
  [
    'a team by its id',
    onUsers(
      `${plain} if meta ? 'team' then insert into public.team_users (team_id, user_id) values ((meta ->> 'team')::uuid, new.id); end if;`,
    ),
    onUsers(
      `${plain} insert into public.team_users (team_id, user_id) select i.team_id, new.id from public.invitations i where i.token = meta ->> 'invite_token';`,
    ),
  ],
  [
    'a team in a variable with a type',
    onUsers(
      "t := (meta ->> 'team_id')::uuid; if t is not null then insert into public.team_users (team_id, user_id) values (t, new.id); end if;",
      't uuid;',
    ),
    onUsers(plain),
  ],
  [
    'a team by its short name',
    onUsers(
      `${plain} insert into public.team_users (team_id, user_id) select t.id, new.id from public.teams t where t.slug = meta ->> 'team';`,
    ),
    onUsers(
      `${plain} insert into public.team_users (team_id, user_id) select i.team_id, new.id from public.invitations i where i.email = new.email;`,
    ),
  ],
  [
    'what is changed later',
    admins +
      onUsers(
        `if tg_op = 'INSERT' then ${plain} else update public.profiles set full_name = meta ->> 'full_name', role = coalesce(meta ->> 'role', role) where id = new.id; end if;`,
        '',
        'after insert or update of raw_user_meta_data',
      ),
    onUsers(
      `if tg_op = 'INSERT' then ${plain} else update public.profiles set full_name = meta ->> 'full_name' where id = new.id; end if;`,
      '',
      'after insert or update of raw_user_meta_data',
    ),
  ],
];

/** The team of the caller, looked up where Supabase Auth keeps what it knows of a user. */
const looked = (column: string): string =>
  `create or replace function public.my_team() returns uuid language sql stable security definer set search_path = '' as
    $$ select (${column} ->> 'team_id')::uuid from auth.users where id = auth.uid() $$;
   create or replace view public.my_files as select * from public.files where team_id = public.my_team(); grant select on public.my_files to authenticated;`;

/** What is rightly taken from there. */
const correct: [name: string, sql: string][] = [
  [
    'a name and a picture',
    admins +
      onUsers(
        "insert into public.profiles (id, full_name, settings) values (new.id, meta ->> 'full_name', jsonb_build_object('avatar', meta ->> 'avatar_url'));",
      ),
  ],
  [
    'a role among those that may be chosen',
    admins +
      onUsers(
        "insert into public.profiles (id, role) values (new.id, case when meta ->> 'role' in ('buyer', 'seller') then meta ->> 'role' else 'user' end);",
      ),
  ],
  [
    'the name of a new team',
    onUsers(
      `${plain} insert into public.teams (name, slug) values (coalesce(meta ->> 'team_name', 'My team'), new.id::text) returning id into t;
       insert into public.team_users (team_id, user_id, role) values (t, new.id, 'admin');`,
      't uuid;',
    ),
  ],
  [
    'the role that the server wrote, looked up',
    `${onUsers(plain)} create function public.my_role() returns text language sql stable security definer set search_path = '' as
      $$ select raw_app_meta_data ->> 'role' from auth.users where id = auth.uid() $$; -- muse: staff app_metadata.role
     create policy r on public.notes for select to authenticated using (user_id = (select auth.uid()) or (select public.my_role()) = 'admin');`,
  ],
];

const errorsOf = async (sql: string): Promise<Finding[]> => {
  const { findings } = await withSchema(database, base + sql, (session) =>
    verifyIsolation(session, { declarations: [] }),
  );
  return findings.filter(({ severity }) => severity === 'error');
};

describe('what users write about themselves', () => {
  it.each(sampleOf(holes, 3))('%s', async (_, hole, repair) => {
    expect((await errorsOf(hole)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([trusted]);
    expect((await errorsOf(hole + repair)).map(({ message }) => message)).toEqual([]);
  });
  it('a team, looked up', async () => {
    expect((await errorsOf(looked('raw_user_meta_data'))).map(({ rule, object }) => `${rule} ${object}`)).toContain(
      'policy-trusts-user-metadata public.my_team',
    );
    expect((await errorsOf(looked('raw_app_meta_data'))).map(({ message }) => message)).toEqual([]);
  });
  it.each(sampleOf(correct, 3))('correct: %s', async (_, sql) => {
    expect((await errorsOf(sql)).map(({ message }) => message)).toEqual([]);
  });
});
