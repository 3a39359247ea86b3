import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { callable, ofTeams, ours } from './designs.ts';
import { models } from './models.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const me = '(select auth.uid())';
const rooms = models.get('chat-rooms')!;
const documents = models.get('shared-documents')!;

/** A project that is shared with others, who work on its tasks as much as the one who shares it. */
const projects = `
  create schema private; grant usage on schema private to authenticated;
  create table public.projects (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), name text not null);
  create table public.project_people (project_id uuid not null references public.projects (id), user_id uuid not null references auth.users (id), accepted boolean not null default false, primary key (project_id, user_id));
  create table public.tasks (id uuid primary key default gen_random_uuid(), project_id uuid not null references public.projects (id), title text not null);
  create function private.owns(project uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.projects where id = project and owner_id = ${me}) $$;
  create function private.works_on(project uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select private.owns(project) or exists (select 1 from public.project_people where project_id = project and user_id = ${me} and accepted) $$;
  revoke execute on all functions in schema private from public; grant execute on all functions in schema private to authenticated;
  alter table public.projects enable row level security; alter table public.project_people enable row level security; alter table public.tasks enable row level security;
  create policy read on public.projects for select to authenticated using (owner_id = ${me} or private.works_on(id));
  create policy add on public.projects for insert to authenticated with check (owner_id = ${me});
  create policy change on public.projects for update to authenticated using (private.works_on(id)) with check (private.works_on(id));
  create policy read on public.project_people for select to authenticated using (user_id = ${me} or private.works_on(project_id));
  create policy invite on public.project_people for insert to authenticated with check (private.owns(project_id) and not accepted);
  create policy accept on public.project_people for update to authenticated using (user_id = ${me}) with check (user_id = ${me});
  create policy work on public.tasks to authenticated using (private.works_on(project_id)) with check (private.works_on(project_id));
  grant select, insert on public.projects, public.project_people to authenticated; grant update (name) on public.projects to authenticated;
  grant update (accepted) on public.project_people to authenticated; grant select, insert, update, delete on public.tasks to authenticated;`;

/** The same, where an invitation need not be accepted. */
const atOnce = projects
  .replace('accepted boolean not null default false', 'accepted boolean not null default true')
  .replace(' and not accepted', '');

/** Chats that nobody owns: anyone who is in one asks others in. */
const chats = `
  create schema private; grant usage on schema private to authenticated;
  create table public.chats (id uuid primary key default gen_random_uuid(), name text);
  create table public.chat_people (chat_id uuid references public.chats (id), user_id uuid references auth.users (id), primary key (chat_id, user_id));
  create table public.lines (id uuid primary key default gen_random_uuid(), chat_id uuid not null references public.chats (id), user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create function private.mine() returns setof uuid language sql stable security definer set search_path = '' as $$ select chat_id from public.chat_people where user_id = ${me} $$;
  revoke execute on function private.mine() from public; grant execute on function private.mine() to authenticated;
  alter table public.chats enable row level security; alter table public.chat_people enable row level security; alter table public.lines enable row level security;
  create policy read on public.chats for select to authenticated using (id in (select private.mine()));
  create policy rename on public.chats for update to authenticated using (id in (select private.mine())) with check (id in (select private.mine()));
  create policy read on public.chat_people for select to authenticated using (chat_id in (select private.mine()));
  create policy invite on public.chat_people for insert to authenticated with check (chat_id in (select private.mine()));
  create policy leave on public.chat_people for delete to authenticated using (user_id = ${me});
  create policy read on public.lines for select to authenticated using (chat_id in (select private.mine()));
  create policy say on public.lines for insert to authenticated with check (user_id = ${me} and chat_id in (select private.mine()));
  create policy unsay on public.lines for delete to authenticated using (user_id = ${me});
  grant select, update on public.chats to authenticated; grant select, insert, delete on public.chat_people, public.lines to authenticated;`;

/** What visitors ask a team for: a visitor's row has the keys of the team and its listing. */
const showings = `${ofTeams('listings', ours)}
  create table public.showings (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), listing_id uuid not null references public.listings (id), agent_id uuid references auth.users (id), visitor_id uuid references auth.users (id), note text not null);
  alter table public.showings enable row level security;
  create policy read on public.showings for select to authenticated using (visitor_id = ${me} or ${ours});
  grant select on public.showings to authenticated;`;

