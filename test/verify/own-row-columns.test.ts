/** Whose rows are is told by a row of the user's own: a club in the profile, a person in the table of logins; asked in line or by helpers. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

/** An app of clubs, or a list of plans, that users have in their profiles. */
interface Profiles {
  /** The helper that is asked, if any. */
  helper?: string;
  /** The condition of the rows. */
  asked: string;
  /** Who reads them, if it is not that. */
  readers?: string;
  /** Who reads the clubs. */
  list?: string;
  /** Nobody adds rows. */
  isReadOnly?: true;
}

const profiles = ({ helper = '', asked, readers = asked, list = 'true', isReadOnly }: Profiles): string => `
  create table public.clubs (id bigint generated always as identity primary key, name text not null);
  create table public.profiles (
    id uuid primary key references auth.users (id) on delete cascade, club_id bigint references public.clubs (id), name text);
  create index on public.profiles (club_id);
  create table public.meetings (
    id uuid primary key default gen_random_uuid(), club_id bigint not null references public.clubs (id), title text not null);
  create index on public.meetings (club_id);
  ${helper}
  alter table public.clubs enable row level security; alter table public.profiles enable row level security;
  alter table public.meetings enable row level security;
  create policy s on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy u on public.profiles for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create policy s on public.clubs for select to authenticated using (${list});
  create policy s on public.meetings for select to authenticated using (${readers});
  ${isReadOnly ? '' : `create policy i on public.meetings for insert to authenticated with check (${asked});`}
  grant select on public.clubs, public.profiles to authenticated; grant update (name) on public.profiles to authenticated;
  grant select, insert on public.meetings to authenticated;`;

const helper = (body: string, argument = 'c'): string =>
  `create function public.is_in(${argument} bigint) returns boolean language sql stable security definer set search_path = '' as $$ ${body} $$;`;
const exists = helper('select exists (select 1 from public.profiles p where p.id = auth.uid() and p.club_id = c)');
const named = helper(
  'select exists (select 1 from public.profiles p where p.id = auth.uid() and p.club_id = is_in.club_id)',
  'club_id',
);
const twoSteps = `
  create function public.mine() returns bigint language sql stable security definer set search_path = '' as
    $$ select club_id from public.profiles where id = auth.uid() $$;
  ${helper('select c = public.mine()')}`;
const byVariable = `
  create function public.is_in(c bigint) returns boolean language plpgsql stable security definer set search_path = '' as
    $$ declare mine bigint; begin select club_id into mine from public.profiles where id = auth.uid(); return c = mine; end $$;`;
const byHelper = 'public.is_in(club_id)';
const inLine =
  'exists (select 1 from public.profiles p where p.id = (select auth.uid()) and p.club_id = meetings.club_id)';
const ofList = { asked: byHelper, list: 'public.is_in(id)' };

/** People with keys of their own, whose users another table names, and what they write down. */
const people = (asked: string, readers = asked, writers = asked): string => `
  create table public.people (id bigint generated always as identity primary key, name text not null);
  create table public.logins (
    person_id bigint not null unique references public.people (id), profile_id uuid primary key references auth.users (id) on delete cascade);
  create table public.todos (
    id uuid primary key default gen_random_uuid(), user_id bigint not null references public.people (id), title text not null);
  create index on public.todos (user_id);
  create function public.me() returns bigint language sql stable security definer set search_path = '' as
    $$ select person_id from public.logins where profile_id = auth.uid() $$;
  create function public.is_me(u bigint) returns boolean language plpgsql stable security definer set search_path = '' as
    $$ declare mine bigint; begin select person_id into mine from public.logins where profile_id = auth.uid(); return u = mine; end $$;
  alter table public.people enable row level security; alter table public.logins enable row level security;
  alter table public.todos enable row level security;
  create policy s on public.logins for select to authenticated using (profile_id = (select auth.uid()));
  create policy s on public.people for select to authenticated using (id = (select public.me()));
  create policy s on public.todos for select to authenticated using (${readers});
  create policy i on public.todos for insert to authenticated with check (${writers});
  grant select on public.people, public.logins to authenticated; grant select, insert on public.todos to authenticated;`;
const isMe = 'public.is_me(user_id)';
const equalsMe = 'user_id = (select public.me())';
/** The same without the key that lets a person have one login only: those who share it are one. */
const sharing = (sql: string): string => sql.replace('not null unique references', 'not null references');

/** People whom everyone may see, and who say themselves which user they are. */
const known = (sql: string): string =>
  sql
    .replace('create table public.people (', '-- muse: public-read\n  create table public.people (')
    .replace(
      'for select to authenticated using (id = (select public.me()))',
      'for select to authenticated using (true)',
    );
const byThemselves = (sql: string): string =>
  sql
    .replace(
      'primary key, name text not null);',
      'primary key, auth_id uuid not null unique references auth.users (id), name text not null);',
    )
    .replace(
      'select person_id from public.logins where profile_id = auth.uid()',
      'select id from public.people where auth_id = auth.uid()',
    );

