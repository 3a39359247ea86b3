/** Columns that nobody may read in a table whose rows are declared public. */
import { describe, expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const head = "language sql stable security definer set search_path = ''";

const profiles = `
  create table public.profiles (id uuid primary key references auth.users (id), handle text not null, phone text);
  alter table public.profiles enable row level security; grant select (id, handle) on public.profiles to authenticated;
  -- muse: public-read
  create policy r on public.profiles for select to authenticated using (true);`;

const products = `
  -- muse: public-read
  create table public.products (id uuid primary key default gen_random_uuid(), seller_id uuid not null references auth.users (id), name text not null, price int not null, supplier text not null);
  alter table public.products enable row level security; grant select (id, name, price) on public.products to anon, authenticated;
  create policy r on public.products for select to anon, authenticated using (true);`;

const posts = `
  create table public.posts (id uuid primary key default gen_random_uuid(), author_id uuid not null default auth.uid() references auth.users (id), title text not null, remark text, published boolean not null default false);
  alter table public.posts enable row level security; grant select (id, author_id, title, published) on public.posts to anon, authenticated;
  create policy own on public.posts for select to authenticated using (author_id = (select auth.uid()));
  -- muse: public-read
  create policy published on public.posts for select to anon, authenticated using (published);`;

const contacts = `
  create table public.contacts (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), who uuid not null references public.profiles (id), phone text);
  alter table public.contacts enable row level security; grant select, insert (who) on public.contacts to authenticated;
  create policy own on public.contacts to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const directory = (where: string): string =>
  `create view public.directory as select id, handle, phone from public.profiles where ${where}; grant select on public.directory to authenticated;`;

/** A pair of designs, of which the correct one asks `mine` in place of `@`. */
const pair = (name: string, sql: string, mine: string, finds: string): Pair => [
  name,
  sql.replace('@', mine),
  sql.replace('@', ''),
  finds,
];

describe('what nobody may read in a table that is declared public', () => {
  testPairs([
    pair(
      'a function gives it',
      `${profiles} create function public.phone_of(u uuid) returns text ${head} as $$ select phone from public.profiles where id = u@ $$`,
      ' and id = auth.uid()',
      'isolation-read public.phone_of(uuid)',
    ),
    pair(
      'a function gives a part of it',
      `${profiles} create function public.hint(u uuid) returns text ${head} as $$ select right(phone, 3) from public.profiles where id = u@ $$`,
      ' and id = auth.uid()',
      'isolation-read public.hint(uuid)',
    ),
    pair(
      'a function gives whole rows',
      `${products} create function public.all_products() returns setof jsonb ${head} as $$ select to_jsonb(p) from public.products p where true@ $$`,
      ' and seller_id = auth.uid()',
      'anon-read public.all_products()',
    ),
    pair(
      'a view shows it',
      `${profiles} ${directory('true@')}`,
      ' and id = auth.uid()',
      'isolation-read public.directory',
    ),
    pair(
      'a function gives it of a row that a policy opens to all',
      `${posts} create function public.remark_on(p uuid) returns text ${head} as $$ select remark from public.posts where id = p and published@ $$`,
      ' and author_id = auth.uid()',
      'isolation-read public.remark_on(uuid)',
    ),
    pair(
      'a trigger puts it into the row of who asks',
      `${profiles} ${contacts} create function public.fill() returns trigger language plpgsql security definer set search_path = '' as
        $$ begin new.phone := (select phone from public.profiles where id = new.who@); return new; end $$;
      create trigger fill before insert on public.contacts for each row execute function public.fill()`,
      ' and id = new.user_id',
      'isolation-escalation public.contacts',
    ),
  ]);

  const find = findingsProver();

  it('is nothing that is found where only the rest is given', async () => {
    const sql = `${products}
      create function public.find_products(q text) returns table (id uuid, name text, price int) ${head} as
        $$ select id, name, price from public.products where name ilike '%' || q || '%' $$;
      create view public.cheap as select id, name from public.products where price < 10; grant select on public.cheap to anon, authenticated`;
    expect((await find(sql)).filter(({ object }) => object !== 'public.products')).toEqual([]);
  });

  it('is a warning where a view shows it that is declared public itself', async () => {
    const found = await find(`${profiles}\n-- muse: public-read\n${directory('true')}`);
    expect(errorsOf(found)).toEqual([]);
    expect(found.map(({ rule, object, severity }) => [rule, object, severity])).toContainEqual([
      'isolation-read',
      'public.directory',
      'warning',
    ]);
  });
});
