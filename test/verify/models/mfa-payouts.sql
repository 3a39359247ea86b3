-- Wallets of a user; payouts only with a second factor, and never changed once made; a log that the server writes.
create schema private;
grant usage on schema private to authenticated;

create table public.wallets (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  label text not null
);
create index on public.wallets (user_id);
create table public.payouts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  wallet_id uuid not null references public.wallets (id) on delete cascade,
  amount numeric(12, 2) not null check (amount > 0),
  iban text not null
);
create index on public.payouts (user_id);
create index on public.payouts (wallet_id);
create table public.payout_log (
  id bigint generated always as identity primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  what text not null
);
create index on public.payout_log (user_id);

create function private.owns_wallet(wallet uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.wallets w where w.id = wallet and w.user_id = (select auth.uid())) $$;
create function private.log_payout() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.payout_log (user_id, what) values (new.user_id, 'payout of ' || new.amount);
  return new;
end $$;
revoke execute on all functions in schema private from public;
grant execute on function private.owns_wallet(uuid) to authenticated;
create trigger payouts_log after insert on public.payouts for each row execute function private.log_payout();

alter table public.wallets enable row level security;
alter table public.payouts enable row level security;
alter table public.payout_log enable row level security;
create policy wallets_own on public.wallets for all to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy payouts_read on public.payouts for select to authenticated using (user_id = (select auth.uid()));
create policy payouts_make on public.payouts for insert to authenticated with check (user_id = (select auth.uid()) and private.owns_wallet(wallet_id));
create policy payouts_second_factor on public.payouts as restrictive for all to authenticated
  using ((select auth.jwt() ->> 'aal') = 'aal2') with check ((select auth.jwt() ->> 'aal') = 'aal2');
create policy log_read on public.payout_log for select to authenticated using (user_id = (select auth.uid()));
grant select, insert, update, delete on public.wallets to authenticated;
grant select, insert on public.payouts to authenticated;
grant select on public.payout_log to authenticated;
grant all on all tables in schema public to service_role;
