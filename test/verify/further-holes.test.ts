/** Further holes in small schemas, each with the smallest repair, which leaves no error. */
import { describe, expect, it } from 'vitest';
import { callable, mine, owned, seenBy, teams } from './designs.ts';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

/** What is wrong, the schema, the error that must be found, and the repair. */
type Hole = [name: string, sql: string, finds: string, repair: string];

const approves = (who: string): string =>
  `create policy u on public.edges for update to authenticated using (${who}) with check (${who});`;
const follows = `${owned('a')} create table public.edges (who uuid not null default auth.uid() references auth.users (id) on delete cascade,
    whom uuid not null references auth.users (id) on delete cascade, accepted boolean not null default false, primary key (who, whom));
  alter table public.edges enable row level security;
  grant select on public.edges to authenticated; grant insert (whom), update (accepted) on public.edges to authenticated;
  create policy r on public.edges for select to authenticated using ((select auth.uid()) in (who, whom));
  create policy i on public.edges for insert to authenticated with check (who = (select auth.uid()));
  ${seenBy('a', `${mine} or exists (select 1 from public.edges e where e.whom = owner_id and e.who = (select auth.uid()) and e.accepted)`)}`;

const cards = (compared: string): string => `${teams}
  create table public.people (id uuid primary key default auth.uid() references auth.users (id), team_id uuid references public.teams (id));
  create table public.cards (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    team_id uuid references public.teams (id), number text not null);
  alter table public.people enable row level security; alter table public.cards enable row level security;
  grant select on public.people, public.cards to authenticated;
  create policy r on public.people for select to authenticated using (id = (select auth.uid()));
  create policy r on public.cards for select to authenticated using (${mine} or team_id ${compared});`;
const myTeam = '(select p.team_id from public.people p where p.id = (select auth.uid()))';

const orders = (phone: string): string => `
  create table public.orders (id uuid primary key default gen_random_uuid(), phone text, email text, items text not null);
  alter table public.orders enable row level security; grant select on public.orders to authenticated;
  create policy r on public.orders for select to authenticated
    using (email = (select auth.jwt() ->> 'email') or ${phone});`;

const finds = (condition: string): string =>
  callable('public.find(q text)', 'setof text', `select title from public.a where ${condition}`);
const matches = (column: string): string => `to_tsvector('simple', ${column}) @@ websearch_to_tsquery('simple', q)`;

const holes: Record<string, Hole[]> = {
  'keys that are null': [
    [
      'people without a team read what is of no team',
      cards(`is not distinct from ${myTeam}`),
      'isolation-read public.cards',
      `alter policy r on public.cards using (${mine} or team_id = ${myTeam});`,
    ],
    [
      'people without a phone read what is for no phone, and names an address',
      orders(`phone is not distinct from (select auth.jwt() ->> 'phone')`),
      'isolation-read public.orders',
      `alter policy r on public.orders using (email = (select auth.jwt() ->> 'email') or phone = (select auth.jwt() ->> 'phone'));`,
    ],
  ],
  'columns that users may not choose': [
    [
      'who asks to follow accepts that',
      `${follows} ${approves('(select auth.uid()) in (who, whom)')}`,
      'isolation-escalation public.edges',
      `drop policy u on public.edges; ${approves('whom = (select auth.uid())')}`,
    ],
  ],
  'texts that are empty by default': [
    [
      'a search that finds the bodies of all',
      `${owned('a', "body text not null default ''")} ${finds(`owner_id = auth.uid() and ${matches('title')} or ${matches('body')}`)}`,
      'isolation-read public.find(text)',
      finds(`owner_id = auth.uid() and (${matches('title')} or ${matches('body')})`),
    ],
  ],
};

describe.each(Object.entries(holes))('%s', (_, cases) => {
  it.each(cases)('%s', async (_name, sql, finds, repair) => {
    expect(await prove(sql)).toContain(finds);
    expect(await prove(`${sql};\n${repair}`)).toEqual([]);
  });
});
