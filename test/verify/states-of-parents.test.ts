/** Rows that go below what is another's where that is in a state of its own: a list that is not locked, a sprint that has started. */
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

interface Update {
  using: string;
  check: string;
}

/** What a user owns, in a state by default in which nothing is put below it; and what belongs to it. */
const owned = (
  [parent, child, state, open]: readonly [parent: string, child: string, state: string, open: string],
  { using, check }: Update,
  insert = 'public.is_mine(parent_id) and public.is_open(parent_id)',
): string => `
  create table public.${parent} (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, name text not null, ${state});
  create table public.${child} (id uuid primary key default gen_random_uuid(),
    parent_id uuid not null references public.${parent} (id) on delete cascade, body text not null);
  create index on public.${parent} (owner_id); create index on public.${child} (parent_id);
  alter table public.${parent} enable row level security; alter table public.${child} enable row level security;
  create function public.is_mine(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.${parent} where id = p and owner_id = auth.uid()) $$;
  create function public.is_open(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.${parent} where id = p and ${open}) $$;
  create policy a on public.${parent} for all to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
  create policy s on public.${child} for select to authenticated using (public.is_mine(parent_id));
  create policy i on public.${child} for insert to authenticated with check (${insert});
  create policy u on public.${child} for update to authenticated using (${using}) with check (${check});
  grant select, insert, update, delete on public.${parent} to authenticated;
  grant select, insert, update on public.${child} to authenticated;`;
const mine = 'public.is_mine(parent_id)';
const open = 'public.is_open(parent_id)';

const lists = ['lists', 'items', 'locked boolean not null default true', 'not locked'] as const;
const budgets = [
  'budgets',
  'entries',
  "status text not null default 'planned' check (status in ('planned', 'running', 'closed'))",
  "status = 'running'",
] as const;
const courses = ['courses', 'lessons', 'published_at timestamptz', 'published_at is not null'] as const;

const sprints = (check: string): string => `
  create table public.teams (id bigint generated always as identity primary key, name text not null);
  create table public.team_members (team_id bigint not null references public.teams (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (team_id, user_id));
  create table public.sprints (id bigint generated always as identity primary key,
    team_id bigint not null references public.teams (id) on delete cascade, name text not null, started boolean not null default false);
  create table public.tickets (id bigint generated always as identity primary key,
    sprint_id bigint not null references public.sprints (id) on delete cascade, title text not null);
  create index on public.team_members (user_id); create index on public.sprints (team_id); create index on public.tickets (sprint_id);
  alter table public.teams enable row level security; alter table public.team_members enable row level security;
  alter table public.sprints enable row level security; alter table public.tickets enable row level security;
  create function public.my_teams() returns setof bigint language sql stable security definer set search_path = '' as
    $$ select team_id from public.team_members where user_id = auth.uid() $$;
  create function public.has_started(s bigint) returns boolean language plpgsql stable security definer set search_path = '' as
    $$ begin return exists (select 1 from public.sprints where id = s and started); end $$;
  create function public.is_ours(s bigint) returns boolean language plpgsql stable security definer set search_path = '' as
    $$ begin return exists (select 1 from public.sprints where id = s and team_id in (select public.my_teams())); end $$;
  create policy s on public.teams for select to authenticated using (id in (select public.my_teams()));
  create policy s on public.team_members for select to authenticated using (team_id in (select public.my_teams()));
  create policy a on public.sprints for all to authenticated
    using (team_id in (select public.my_teams())) with check (team_id in (select public.my_teams()));
  create policy s on public.tickets for select to authenticated using (public.is_ours(sprint_id));
  create policy i on public.tickets for insert to authenticated with check (public.is_ours(sprint_id) and public.has_started(sprint_id));
  create policy u on public.tickets for update to authenticated using (public.is_ours(sprint_id)) with check (${check});
  grant select on public.teams, public.team_members to authenticated;
  grant select, insert, update, delete on public.sprints to authenticated; grant select, insert, update on public.tickets to authenticated;`;

const pairs: Pair[] = [
  [
    "one's own row is moved below what is another's",
    owned(lists, { using: mine, check: `${mine} and ${open}` }),
    owned(lists, { using: mine, check: open }),
    'isolation-reassign public.items',
  ],
  [
    'a status that is neither the first nor the last',
    owned(budgets, { using: `${mine} and ${open}`, check: `${mine} and ${open}` }),
    owned(budgets, { using: `${mine} and ${open}`, check: open }),
    'isolation-reassign public.entries',
  ],
  [
    "another's row is taken",
    owned(budgets, { using: `${mine} and ${open}`, check: `${mine} and ${open}` }),
    owned(budgets, { using: open, check: `${mine} and ${open}` }),
    'isolation-reassign public.entries',
  ],
  [
    'a time that is set',
    owned(courses, { using: mine, check: `${mine} and ${open}` }),
    owned(courses, { using: mine, check: open }),
    'isolation-reassign public.lessons',
  ],
  [
    'a row is added',
    owned(courses, { using: mine, check: `${mine} and ${open}` }),
    owned(courses, { using: mine, check: `${mine} and ${open}` }, open),
    'isolation-insert public.lessons',
  ],
  [
    "an organization's, asked in PL/pgSQL",
    sprints('public.is_ours(sprint_id) and public.has_started(sprint_id)'),
    sprints('public.has_started(sprint_id)'),
    'isolation-reassign public.tickets',
  ],
];
testPairs(pairs);
