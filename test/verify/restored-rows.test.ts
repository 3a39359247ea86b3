/** Functions that write parts of a JSON document into rows, as those that restore what was deleted: the documents are filled with what fits. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const own = (name: string, columns: string, verbs: string): string => `
  create table public.${name} (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), ${columns});
  alter table public.${name} enable row level security; grant ${verbs} on public.${name} to authenticated;
  create policy own on public.${name} to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const tables = `
  ${own('notes', 'title text not null, body text not null, place int not null default 1', 'select, insert, update, delete')}
  ${own('trash', 'doc jsonb not null', 'select')}`;

const head = "security definer set search_path = ''";

/** A function that restores what `@` lets through; the correct one asks whose that is. */
const pair = (name: string, body: string, language = 'sql', object = 'restore'): Pair => {
  const sql = (asks: string): string =>
    `${tables} create function public.${object}(k uuid) returns ${object === 'restore' ? 'void' : 'jsonb'} language ${language} ${head} as $$ ${body.replace('@', asks)} $$;`;
  const finds = object === 'restore' ? 'isolation-escalation' : 'isolation-read';
  return [name, sql(' and t.user_id = auth.uid()'), sql(''), `${finds} public.${object}(uuid)`];
};

describe('a document of another', () => {
  testPairs([
    pair(
      'as a row of the table',
      `insert into public.notes select (jsonb_populate_record(null::public.notes, t.doc || jsonb_build_object('user_id', auth.uid()))).*
        from public.trash t where t.id = k@`,
    ),
    pair(
      'as several rows of the table',
      `insert into public.notes select n.id, auth.uid(), n.title, n.body, n.place
        from public.trash t, jsonb_populate_recordset(null::public.notes, t.doc) n where t.id = k@`,
    ),
    pair(
      'value by value',
      `insert into public.notes (user_id, title, body, place)
        select auth.uid(), t.doc ->> 'title', t.doc ->> 'body', (t.doc ->> 'place')::int from public.trash t where t.id = k@`,
    ),
    pair(
      'as a record with a list of columns',
      `insert into public.notes (title, body) select r.title, r.body from public.trash t, jsonb_to_record(t.doc) as r (title text, body text) where t.id = k@`,
    ),
    pair(
      'in PL/pgSQL',
      `declare d jsonb; begin
        select t.doc into d from public.trash t where t.id = k@;
        if d is not null then insert into public.notes (title, body) values (d ->> 'title', d ->> 'body'); end if; end`,
      'plpgsql',
    ),
    pair('that is given as it is', 'select t.doc from public.trash t where t.id = k@', 'sql', 'peek'),
  ]);
});
