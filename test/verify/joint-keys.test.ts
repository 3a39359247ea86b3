/** Rows that belong to users by several columns together. */
import { describe, expect, it } from 'vitest';
import { opened } from './designs.ts';
import { findingsProver } from './prove-files.ts';

const find = findingsProver();

/** Regions by country and number, their agents, and visits; `seen` is who reads those. */
const visits = (seen: string): string => `
  create table public.regions (country text not null, number int not null, name text not null, primary key (country, number));
  create table public.agents (country text not null, number int not null, user_id uuid not null references auth.users (id),
    primary key (country, number, user_id), foreign key (country, number) references public.regions (country, number));
  create index on public.agents (user_id);
  create table public.visits (id uuid primary key default gen_random_uuid(), country text not null, number int not null, notes text not null,
    foreign key (country, number) references public.regions (country, number));
  create index on public.visits (country, number);
  create function public.is_agent(c text, n int) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.agents where user_id = auth.uid() and country = c and number = n) $$;
  ${opened('regions', 'select')} ${opened('agents', 'select')} ${opened('visits', 'select, insert')}
  create policy s on public.regions for select to authenticated using (public.is_agent(country, number));
  create policy s on public.agents for select to authenticated using (user_id = (select auth.uid()));
  create policy s on public.visits for select to authenticated using (${seen});
  create policy i on public.visits for insert to authenticated with check (public.is_agent(country, number));`;

/** Seats in a hall by row and number, without a foreign key. */
const seats = (seen: string, change: string): string => `
  create table public.bookings (line text not null, place int not null, user_id uuid not null references auth.users (id), primary key (line, place));
  create index on public.bookings (user_id);
  create table public.orders_at_seat (id uuid primary key default gen_random_uuid(), line text not null, place int not null, dish text not null);
  ${opened('bookings', 'select')} ${opened('orders_at_seat', 'select, update')}
  create policy s on public.bookings for select to authenticated using (user_id = (select auth.uid()));
  create policy s on public.orders_at_seat for select to authenticated using (${seen});
  create policy u on public.orders_at_seat for update to authenticated using (${change});`;
const booked =
  'exists (select 1 from public.bookings b where b.line = orders_at_seat.line and b.place = orders_at_seat.place and b.user_id = (select auth.uid()))';

describe('rows that belong to users by several columns together', () => {
  it.each([
    ['all that read them are let in by those', visits('public.is_agent(country, number)'), []],
    ['everyone reads them', visits('true'), ['public.visits']],
    ['everyone reads them, a query says who writes', seats('true', booked), ['public.orders_at_seat']],
    ['everyone writes them, a query says who reads', seats(booked, 'true'), ['public.orders_at_seat']],
    ['what is asked together is a state', seats('true', "line = 'a' and place < 10"), []],
  ])('are not proven where the proof does not know that: %s', async (_, design, objects) => {
    const found = await find(design);
    expect([...new Set(found.flatMap(({ rule, object }) => (rule === 'not-proven' ? [object] : [])))]).toEqual(objects);
  });
});
