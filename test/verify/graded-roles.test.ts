/** Members whose role is a number: a level, or a permission for each of its bits. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

interface Teams {
  /** The column of the number, and what a helper asks of it for the number `n`. */
  column: string;
  asks: string;
  /** What is asked for reading, writing, and managing members. */
  numbers: readonly [read: number, write: number, manage: number];
}

const teams = ({ column, asks, numbers: [read, write, manage] }: Teams): string => `
  create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.team_members (team_id uuid not null references public.teams (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, ${column}, nickname text, primary key (team_id, user_id));
  create table public.files (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade,
    name text not null);
  create index on public.team_members (user_id); create index on public.files (team_id);
  create schema private; grant usage on schema private to authenticated;
  create function private.can(t uuid, n int) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.team_members where team_id = t and user_id = auth.uid() and ${asks}) $$;
  alter table public.teams enable row level security; alter table public.team_members enable row level security;
  alter table public.files enable row level security;
  create policy s on public.teams for select to authenticated using (private.can(id, ${read}));
  create policy s on public.team_members for select to authenticated using (private.can(team_id, ${read}));
  create policy i on public.team_members for insert to authenticated with check (private.can(team_id, ${manage}));
  create policy u on public.team_members for update to authenticated using (private.can(team_id, ${manage})) with check (private.can(team_id, ${manage}));
  create policy s on public.files for select to authenticated using (private.can(team_id, ${read}));
  create policy i on public.files for insert to authenticated with check (private.can(team_id, ${write}));
  create policy u on public.files for update to authenticated using (private.can(team_id, ${write})) with check (private.can(team_id, ${write}));
  create policy d on public.files for delete to authenticated using (private.can(team_id, ${manage}));
  grant select on public.teams to authenticated; grant select, insert, update on public.team_members to authenticated;
  grant select, insert, update, delete on public.files to authenticated;`;

const bits = teams({ column: 'perms int not null default 1', asks: 'perms & n > 0', numbers: [1, 2, 8] });
const mask = teams({ column: 'rights bigint not null default 1', asks: '(rights & n) = n', numbers: [1, 4, 16] });
const levels = teams({ column: 'level smallint not null default 1', asks: 'level >= n', numbers: [1, 2, 3] });
const ranks = teams({ column: 'rank int not null default 10', asks: 'n < rank', numbers: [0, 20, 50] });

/** Who is a member changes its own row. */
const ownRow = (sql: string): string => `${sql} create policy own on public.team_members for update to authenticated
  using (user_id = ${me}) with check (user_id = ${me});`;
const asksLess = (sql: string, number: number, less: number): string =>
  sql.replaceAll(new RegExp(`(create policy [iu] on public.team_members .*)`, 'g'), (policy) =>
    policy.replaceAll(`team_id, ${number})`, `team_id, ${less})`),
  );

const pairs: Pair[] = [
  ['a member gives itself bits', bits, ownRow(bits), 'isolation-write public.team_members'],
  ['a member gives itself all of a mask', mask, ownRow(mask), 'isolation-write public.team_members'],
  ['a member gives itself a level', levels, ownRow(levels), 'isolation-write public.team_members'],
  ['a member gives itself a rank', ranks, ownRow(ranks), 'isolation-write public.team_members'],
  ['any member adds members, by a bit', bits, asksLess(bits, 8, 1), 'isolation-insert public.team_members'],
  ['any member adds members, by a level', levels, asksLess(levels, 3, 1), 'isolation-insert public.team_members'],
  [
    'a member of any team, by a bit',
    bits,
    bits.replace('where team_id = t and user_id', 'where user_id'),
    'isolation-write public.files',
  ],
  [
    'a member changes its name there',
    `${ownRow(levels)} revoke update on public.team_members from authenticated; grant update (nickname) on public.team_members to authenticated;`,
    `${ownRow(levels)} revoke update on public.team_members from authenticated; grant update (nickname, level) on public.team_members to authenticated;`,
    'isolation-write public.team_members',
  ],
];

describe('members whose role is a number', () => {
  testPairs(pairs);
});
