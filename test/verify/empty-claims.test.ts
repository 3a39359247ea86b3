/** Rows that have by default what a claim is for everybody who has none. */
import { helper, opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const parcels = (column: string, using: string, more = ''): string => `${more}
  create table public.parcels (id uuid primary key default gen_random_uuid(), ${column}, address text not null);
  ${opened('parcels', 'select')} create policy r on public.parcels for select to authenticated using (${using});`;
const token = "(select auth.jwt() ->> '@')";
const phone = token.replace('@', 'phone');
const email = token.replace('@', 'email');
const depot = "(select auth.jwt() -> 'app_metadata' ->> 'depot')";
const mine = helper('my_phone()', 'text', "select coalesce(auth.jwt() ->> 'phone', '')");

const pairs: Pair[] = [
  [
    'no phone number, as a text',
    parcels("phone text not null default ''", `phone = coalesce(${phone}, '') and phone <> ''`),
    parcels("phone text not null default ''", `phone = coalesce(${phone}, '')`),
    'isolation-read public.parcels',
  ],
  [
    'no phone number, in a helper',
    parcels('phone text not null', 'phone = private.my_phone()', mine),
    parcels("phone text not null default ''", 'phone = private.my_phone()', mine),
    'isolation-read public.parcels',
  ],
  [
    'no address, which is empty in the token',
    parcels("receiver text not null default ''", `receiver = nullif(${email}, '')`),
    parcels("receiver text not null default ''", `receiver = ${email}`),
    'isolation-read public.parcels',
  ],
  [
    'a claim of the server, and a word for none',
    parcels("depot text not null default 'none'", `depot = ${depot}`),
    parcels("depot text not null default 'none'", `depot = coalesce(${depot}, 'none')`),
    'isolation-read public.parcels',
  ],
];

testPairs(pairs);
