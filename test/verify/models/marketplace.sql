-- Listings that everyone reads, made by sellers; orders between a buyer and a seller, drafts and payouts of the seller alone.
create schema private;
grant usage on schema private to authenticated;

-- muse: public-read
create table public.listings (
  id uuid primary key default gen_random_uuid(),
  seller_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  price numeric(12, 2) not null check (price >= 0)
);
create index on public.listings (seller_id);
create table public.listing_drafts (
  id uuid primary key default gen_random_uuid(),
  seller_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text,
  notes text
);
create index on public.listing_drafts (seller_id);
create table public.orders (
  id uuid primary key default gen_random_uuid(),
  buyer_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  listing_id uuid not null references public.listings (id) on delete cascade,
  status text not null default 'placed' check (status in ('placed', 'paid', 'sent')),
  address text not null
);
create index on public.orders (buyer_id);
create index on public.orders (listing_id);
create table public.seller_payouts (
  id uuid primary key default gen_random_uuid(),
  seller_id uuid not null references auth.users (id) on delete cascade,
  amount numeric(12, 2) not null,
  iban text not null
);
create index on public.seller_payouts (seller_id);

create function private.sells(listing uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.listings l where l.id = listing and l.seller_id = (select auth.uid())) $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;
create function public.my_sales() returns table (listing uuid, orders bigint) language sql stable security definer set search_path = '' as $$
  select l.id, count(o.id) from public.listings l left join public.orders o on o.listing_id = l.id
  where l.seller_id = (select auth.uid()) group by l.id $$;
revoke execute on function public.my_sales() from public, anon;
grant execute on function public.my_sales() to authenticated;

alter table public.listings enable row level security;
alter table public.listing_drafts enable row level security;
alter table public.orders enable row level security;
alter table public.seller_payouts enable row level security;
create policy listings_read on public.listings for select to anon, authenticated using (true);
create policy listings_add on public.listings for insert to authenticated with check (seller_id = (select auth.uid()));
create policy listings_change on public.listings for update to authenticated using (seller_id = (select auth.uid())) with check (seller_id = (select auth.uid()));
create policy listings_remove on public.listings for delete to authenticated using (seller_id = (select auth.uid()));
create policy drafts_own on public.listing_drafts for all to authenticated using (seller_id = (select auth.uid())) with check (seller_id = (select auth.uid()));
create policy orders_read on public.orders for select to authenticated using (buyer_id = (select auth.uid()) or private.sells(listing_id));
create policy orders_place on public.orders for insert to authenticated with check (buyer_id = (select auth.uid()) and status = 'placed');
create policy orders_send on public.orders for update to authenticated using (private.sells(listing_id)) with check (private.sells(listing_id));
create policy payouts_read on public.seller_payouts for select to authenticated using (seller_id = (select auth.uid()));
grant select on public.listings to anon;
grant select, insert, update, delete on public.listings, public.listing_drafts to authenticated;
grant select, insert on public.orders to authenticated;
grant update (status) on public.orders to authenticated;
grant select on public.seller_payouts to authenticated;
grant all on all tables in schema public to service_role;
