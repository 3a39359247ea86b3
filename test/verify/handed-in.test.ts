/** Forms that are open, which anyone answers without an account: a helper asks whether they are, and their owners alone read the answers. */
import { expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const me = '(select auth.uid())';

interface Form {
  table: string;
  state: string;
  /** The body of the helper that says whether the form is open. */
  open: string;
  language?: string;
  read?: string;
  add?: string;
  /** The roles of each policy to add an answer. */
  roles?: readonly string[];
}

const form = ({
  table,
  state,
  open,
  language = 'sql',
  read = 'public.is_mine(form_id)',
  add = 'public.is_open(form_id)',
  roles = ['anon, authenticated'],
}: Form): string => `
  create table public.${table} (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null, ${state});
  create table public.answers (id uuid primary key default gen_random_uuid(),
    form_id uuid not null references public.${table} (id) on delete cascade, email text, body text not null);
  create index on public.${table} (owner_id); create index on public.answers (form_id);
  alter table public.${table} enable row level security; alter table public.answers enable row level security;
  create function public.is_open(f uuid) returns boolean language ${language} stable security definer set search_path = '' as $$ ${open} $$;
  create function public.is_mine(f uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.${table} where id = f and owner_id = auth.uid()) $$;
  create policy a on public.${table} for all to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
  create policy s on public.answers for select to authenticated using (${read});
  ${roles.map((role, at) => `create policy i${at || ''} on public.answers for insert to ${role} with check (${add});`).join(' ')}
  grant select, insert, update, delete on public.${table} to authenticated;
  grant select on public.answers to authenticated; grant insert on public.answers to anon, authenticated;`;

const forms: Form = {
  table: 'forms',
  state: 'published boolean not null default false',
  open: 'select exists (select 1 from public.forms where id = f and published)',
};
const polls: Form = {
  table: 'polls',
  state: "status text not null default 'open' check (status in ('draft', 'open', 'closed'))",
  open: "begin return exists (select 1 from public.polls p where p.id = f and p.status = 'open'); end",
  language: 'plpgsql',
};
const events: Form = {
  table: 'events',
  state: "closes_at timestamptz not null default now() + interval '1 day'",
  open: 'select coalesce((select closes_at > now() from public.events where id = f), false)',
};

/** The same by functions: one that anyone calls with an answer, and one that gives the answers. */
const byCalls = (isOpen: string, whose: string): string => `${form({ ...forms, add: 'public.is_mine(form_id)' })}
  revoke insert on public.answers from anon, authenticated; drop policy i on public.answers;
  create function public.answer(p_form uuid, p_body text) returns void language plpgsql security definer set search_path = '' as $$ begin
    if not exists (select 1 from public.forms where id = p_form ${isOpen}) then raise exception 'closed'; end if;
    insert into public.answers (form_id, body) values (p_form, p_body); end $$;
  create function public.answers_to(p_form uuid) returns table (body text) language sql stable security definer set search_path = '' as
    $$ select a.body from public.answers a join public.forms f on f.id = a.form_id where a.form_id = p_form and ${whose} $$;
  revoke execute on function public.answer, public.answers_to from public, anon;
  grant execute on function public.answer to anon, authenticated; grant execute on function public.answers_to to authenticated;`;

/** The function that takes answers, with another body, which may name who answers. */
const taking = (body: string): string => `${byCalls('and published', 'f.owner_id = auth.uid()')}
  alter table public.answers add column respondent_id uuid references auth.users (id);
  create or replace function public.answer(p_form uuid, p_body text) returns void language plpgsql security definer set search_path = '' as $$
    declare t text; begin ${body} end $$;`;
const closed =
  "if not exists (select 1 from public.forms where id = p_form and published) then raise exception 'closed'; end if;";

const pairs: Pair[] = [
  [
    'a function that reads what answers are for, and asks nothing of it',
    taking(`${closed} insert into public.answers (form_id, body) values (p_form, p_body);`),
    taking(
      'select title into t from public.forms where id = p_form; insert into public.answers (form_id, body) values (p_form, t || p_body);',
    ),
    'isolation-write public.answer(uuid, text)',
  ],
  [
    'a function gives the answers to what is open',
    byCalls('and published', 'f.owner_id = auth.uid()'),
    byCalls('and published', 'f.published'),
    'isolation-read public.answers_to(uuid)',
  ],
  [
    'a function takes answers to what is not open',
    byCalls('and published', 'f.owner_id = auth.uid()'),
    byCalls('', 'f.owner_id = auth.uid()'),
    'isolation-write public.answer(uuid, text)',
  ],
  [
    'a policy for visitors and one for users, which asks nothing',
    form({ ...forms, roles: ['anon', 'authenticated'] }),
    form({ ...forms, roles: ['anon', 'authenticated'], add: 'form_id is not null' }),
    'isolation-insert public.answers',
  ],
  [
    'answers to what is open are read by anyone',
    form(forms),
    form({ ...forms, read: 'public.is_mine(form_id) or public.is_open(form_id)' }),
    'isolation-read public.answers',
  ],
  [
    'it is enough to add an answer that the form is there',
    form(polls),
    form({ ...polls, open: 'begin return exists (select 1 from public.polls p where p.id = f); end' }),
    'isolation-insert public.answers',
  ],
  [
    'whether there is what answers are for, with its state beside it',
    form(forms),
    form({ ...forms, open: 'select exists (select published, title from public.forms where id = f)' }),
    'isolation-insert public.answers',
  ],
  [
    'a function that is told who answers',
    taking(`${closed} insert into public.answers (form_id, body) values (p_form, p_body);`),
    `${taking('')} drop function public.answer(uuid, text);
      create function public.answer(p_form uuid, p_body text, p_who uuid) returns void language plpgsql security definer set search_path = '' as $$
        begin ${closed} insert into public.answers (form_id, body, respondent_id) values (p_form, p_body, p_who); end $$;
      revoke execute on function public.answer from public; grant execute on function public.answer to anon, authenticated;`,
    'isolation-write public.answer(uuid, text, uuid)',
  ],
  [
    'a time at which it closes, and nothing is asked',
    form(events),
    form({ ...events, add: 'form_id is not null' }),
    'anon-write public.answers',
  ],
];
testPairs(pairs);

const find = findingsProver();
it.each([forms, polls, events])('is not proven until it is said to be meant: $table', async (one) => {
  const found = await find(form(one));
  expect(errorsOf(found)).toEqual([]);
  expect(found.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object)).toEqual(['public.answers']);
});
