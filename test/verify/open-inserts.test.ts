/** New rows that policies let through no matter whose they are, each with the smallest repair, which leaves no error. */
import { describe, expect, it } from 'vitest';
import { mine, ofTeams, owned } from './designs.ts';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

/** What is wrong, the schema, the errors that must be found, and the repair. */
type Hole = [name: string, sql: string, finds: string[], repair: string];

const adds = (table: string, check: string, to = 'authenticated'): string =>
  `alter policy i on public.${table} to ${to} with check (${check});`;

/** Rows that visitors may add as well, in nobody's name or not at all. */
const reports = (check: string): string => `create table public.reports (id uuid primary key default gen_random_uuid(),
    owner_id uuid references auth.users (id) on delete cascade, body text not null);
  create index on public.reports (owner_id); alter table public.reports enable row level security;
  grant select, insert on public.reports to authenticated; grant insert on public.reports to anon;
  create policy r on public.reports for select to authenticated using (${mine});
  create policy i on public.reports for insert to authenticated, anon with check (${check});`;

/** People with a table of their own, whose key the application gives, and rows that belong to them. */
const parts = (check: string): string => `create table public.people (id uuid primary key, name text);
  create table public.bits (id uuid primary key default gen_random_uuid(), person_id uuid references public.people (id) on delete cascade, body text);
  create index on public.bits (person_id);
  alter table public.people enable row level security; alter table public.bits enable row level security;
  grant select, insert on public.people, public.bits to authenticated;
  create policy r on public.people for select to authenticated using (id = (select auth.uid()));
  create policy i on public.people for insert to authenticated with check (id = (select auth.uid()));
  create policy r on public.bits for select to authenticated using (person_id = (select auth.uid()));
  create policy i on public.bits for insert to authenticated with check (${check});`;

/** What the muse itself keeps for everyone, such as terms of a glossary. */
const terms = (check: string): string => `-- muse: public-read
  create table public.terms (id uuid primary key default gen_random_uuid(), word text not null, status text not null default 'open');
  alter table public.terms enable row level security; grant select, insert on public.terms to authenticated;
  create policy r on public.terms for select to authenticated using (true);
  create policy i on public.terms for insert to authenticated with check (${check});`;
const isStaff = `(select auth.jwt() -> 'app_metadata' ->> 'role') = 'staff'`;

/** Chats of two, and what is written in them; `more` reads the messages as well. */
const chats = (
  check: string,
  more: string,
): string => `create table public.chats (id uuid primary key default gen_random_uuid(),
    one uuid not null references auth.users (id) on delete cascade, two uuid not null references auth.users (id) on delete cascade,
    changed_at timestamptz not null default now());
  create table public.lines (id uuid primary key default gen_random_uuid(), chat_id uuid not null references public.chats (id) on delete cascade,
    author_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.chats (one); create index on public.chats (two); create index on public.lines (chat_id); create index on public.lines (author_id);
  alter table public.chats enable row level security; alter table public.lines enable row level security;
  grant select on public.chats to authenticated; grant select, insert on public.lines to authenticated;
  create policy r on public.chats for select to authenticated using ((select auth.uid()) in (one, two));
  create policy r on public.lines for select to authenticated using (chat_id in (select c.id from public.chats c where (select auth.uid()) in (c.one, c.two)));
  create policy i on public.lines for insert to authenticated with check (${check}); ${more}`;
const isAuthor = 'author_id = (select auth.uid())';
const isInChat = 'chat_id in (select c.id from public.chats c where (select auth.uid()) in (c.one, c.two))';
const touches = `create function public.touch() returns trigger language plpgsql security definer set search_path = '' as
    $$ begin update public.chats set changed_at = now() where id = new.chat_id; return new; end $$; revoke all on function public.touch() from public, anon, authenticated;
  create trigger touch after insert on public.lines for each row execute function public.touch();`;
const files = `create table public.files (id uuid primary key default gen_random_uuid(), line_id uuid not null references public.lines (id) on delete cascade, path text not null unique);
  create index on public.files (line_id); alter table public.files enable row level security; grant select on public.files to authenticated;
  create policy r on public.files for select to authenticated using (line_id in (select l.id from public.lines l));
  create table public.scans (path text primary key, result text not null); alter table public.scans enable row level security; grant select on public.scans to authenticated;
  create policy r on public.scans for select to authenticated
    using (exists (select 1 from public.files f join public.lines l on l.id = f.line_id where f.path = scans.path));`;

const holes: Record<string, Hole[]> = {
  'a state in place of whose the row is': [
    [
      'an old row',
      `${owned('a', 'created_at timestamptz not null default now()')} ${adds('a', `${mine} or created_at < now() - interval '30 days'`)}`,
      ['isolation-insert public.a'],
      adds('a', `${mine} and (created_at < now() - interval '30 days' or title <> '')`),
    ],
    [
      'a draft, by a policy of its own',
      `${owned('a', "status text not null default 'live'")} create policy drafts on public.a for insert to authenticated with check (status = 'draft');`,
      ['isolation-insert public.a'],
      `alter policy drafts on public.a with check (status = 'draft' and ${mine});`,
    ],
    [
      'a flag, in a row of a team',
      `${ofTeams('a', 'team_id in (select private.my_teams())')} alter table public.a add column is_public boolean not null default false;
        ${adds('a', 'team_id in (select private.my_teams()) or is_public')}`,
      ['isolation-insert public.a'],
      adds('a', 'team_id in (select private.my_teams()) and (is_public or title is not null)'),
    ],
    [
      'a text, by a visitor',
      `${owned('a', "kind text not null default 'own'")} grant insert on public.a to anon; ${adds('a', `${mine} or kind = 'guest'`, 'authenticated, anon')}`,
      ['anon-write public.a', 'isolation-insert public.a'],
      adds('a', mine, 'authenticated, anon'),
    ],
    [
      'a text, where rows are nobody’s',
      terms(`${isStaff} or status = 'proposed'`),
      ['isolation-insert public.terms'],
      adds('terms', `${isStaff} and status in ('proposed', 'open')`),
    ],
  ],
  'a visitor in place of nobody': [
    [
      'nobody is who the visitor is',
      reports('owner_id is not distinct from (select auth.uid())'),
      ['anon-write public.reports'],
      adds('reports', mine, 'authenticated, anon'),
    ],
    [
      'or nobody',
      reports(`${mine} or owner_id is null`),
      ['anon-write public.reports'],
      adds('reports', `${mine} or owner_id is null and (select auth.uid()) is not null`, 'authenticated, anon'),
    ],
  ],
  'below a chat that the writer is not in': [
    [
      'a trigger notes when it was last written in',
      chats(isAuthor, touches),
      ['isolation-insert public.lines'],
      adds('lines', `${isAuthor} and ${isInChat}`),
    ],
    [
      'other tables ask what was written there',
      chats(isAuthor, files),
      ['isolation-insert public.lines'],
      adds('lines', `${isAuthor} and ${isInChat}`),
    ],
  ],
  'the key of the row in place of whose it is': [
    [
      'below people of the muse',
      parts('id = (select auth.uid())'),
      ['isolation-insert public.bits'],
      adds('bits', 'id = (select auth.uid()) and person_id = (select auth.uid())'),
    ],
  ],
};

describe.each(Object.entries(holes))('%s', (_, cases) => {
  it.each(cases)('%s', async (_name, sql, finds, repair) => {
    expect(await prove(sql)).toEqual(finds);
    expect(await prove(`${sql};\n${repair}`)).toEqual([]);
  });
});
