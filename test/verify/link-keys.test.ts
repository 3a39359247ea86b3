/** Rows that are shared by a link, whose key requests send in a header. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const header = "nullif(current_setting('request.headers', true), '')::json ->> 'x-link'";

const boards = (column: string, condition: string, more = ''): string => `
  create schema private; grant usage on schema private to anon, authenticated;
  create table public.boards (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), title text not null, ${column});
  alter table public.boards enable row level security; grant select on public.boards to anon, authenticated; grant insert, update, delete on public.boards to authenticated;
  create policy own on public.boards to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  ${more}
  create policy link on public.boards for select to anon, authenticated using (${condition});`;

const helper = `create function private.link() returns text language sql stable as $$ select ${header} $$;`;

const lists = (condition: string): string => `${boards('link text unique', 'false')}
  create table public.cards (id uuid primary key default gen_random_uuid(), board_id uuid not null references public.boards (id), body text not null);
  alter table public.cards enable row level security; grant select on public.cards to anon, authenticated;
  create function private.board() returns uuid language sql stable security definer set search_path = '' as $$ select id from public.boards where ${condition} $$;
  create policy link on public.cards for select to anon, authenticated using (board_id = (select private.board()));`;

describe('the key of a link', () => {
  const pairs: Pair[] = [
    [
      'that only some rows have',
      boards('link text unique', `link = ${header}`),
      boards('link text unique', `coalesce(link, '') = coalesce(${header}, '')`),
      'isolation-read public.boards',
      'public.boards',
    ],
    [
      'that a helper reads',
      boards('link text unique', 'link = (select private.link())', helper),
      boards('link text unique', 'link is not distinct from (select private.link())', helper),
      'anon-read public.boards',
      'public.boards',
    ],
    [
      'of the row that a row belongs to',
      lists(`link = ${header}`),
      lists(`coalesce(link, '') = coalesce(${header}, '')`),
      'isolation-read public.cards',
      'public.boards',
    ],
    [
      'is none where several rows have it',
      boards('link text unique', `link = ${header}`),
      boards('link text', `link = ${header}`),
      'isolation-read public.boards',
    ],
    [
      'is none where every row has one that people choose',
      boards("link text not null unique default encode(extensions.gen_random_bytes(16), 'hex')", `link = ${header}`),
      boards('link text not null unique', `link = ${header}`),
      'isolation-read public.boards',
    ],
  ];
  testPairs(pairs);
});