/** Each is a mistake, and the whole is correct without it. */
const mistakes: { name: string; schema: string; sql: string; finds: string[]; says: RegExp }[] = [
  {
    name: 'a member of a chat deletes what others wrote there',
    schema: rooms,
    sql: 'alter policy messages_take_back on public.messages using (room_id in (select private.my_rooms()))',
    finds: ['warning isolation-write public.messages'],
    says: /guest deletes it.*Policy messages_take_back lets it\..*muse: ignore isolation-write/s,
  },
  {
    name: 'a member of a chat writes there as another',
    schema: rooms,
    sql: 'alter policy messages_send on public.messages with check (room_id in (select private.my_rooms()))',
    finds: ['warning isolation-insert public.messages'],
    says: /guest inserts rows as another user/,
  },
  {
    name: 'a member of a chat throws others out',
    schema: rooms,
    sql: 'alter policy members_leave on public.room_members using (room_id in (select private.my_rooms()))',
    finds: ['warning isolation-write public.room_members'],
    says: /guest deletes it/,
  },
  {
    name: 'who may read a document gives itself the right to write',
    schema: documents,
    sql: `create policy accept on public.document_shares for update to authenticated using (user_id = ${me}) with check (user_id = ${me})`,
    finds: ['error isolation-escalation public.document_shares'],
    says: /A guest changes its own row of public\.document_shares, then changes rows of public\.documents/,
  },
  {
    name: 'anyone joins any chat',
    schema: chats,
    sql: `alter policy invite on public.chat_people with check (user_id = ${me})`,
    finds: ['error isolation-escalation public.chat_people'],
    says: /A stranger adds itself to public\.chat_people, then reads/,
  },
  {
    name: 'anyone joins any chat on a day to come',
    schema: chats,
    sql: "alter policy invite on public.chat_people with check (chat_id in (select private.mine()) or now() > timestamptz '2227-03-01')",
    finds: ['error isolation-insert public.chat_people'],
    says: /on 2227-03-01\): other, newcomer adds itself to rows of others/,
  },
  {
    name: 'a visitor lists the listings of a team',
    schema: showings,
    sql: callable(
      'public.near()',
      'setof uuid',
      `select l.id from public.listings l join public.showings s using (team_id) where s.visitor_id = ${me}`,
    ),
    finds: ['error isolation-read public.near()'],
    says: /returns rows of/,
  },
  {
    name: 'a member of a project deletes it',
    schema: atOnce,
    sql: 'create policy remove on public.projects for delete to authenticated using (private.works_on(id)); grant delete on public.projects to authenticated',
    finds: ['warning isolation-write public.projects'],
    says: /guest deletes it/,
  },
];

describe('a guest in what is another’s', () => {
  it.each(sampleOf(mistakes, 3))('$name', async ({ schema, sql, finds, says }) => {
    const found = await findingsOf(`${schema};\n${sql}`);
    expect(found.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`)).toEqual(finds);
    expect(found.map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n')).toMatch(says);
  });

  it.each([
    ['works on a project once it has accepted', projects],
    ['works on a project at once', atOnce],
    ['leaves a room, and reads what is in it', rooms],
    ['reads a document, and comments on it', documents],
    ['is in a chat that nobody owns, and asks others in', chats],
    [
      'asks for a showing, and lists its own',
      `${showings} create function public.my_showings() returns setof public.showings language sql stable set search_path = '' as $$ select * from public.showings where visitor_id = ${me} $$`,
    ],
    [
      'is no moderator of the room',
      `${rooms}; alter table public.room_members add column role text not null check (role in ('moderator', 'member'));
      create function private.moderates() returns setof uuid language sql stable security definer set search_path = '' as $$ select room_id from public.room_members where user_id = ${me} and role = 'moderator' $$;
      grant execute on function private.moderates() to authenticated;
      create policy moderate on public.messages for delete to authenticated using (room_id in (select private.moderates()))`,
    ],
    [
      'has left the room, and lists what it wrote there',
      `${rooms}; create function public.my_messages() returns setof public.messages language sql stable security definer set search_path = '' as $$ select * from public.messages where sender_id = ${me} $$;
      revoke execute on function public.my_messages() from public, anon; grant execute on function public.my_messages() to authenticated`,
    ],
  ])('%s', async (_, sql) => {
    expect(await findingsOf(sql)).toEqual([]);
  });
});

function findingsOf(
  sql: string,
): Promise<readonly { severity: string; rule: string; object?: string; message: string; suggestion: string }[]> {
  return withSchema(database, sql, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);
}
