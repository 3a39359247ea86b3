import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { opened } from './designs.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const uid = '(select auth.uid())';

/** Tenants with members, and what they write there. */
const crews = `
  create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.team_members (team_id uuid not null references public.teams (id), user_id uuid not null references auth.users (id), primary key (team_id, user_id));
  create table public.posts (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), body text not null);
  create function public.my_teams() returns setof uuid language sql stable security definer set search_path = ''
    as 'select team_id from public.team_members where user_id = auth.uid()';
  ${opened('teams', 'select')} ${opened('team_members', 'select')} ${opened('posts', 'select')}
  create policy own on public.teams for select to authenticated using (id in (select public.my_teams()));
  create policy own on public.team_members for select to authenticated using (team_id in (select public.my_teams()));
  create policy own on public.posts for select to authenticated using (team_id in (select public.my_teams()));`;

/** Marks that members put under posts. */
const marks = (using: string): string => `${crews}
  create table public.marks (post_id uuid not null references public.posts (id), user_id uuid not null default auth.uid() references auth.users (id), sign text not null,
    primary key (post_id, user_id));
  ${opened('marks', 'select, delete')}
  create policy reads on public.marks for select to authenticated using (${using});
  create policy ends on public.marks for delete to authenticated using (user_id = ${uid});`;

/** People of whom some are editors, which a trigger holds. */
const people = (guard: string): string => `
  create table public.people (id uuid primary key references auth.users (id), name text, role text not null default 'reader' check (role in ('reader', 'admin')));
  create table public.memos (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), body text not null);
  ${opened('people', 'select, update')} ${opened('memos', 'select')}
  create function public.is_admin() returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.people where id = auth.uid() and role = 'admin') $$;
  create function public.guard() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${guard} return new; end $$;
  create trigger guard before update on public.people for each row execute function public.guard();
  create policy own on public.people to authenticated using (id = ${uid}) with check (id = ${uid});
  create policy own on public.memos for select to authenticated using (user_id = ${uid} or (select public.is_admin()));`;

/** Circles that are entered by a code. */
const circles = (code: string): string => `
  create table public.circles (id uuid primary key default gen_random_uuid(), name text not null, entry text not null unique ${code});
  create table public.circle_members (circle_id uuid not null references public.circles (id), user_id uuid not null references auth.users (id), primary key (circle_id, user_id));
  ${opened('circles', 'select')} ${opened('circle_members', 'select')}
  create function public.my_circles() returns setof uuid language sql stable security definer set search_path = ''
    as 'select circle_id from public.circle_members where user_id = auth.uid()';
  create function public.enter(p_entry text) returns void language sql security definer set search_path = ''
    as 'insert into public.circle_members select id, auth.uid() from public.circles where entry = p_entry on conflict do nothing';
  revoke execute on function public.enter(text) from public, anon; grant execute on function public.enter(text) to authenticated;
  create policy own on public.circles for select to authenticated using (id in (select public.my_circles()));
  create policy own on public.circle_members for select to authenticated using (circle_id in (select public.my_circles()));`;

/** The team that each user has chosen. */
const chosen = (value: string): string => `${crews}
  create table public.choices (user_id uuid primary key references auth.users (id), team_id uuid references public.teams (id), motto text not null);
  ${opened('choices', 'select')}
  create policy own on public.choices for select to authenticated using (user_id = ${uid});
  ${value}`;

const notes = `
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  alter table public.notes enable row level security;`;

/** The caller's own rows, through a view. */
const shown = (option: string): string => `${notes}
  create view public.my_notes as select * from public.notes where user_id = auth.uid() ${option};
  grant select, insert, update, delete on public.my_notes to authenticated;`;

/** A view whose trigger writes the table. */
const replaced = (set: string): string => `${notes} grant select, update on public.notes to authenticated;
  create policy own on public.notes to authenticated using (user_id = ${uid});
  create view public.note_texts with (security_invoker = true) as select id, user_id, body from public.notes; grant select, update on public.note_texts to authenticated;
  create function public.write_note() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin update public.notes set ${set} where id = old.id; return new; end $$;
  create trigger write_note instead of update on public.note_texts for each row execute function public.write_note();`;

const cases: [name: string, hole: string, finds: string, correct: string][] = [
  [
    'what co-members read because they read what it belongs to',
    marks('sign is not null'),
    'isolation-read public.marks',
    marks('exists (select 1 from public.posts p where p.id = post_id)'),
  ],
  [
    'a role that a trigger guards with an error',
    people('if false then raise exception $m$no$m$; end if;'),
    'isolation-write public.people',
    people(
      "if new.role is distinct from old.role and not public.is_admin() then raise exception using errcode = '42501', message = 'no'; end if;",
    ),
  ],
  [
    'a role that a trigger sets back',
    people("if new.name = 'x' then new.role := old.role; end if;"),
    'isolation-write public.people',
    people("if auth.role() is distinct from 'service_role' then new.role := old.role; end if;"),
  ],
  [
    'a code that only chance makes',
    circles(''),
    'isolation-escalation public.enter(text)',
    circles("default encode(extensions.gen_random_bytes(10), 'hex')"),
  ],
  [
    'the key of the own team, which others have as well',
    chosen(`create function public.mottos() returns setof text language sql stable security definer set search_path = ''
      as 'select motto from public.choices';`),
    'isolation-read public.mottos()',
    chosen(`create function public.my_team() returns uuid language sql stable security definer set search_path = ''
      as 'select team_id from public.choices where user_id = auth.uid()';`),
  ],
  ['a view with a CHECK OPTION', shown(''), 'isolation-insert public.my_notes', shown('with check option')],
  [
    'an INSTEAD OF trigger that leaves the owner as it is',
    replaced('body = new.body, user_id = new.user_id'),
    'isolation-reassign public.note_texts',
    replaced('body = new.body'),
  ],
];

describe('what looks like a hole, and is held', () => {
  const errorsOf = async (sql: string): Promise<string[]> =>
    (await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }))).findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, object }) => `${rule} ${object}`);

  it.each(cases)('%s', async (_, hole, finds, correct) => {
    expect(await errorsOf(hole)).toContain(finds);
    expect(await errorsOf(correct)).toEqual([]);
  });
});
