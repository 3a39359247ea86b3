/** Rows that policies let through by a list, a range or the start of a text in a row of who asks. */
import { describe, expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { findingsProver } from './prove-files.ts';

const mine = 'u.user_id = (select auth.uid())';

/** Units of users, of which users may change what `may` says, and rows that a policy of `condition` lets through. */
const units = (condition: string, may: string, before = ''): string => `
  create schema private; grant usage on schema private to authenticated;
  create table public.units (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), name text not null, span int4range not null, codes text[] not null default '{}');
  alter table public.units enable row level security; grant select on public.units to authenticated; grant update (${may}) on public.units to authenticated;
  create policy r on public.units for select to authenticated using (user_id = (select auth.uid()));
  create policy u on public.units for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create table public.reports (id uuid primary key default gen_random_uuid(), at_unit int not null, code text not null, tags text[] not null default '{}', during int4range, body text not null);
  alter table public.reports enable row level security; grant select on public.reports to authenticated;
  ${before}
  create policy r on public.reports for select to authenticated using (${condition});`;

const helper = (returns: string, body: string, signature = 'my_span()'): string =>
  `create function private.${signature} returns ${returns} language sql stable security definer set search_path = '' as $$ ${body} $$;`;

const ofUnit = (test: string): string => `exists (select 1 from public.units u where ${mine} and ${test})`;

/** What users choose by the columns that decide, and do not by the name of their unit. */
const chosen = (name: string, condition: string, before?: string): Pair => [
  name,
  units(condition, 'name', before),
  units(condition, 'name, span, codes', before),
  'isolation-escalation public.units',
];

const profiles = (may: string): string => `
  create table public.profiles (id uuid primary key references auth.users (id), email text, nick text);
  alter table public.profiles enable row level security; grant select on public.profiles to authenticated; grant update (${may}) on public.profiles to authenticated;
  create policy own on public.profiles to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create table public.docs (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), body text not null, shared_with text[] not null default '{}');
  alter table public.docs enable row level security; grant select, insert on public.docs to authenticated;
  create policy i on public.docs for insert to authenticated with check (user_id = (select auth.uid()));
  create policy r on public.docs for select to authenticated using (user_id = (select auth.uid())
    or (select p.email from public.profiles p where p.id = (select auth.uid())) = any (shared_with));`;

/** Files in folders that the server gives to users. */
const folders = (condition: string): string => `
  create schema private; grant usage on schema private to authenticated;
  create table public.folders (path text primary key, user_id uuid not null references auth.users (id));
  alter table public.folders enable row level security; grant select on public.folders to authenticated;
  create policy own on public.folders for select to authenticated using (user_id = (select auth.uid()));
  create table public.files (id uuid primary key default gen_random_uuid(), path text not null, body text not null);
  alter table public.files enable row level security; grant select on public.files to authenticated;
  ${helper('setof text', 'select path from public.folders where user_id = auth.uid()', 'my_paths()')}
  create policy r on public.files for select to authenticated using (${condition});`;

const spaces = (condition: string): string => `
  create schema private; grant usage on schema private to authenticated;
  create table public.spaces (slug text primary key, name text not null);
  create table public.space_members (space_slug text not null references public.spaces (slug), user_id uuid not null references auth.users (id), primary key (space_slug, user_id));
  ${helper('setof text', 'select space_slug from public.space_members where user_id = auth.uid()', 'my_spaces()')}
  alter table public.spaces enable row level security; grant select on public.spaces to authenticated;
  alter table public.space_members enable row level security; grant select on public.space_members to authenticated;
  create policy r on public.spaces for select to authenticated using (slug in (select private.my_spaces()));
  create policy r on public.space_members for select to authenticated using (space_slug in (select private.my_spaces()));
  create table public.pages (id uuid primary key default gen_random_uuid(), space_slug text not null references public.spaces (slug), body text not null);
  alter table public.pages enable row level security; grant select, insert on public.pages to authenticated;
  create policy i on public.pages for insert to authenticated with check (space_slug in (select private.my_spaces()));
  create policy r on public.pages for select to authenticated using (${condition});`;

const ofMySpaces = (test: string): string => `exists (select 1 from private.my_spaces() as s where ${test})`;

describe('rows by what is in a row of who asks', () => {
  testPairs([
    chosen('a number in a range', ofUnit('u.span @> at_unit')),
    chosen(
      'a number in what a helper in FROM gives',
      'exists (select 1 from private.my_span() as s where s @> at_unit)',
      helper('setof int4range', 'select span from public.units where user_id = auth.uid()'),
    ),
    chosen(
      'a number that a helper gets',
      'private.is_mine(at_unit)',
      helper(
        'boolean',
        'select exists (select 1 from public.units u where u.user_id = auth.uid() and n <@ u.span)',
        'is_mine(n int)',
      ),
    ),
    chosen('a code in a list', `code = any ((select u.codes from public.units u where ${mine} limit 1)::text[])`),
    chosen('lists that have something in common', ofUnit('u.codes && tags')),
    chosen('a list in a list', ofUnit('u.codes @> tags')),
    chosen('ranges that have something in common', ofUnit('u.span && during')),
    [
      'an address in a list, which stands in the profile',
      profiles('nick'),
      profiles('nick, email'),
      'isolation-escalation public.profiles',
    ],
    [
      'a path that begins with a folder',
      folders("exists (select 1 from private.my_paths() as p where path like p || '/%')"),
      folders("exists (select 1 from private.my_paths() as p where path like p || '%')"),
      'isolation-read public.files',
    ],
    [
      'a path that starts_with() a folder',
      folders(`exists (select 1 from public.folders u where ${mine} and starts_with(files.path, u.path || '/'))`),
      folders(`exists (select 1 from public.folders u where ${mine} and starts_with(files.path, u.path))`),
      'isolation-read public.files',
    ],
    [
      "the key of an organization that begins with that of one's own",
      spaces(ofMySpaces('space_slug = s')),
      spaces(ofMySpaces("space_slug like s || '%'")),
      'isolation-read public.pages',
    ],
  ]);

  const find = findingsProver();

  it.each([
    ['range', units(ofUnit('u.span @> at_unit'), 'name')],
    ['list', profiles('nick')],
    ['folder', folders("exists (select 1 from private.my_paths() as p where path like p || '/%')")],
  ])('are there for the one whose %s it is, so that nothing is left to prove', async (_, sql) => {
    expect((await find(sql)).filter(({ rule }) => rule === 'not-proven')).toEqual([]);
  });
});