/** Picks of people in a draft, the last of which a captain clears. */
const draft = (asked: string): string => `${known(people(equalsMe))}
  -- muse: public-read
  create table public.drafts (id bigint generated always as identity primary key, name text not null);
  -- muse: public-read
  create table public.captains (
    draft_id bigint references public.drafts (id), person_id bigint references public.people (id), primary key (draft_id, person_id));
  create index on public.captains (person_id);
  -- muse: public-read
  create table public.picks (
    draft_id bigint not null references public.drafts (id), user_id bigint not null references public.people (id), number int not null,
    card text, primary key (draft_id, number));
  create index on public.picks (user_id);
  alter table public.drafts enable row level security; alter table public.captains enable row level security;
  alter table public.picks enable row level security;
  create policy s on public.drafts for select to authenticated using (true);
  create policy s on public.captains for select to authenticated using (true);
  create policy s on public.picks for select to authenticated using (true);
  grant select on public.drafts, public.captains, public.picks to authenticated;
  create function public.take_back(d bigint) returns void language plpgsql security definer set search_path = '' as $$
    declare n int; begin
      if not exists (select 1 from public.captains c where ${asked} c.draft_id = d) then raise exception 'not a captain'; end if;
      select p.number into n from public.picks p where p.draft_id = d and p.card is not null order by p.number desc limit 1;
      update public.picks set card = null where draft_id = d and number = n;
    end $$;`;

const todosOf = (whose: string): string => `
  create function public.todos_of(p bigint) returns setof public.todos language sql stable security definer set search_path = '' as
    $$ select * from public.todos where user_id = ${whose} $$;`;

const pairs: Pair[] = [
  ...(
    [
      ['a query in the helper', exists],
      ['an argument by its name', named],
      ['a helper of a helper', twoSteps],
      ['a variable', byVariable],
    ] as const
  ).map(([name, sql]): Pair => [
    `a club by ${name}`,
    profiles({ helper: sql, ...ofList }),
    profiles({ helper: sql, ...ofList, readers: 'true' }),
    'isolation-read public.meetings',
  ]),
  [
    'a helper that asks for the row of anyone',
    profiles({ helper: exists, ...ofList }),
    profiles({ helper: exists.replace('p.id = auth.uid() and ', ''), ...ofList }),
    'isolation-read public.meetings',
  ],
  [
    'a helper that compares a column with itself',
    profiles({ helper: named, ...ofList }),
    profiles({ helper: named.replace('is_in.club_id', 'club_id'), ...ofList }),
    'isolation-read public.meetings',
  ],
  [
    'a list that everyone reads, and users choose from',
    profiles({ asked: inLine, isReadOnly: true }),
    `${profiles({ asked: inLine, isReadOnly: true })} grant update (club_id) on public.profiles to authenticated;`,
    'isolation-escalation public.profiles',
  ],
  [
    'a list that everyone reads, and writes',
    profiles({ helper: exists, asked: byHelper, isReadOnly: true }),
    `${profiles({ helper: exists, asked: byHelper, isReadOnly: true })}
      create policy w on public.clubs for update to authenticated using (true); grant update on public.clubs to authenticated;`,
    'isolation-write public.clubs',
  ],
  [
    'clubs that everyone reads',
    profiles({ helper: exists, ...ofList }),
    profiles({ helper: exists, asked: byHelper }),
    'isolation-read public.clubs',
  ],
  [
    'rows of people: a helper gives the person',
    people(equalsMe),
    people(equalsMe, 'true'),
    'isolation-read public.todos',
  ],
  ['rows of people: a helper is given the person', people(isMe), people(isMe, 'true'), 'isolation-read public.todos'],
  ['rows of people: another writes', people(isMe), people(isMe, isMe, 'true'), 'isolation-insert public.todos'],
  [
    'rows of people whom everyone sees',
    known(people(equalsMe)),
    known(people(equalsMe, 'true')),
    'isolation-read public.todos',
  ],
  [
    'rows of people whom everyone sees, with a user of their own',
    byThemselves(known(people(equalsMe))),
    byThemselves(known(people(equalsMe, 'true'))),
    'isolation-read public.todos',
  ],
  [
    'rows of people that their captain changes',
    draft('c.person_id = public.me() and'),
    draft(''),
    'isolation-write public.take_back(bigint)',
  ],
  [
    'rows of people: a function',
    `${people(isMe)} ${todosOf('p and public.is_me(p)')}`,
    `${people(isMe)} ${todosOf('p')}`,
    'isolation-read public.todos_of(bigint)',
  ],
  [
    'rows of people who share a login: one joins them',
    sharing(people(isMe)),
    `${sharing(people(isMe))}
      create policy j on public.logins for insert to authenticated with check (profile_id = (select auth.uid()));
      grant insert on public.logins to authenticated;`,
    'isolation-escalation public.logins',
  ],
];

describe('a row of the user’s own says what others are theirs', () => {
  testPairs(pairs);
});
