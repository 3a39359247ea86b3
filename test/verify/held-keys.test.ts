/** Rows that are someone's only by a key in other rows: the payment of an order, the address in a profile, the file of a document. */
import { expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorProver } from './prove-files.ts';

const me = '(select auth.uid())';

const opened = (table: string, verbs: string): string =>
  `alter table public.${table} enable row level security; grant ${verbs} on public.${table} to authenticated;`;

const ofOrder = `exists (select 1 from public.orders o where o.payment_id = payments.id and o.user_id = ${me})`;
const payments = (read: string): string => `
  create table public.payments (id uuid primary key default gen_random_uuid(), amount int not null, note text);
  create table public.orders (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id),
    payment_id uuid references public.payments (id));
  create index on public.orders (user_id); create index on public.orders (payment_id);
  ${opened('payments', 'select, update')} ${opened('orders', 'select')}
  create policy s on public.orders for select to authenticated using (user_id = ${me});
  ${read}
  create policy u on public.payments for update to authenticated using (${ofOrder});`;
const readsPayments = (using: string): string =>
  `create policy s on public.payments for select to authenticated using (${using});`;

const ofProfile = 'id = (select public.my_address())';
const addresses = (using: string): string => `
  create table public.addresses (id bigint generated always as identity primary key, street text not null, city text not null);
  create table public.profiles (id uuid primary key references auth.users (id), name text, address_id bigint references public.addresses (id));
  create index on public.profiles (address_id);
  ${opened('addresses', 'select, update, delete')} ${opened('profiles', 'select')}
  create function public.my_address() returns bigint language sql stable security definer set search_path = '' as
    $$ select address_id from public.profiles where id = auth.uid() $$;
  create policy s on public.profiles for select to authenticated using (id = ${me});
  create policy s on public.addresses for select to authenticated using (${using});
  create policy u on public.addresses for update to authenticated using (${ofProfile});
  create policy d on public.addresses for delete to authenticated using (${ofProfile});`;

const files = (using: string): string => `
  create table public.files (id uuid primary key default gen_random_uuid(), label text not null);
  create table public.cases (id uuid primary key default gen_random_uuid(), lawyer_id uuid not null references auth.users (id), title text not null);
  create table public.case_documents (id uuid primary key default gen_random_uuid(), case_id uuid not null references public.cases (id),
    file_id uuid not null unique references public.files (id));
  create index on public.cases (lawyer_id); create index on public.case_documents (case_id);
  ${opened('files', 'select, update')} ${opened('cases', 'select')} ${opened('case_documents', 'select')}
  create function public.is_ours(f uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$ begin
    return exists (select 1 from public.case_documents d join public.cases c on c.id = d.case_id where d.file_id = f and c.lawyer_id = auth.uid()); end $$;
  create policy s on public.cases for select to authenticated using (lawyer_id = ${me});
  create policy s on public.case_documents for select to authenticated using (exists (select 1 from public.cases c where c.id = case_id));
  create policy s on public.files for select to authenticated using (${using});
  create policy u on public.files for update to authenticated using (public.is_ours(id));`;

const ofShop = `exists (select 1 from public.shops s join public.shop_users u on u.shop_id = s.id where s.terms_id = terms.id and u.user_id = ${me})`;
const terms = (using: string): string => `
  create table public.terms (id uuid primary key default gen_random_uuid(), body text not null);
  create table public.shops (id uuid primary key default gen_random_uuid(), name text not null, terms_id uuid references public.terms (id));
  create table public.shop_users (shop_id uuid not null references public.shops (id), user_id uuid not null references auth.users (id),
    primary key (shop_id, user_id));
  create index on public.shops (terms_id); create index on public.shop_users (user_id);
  create function public.my_shops() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select shop_id from public.shop_users where user_id = auth.uid() $$;
  ${opened('terms', 'select, update')} ${opened('shops', 'select')} ${opened('shop_users', 'select')}
  create policy s on public.shops for select to authenticated using (id in (select public.my_shops()));
  create policy s on public.shop_users for select to authenticated using (shop_id in (select public.my_shops()));
  create policy s on public.terms for select to authenticated using (${using});
  create policy u on public.terms for update to authenticated using (${ofShop});`;

const pairs: Pair[] = [
  [
    'a column of the row that is whose it is',
    payments(readsPayments(ofOrder)),
    payments(readsPayments('true')),
    'isolation-read public.payments',
  ],
  ['a key that a helper gives', addresses(ofProfile), addresses('true'), 'isolation-read public.addresses'],
  ['a row of what a user owns', files('public.is_ours(id)'), files('id is not null'), 'isolation-read public.files'],
  ["an organization's own row", terms(ofShop), terms('true'), 'isolation-read public.terms'],
];
testPairs(pairs);

const prove = errorProver();
it('everyone may read them where that is declared', async () => {
  expect(await prove(payments(`-- muse: public-read\n${readsPayments('true')}`))).toEqual([]);
});
it('what rows of all users name, and only the server writes, is for everyone', async () => {
  const plans = `
    create table public.plans (id uuid primary key default gen_random_uuid(), label text not null);
    create table public.subscriptions (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id),
      plan_id uuid not null references public.plans (id));
    create index on public.subscriptions (user_id); create index on public.subscriptions (plan_id);
    ${opened('plans', 'select')} ${opened('subscriptions', 'select')}
    create policy s on public.plans for select to authenticated using (true);
    create policy s on public.subscriptions for select to authenticated using (user_id = ${me});`;
  expect(await prove(plans)).toEqual([]);
});
