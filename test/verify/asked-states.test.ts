/** Rows that users write for others, in a state that a policy asks of the row or of what it belongs to. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

/** Listings, and what is ordered of those that are published. */
const market = (check: string): string => `
  create table public.listings (id uuid primary key default gen_random_uuid(),
    seller_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null, published boolean not null default false);
  create table public.orders (id uuid primary key default gen_random_uuid(), listing_id uuid not null references public.listings (id) on delete cascade,
    buyer_id uuid not null default auth.uid() references auth.users (id) on delete cascade, note text);
  create index on public.listings (seller_id); create index on public.orders (listing_id); create index on public.orders (buyer_id);
  create schema private; grant usage on schema private to authenticated;
  create function private.sells(l uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.listings where id = l and seller_id = auth.uid()) $$;
  create function private.on_sale(l uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.listings where id = l and published) $$;
  alter table public.listings enable row level security; alter table public.orders enable row level security;
  create policy own on public.listings for all to authenticated using (seller_id = ${me}) with check (seller_id = ${me});
  -- muse: public-read
  create policy shop on public.listings for select to authenticated using (published);
  create policy s on public.orders for select to authenticated using (buyer_id = ${me} or private.sells(listing_id));
  create policy i on public.orders for insert to authenticated with check (${check});
  grant select, insert, update, delete on public.listings to authenticated; grant select, insert on public.orders to authenticated;`;

/** Claims of expenses that are drafts until they are submitted. */
const claims = ({
  adds = `user_id = ${me} and status = 'draft'`,
  using = `user_id = ${me} and status = 'draft'`,
  check = `user_id = ${me} and status = 'submitted'`,
}): string => `
  create table public.claims (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    status text not null default 'draft' check (status in ('draft', 'submitted', 'paid')), total int);
  create index on public.claims (user_id); alter table public.claims enable row level security;
  create policy s on public.claims for select to authenticated using (user_id = ${me});
  create policy i on public.claims for insert to authenticated with check (${adds});
  create policy u on public.claims for update to authenticated using (${using}) with check (${check});
  grant select, insert, update on public.claims to authenticated;`;

const pairs: Pair[] = [
  [
    'an order for another, of what is on sale',
    market(`buyer_id = ${me} and private.on_sale(listing_id)`),
    market('private.on_sale(listing_id)'),
    'isolation-insert public.orders',
  ],
  [
    'an order for anyone, of what is on sale',
    market(`buyer_id = ${me} and private.on_sale(listing_id)`),
    market('buyer_id is not null and private.on_sale(listing_id)'),
    'isolation-insert public.orders',
  ],
  [
    'a new row for anyone, in a state of its own',
    claims({ adds: `user_id = ${me} and status = 'submitted'` }),
    claims({ adds: "user_id is not null and status = 'submitted'" }),
    'isolation-insert public.claims',
  ],
  [
    'what is handed to another as it is submitted',
    claims({}),
    claims({ check: "status = 'submitted'" }),
    'isolation-reassign public.claims',
  ],
  [
    'what is taken as it is paid',
    claims({ using: `user_id = ${me}`, check: `user_id = ${me} and status = 'paid'` }),
    claims({ using: `user_id = ${me} or status = 'submitted'`, check: `user_id = ${me} and status = 'paid'` }),
    'isolation-reassign public.claims',
  ],
];

describe('rows that are written for others in the state that is asked', () => {
  testPairs(pairs);
});
