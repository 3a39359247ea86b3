/** Users who have just signed up, and have no row anywhere: what asks for a row of theirs finds none. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const mine = 'customer_number = (select public.my_number())';

const invoices = (readers: string): string => `
  create table public.customers (number text primary key, user_id uuid not null unique references auth.users (id), name text not null);
  create table public.invoices (
    id uuid primary key default gen_random_uuid(), customer_number text not null references public.customers (number), total int not null);
  create index on public.invoices (customer_number);
  create function public.my_number() returns text language sql stable security definer set search_path = '' as
    $$ select number from public.customers where user_id = auth.uid() $$;
  alter table public.customers enable row level security; alter table public.invoices enable row level security;
  create policy s on public.customers for select to authenticated using (user_id = (select auth.uid()));
  create policy s on public.invoices for select to authenticated using (${readers});
  grant select on public.customers, public.invoices to authenticated;`;

const listed = (readers: string): string => `${invoices(mine)}
  create function public.my_invoices() returns setof public.invoices language sql stable security definer set search_path = '' as
    $$ select i.* from public.invoices i where ${readers} $$;
  revoke execute on function public.my_invoices() from public, anon; grant execute on function public.my_invoices() to authenticated;`;

const colleagues = (readers: string): string => `
  create table public.stores (id bigint generated always as identity primary key, name text not null);
  create table public.employees (
    id bigint generated always as identity primary key, auth_id uuid unique references auth.users (id),
    store_id bigint not null references public.stores (id), name text not null);
  create index on public.employees (store_id);
  create function public.my_store() returns bigint language sql stable security definer set search_path = '' as
    $$ select store_id from public.employees where auth_id = auth.uid() $$;
  alter table public.stores enable row level security; alter table public.employees enable row level security;
  create policy s on public.stores for select to authenticated using (id = (select public.my_store()));
  create policy s on public.employees for select to authenticated using (${readers});
  grant select on public.stores, public.employees to authenticated;`;

const pairs: Pair[] = [
  [
    'COALESCE',
    invoices(mine),
    invoices('customer_number = coalesce((select public.my_number()), customer_number)'),
    'isolation-read public.invoices',
  ],
  [
    'NOT EXISTS',
    invoices(
      'exists (select 1 from public.customers c where c.user_id = (select auth.uid()) and c.number = customer_number)',
    ),
    invoices(
      'not exists (select 1 from public.customers c where c.user_id = (select auth.uid()) and c.number <> customer_number)',
    ),
    'isolation-read public.invoices',
  ],
  [
    'IS NULL',
    invoices(mine),
    invoices(`${mine} or (select public.my_number()) is null`),
    'isolation-read public.invoices',
  ],
  [
    'a function',
    listed('i.customer_number = public.my_number()'),
    listed('public.my_number() is null or i.customer_number = public.my_number()'),
    'isolation-read public.my_invoices()',
  ],
  [
    'what is shared with those who have the same',
    colleagues('store_id = (select public.my_store())'),
    colleagues('store_id = coalesce((select public.my_store()), store_id)'),
    'isolation-read public.employees',
  ],
];

describe('a user without any row', () => {
  testPairs(pairs);
});
