/** Rows that are deleted with the row of another, which they belong to. */
import { expect, it } from 'vitest';
import { mine, owned } from './designs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const find = findingsProver();
const me = '(select auth.uid())';

/** Places that everyone reads, and what others write there. */
const places = (
  action: string,
  { deletes = mine, content = 'day date not null, note text', reads = `guest = ${me}` } = {},
): string => `create table public.places (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), name text not null);
  create table public.bookings (id uuid primary key default gen_random_uuid(), place_id uuid not null references public.places (id) ${action},
    guest uuid not null default auth.uid() references auth.users (id)${content === '' ? '' : `, ${content}`}, at timestamptz not null default now());
  alter table public.places enable row level security; alter table public.bookings enable row level security;
  grant select, insert, delete on public.places to authenticated; grant select, insert, update, delete on public.bookings to authenticated;
  -- muse: public-read
  create policy r on public.places for select to authenticated using (true);
  create policy i on public.places for insert to authenticated with check (${mine});
  create policy d on public.places for delete to authenticated using (${deletes});
  create policy r on public.bookings for select to authenticated using (${reads});
  create policy w on public.bookings to authenticated using (guest = ${me}) with check (guest = ${me});`;

/** The same with something between. */
const floors = (action: string): string => `${owned('houses')}
  create table public.floors (id uuid primary key default gen_random_uuid(), house_id uuid not null references public.houses (id) on delete cascade, level int not null);
  create table public.stays (id uuid primary key default gen_random_uuid(), floor_id uuid not null references public.floors (id) ${action},
    guest uuid not null default auth.uid() references auth.users (id), note text not null);
  alter table public.floors enable row level security; alter table public.stays enable row level security;
  grant select on public.floors to authenticated; grant select, insert, delete on public.stays to authenticated;
  create policy r on public.floors for select to authenticated using (exists (select 1 from public.houses h where h.id = house_id and h.${mine}));
  create policy w on public.stays to authenticated using (guest = ${me}) with check (guest = ${me});`;

const ofHost = `guest = ${me} or exists (select 1 from public.places p where p.id = place_id and p.owner_id = ${me})`;

it.each<[string, string, boolean]>([
  ['with what another owns and deletes', places('on delete cascade'), true],
  ['not while they are there', places('on delete restrict'), false],
  ['with what only the server deletes', places('on delete cascade', { deletes: 'false' }), false],
  ['that hold nothing but whose they are', places('on delete cascade', { content: '' }), false],
  ['that its owner sees', places('on delete cascade', { reads: ofHost }), false],
  ['by way of another table', floors('on delete cascade'), true],
  ['by way of another table, which stays', floors(''), false],
])('%s', async (_, sql, isUnproven) => {
  const found = await find(sql);
  expect(errorsOf(found)).toEqual([]);
  const told = found.filter(({ rule, message }) => rule === 'not-proven' && message.includes('ON DELETE CASCADE'));
  expect(told.map(({ object }) => object)).toEqual(
    isUnproven ? [sql.includes('stays') ? 'public.stays' : 'public.bookings'] : [],
  );
});
