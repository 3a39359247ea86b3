/** Aggregates are called like functions: over one row, with what names rows of others. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const notes = `
  create schema private;
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), title text not null);
  alter table public.notes enable row level security; grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const head = "security definer set search_path = ''";
const mine = ' and user_id = auth.uid()';

/** A pair of designs, of which the correct one asks who calls in place of `@`. */
const pair = (name: string, sql: string, finds: string): Pair => [
  name,
  `${notes} ${sql.replace('@', mine)}`,
  `${notes} ${sql.replace('@', '')}`,
  finds,
];

describe('an aggregate with rights of its owner', () => {
  testPairs([
    pair(
      'in the function for each row',
      `create function private.each(so_far text, apart text, u uuid) returns text language plpgsql ${head} as
        $$ begin return concat(so_far, apart, (select string_agg(title, apart) from public.notes where user_id = u@)); end $$;
      create aggregate public.titles(text, uuid) (sfunc = private.each, stype = text)`,
      'isolation-read public.titles(text, uuid)',
    ),
    pair(
      'in the function at the end',
      `create function private.end_of(ids uuid[]) returns text language sql stable ${head} as
        $$ select string_agg(title, ', ') from public.notes where id = any (ids)@ $$;
      create aggregate public.titles(uuid) (sfunc = array_append, stype = uuid[], initcond = '{}', finalfunc = private.end_of)`,
      'isolation-read public.titles(uuid)',
    ),
    pair(
      'over an ordered set, whose functions have no names for what they get',
      `create function private.one_more(uuid[], uuid) returns uuid[] language sql immutable as $$ select array_append($1, $2) $$;
      create function private.nth(uuid[], int) returns text language sql stable ${head} as
        $$ select title from public.notes where user_id = $1[1]@ limit 1 $$;
      create aggregate public.nth_title(int order by uuid) (sfunc = private.one_more, stype = uuid[], initcond = '{}', finalfunc = private.nth)`,
      'isolation-read public.nth_title(integer, uuid)',
    ),
    pair(
      'that takes rows over',
      `create function private.take(so_far int, note uuid) returns int language plpgsql ${head} as
        $$ begin update public.notes set user_id = auth.uid() where id = note@; return so_far + 1; end $$;
      create aggregate public.take_all(uuid) (sfunc = private.take, stype = int, initcond = '0')`,
      'isolation-write public.take_all(uuid)',
    ),
    pair(
      'that a function calls',
      `create function private.each(so_far text, k uuid) returns text language sql stable ${head} as
        $$ select concat(so_far, (select title from public.notes where id = k)) $$;
      create aggregate private.titles(uuid) (sfunc = private.each, stype = text);
      create function public.titles_of(u uuid) returns text language sql stable ${head} as
        $$ select private.titles(id) from public.notes where user_id = u@ $$`,
      'isolation-read public.titles_of(uuid)',
    ),
  ]);
});
