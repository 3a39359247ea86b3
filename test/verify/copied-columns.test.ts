/** What a user writes in one column, a trigger copies into another that policies trust. */
import { expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const me = '(select auth.uid())';
const trigger = (name: string, table: string, when: string, body: string, rights = 'invoker'): string => `
  create function private.${name}() returns trigger language plpgsql security ${rights} set search_path = '' as $$ begin ${body} end $$;
  revoke all on function private.${name}() from public, anon, authenticated;
  create trigger ${name} ${when} on public.${table} for each row execute function private.${name}();`;

/** Profiles with a role that lets staff read the cases of all. */
const profiles = (columns = ''): string => `create schema private; grant usage on schema private to authenticated;
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, name text ${columns},
    role text not null default 'user' check (role in ('user', 'staff')));
  create table public.cases (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.cases (user_id);
  alter table public.profiles enable row level security; alter table public.cases enable row level security;
  grant select, update on public.profiles to authenticated; grant select, insert on public.cases to authenticated;
  create function private.staff() returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.profiles where id = auth.uid() and role = 'staff') $$;
  create policy r on public.profiles for select to authenticated using (id = ${me});
  create policy u on public.profiles for update to authenticated using (id = ${me}) with check (id = ${me});
  create policy own on public.cases for all to authenticated using (user_id = ${me}) with check (user_id = ${me});
  create policy s on public.cases for select to authenticated using (private.staff());`;
const guard = (columns: string): string =>
  trigger('guard', 'profiles', `before update of ${columns}`, "raise exception 'no' using errcode = '42501';");
const wanted = trigger(
  'wanted',
  'profiles',
  'before update of wanted_role',
  'new.role := coalesce(new.wanted_role, new.role); return new;',
);
const byDepth = trigger(
  'guard',
  'profiles',
  'before update',
  "if new.role <> old.role and pg_trigger_depth() < 2 then raise exception 'no' using errcode = '42501'; end if; return new;",
);
const preferences = `create table public.preferences (user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade,
    shown_name text, shown_role text);
  alter table public.preferences enable row level security; grant select, insert, update on public.preferences to authenticated;
  create policy own on public.preferences for all to authenticated using (user_id = ${me}) with check (user_id = ${me});`;
const mirror = (set: string): string =>
  trigger(
    'mirror',
    'preferences',
    'after insert or update',
    `update public.profiles set ${set} where id = new.user_id; return new;`,
    'definer',
  );

const pairs: Pair[] = [
  [
    'from another column of the row',
    `${profiles(', wanted_role text')} ${guard('role, wanted_role')} ${wanted}`,
    `${profiles(', wanted_role text')} ${guard('role')} ${wanted}`,
    'isolation-escalation public.profiles',
  ],
  [
    'from a row of another table',
    `${profiles()} ${byDepth} ${preferences} ${mirror('name = new.shown_name')}`,
    `${profiles()} ${byDepth} ${preferences} ${mirror('name = new.shown_name, role = coalesce(new.shown_role, role)')}`,
    'isolation-escalation public.preferences',
  ],
];
testPairs(pairs);

const find = findingsProver();
it('a key that a trigger copies is none', async () => {
  const shops = `create schema private;
    create table public.shops (id uuid primary key default gen_random_uuid(),
      owner_id uuid not null default auth.uid() references auth.users (id), name text not null);
    create table public.transfers (id uuid primary key default gen_random_uuid(), shop_id uuid not null references public.shops (id),
      to_user uuid not null references auth.users (id),
      status text not null default 'pending' check (status in ('pending', 'accepted', 'declined')));
    create index on public.shops (owner_id); create index on public.transfers (shop_id); create index on public.transfers (to_user);
    alter table public.shops enable row level security; alter table public.transfers enable row level security;
    grant select, insert, update, delete on public.shops to authenticated;
    grant select, insert, update (status) on public.transfers to authenticated;
    create policy own on public.shops for all to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
    create policy r on public.transfers for select to authenticated
      using (to_user = ${me} or exists (select 1 from public.shops s where s.id = shop_id and s.owner_id = ${me}));
    create policy i on public.transfers for insert to authenticated
      with check (status = 'pending' and exists (select 1 from public.shops s where s.id = shop_id and s.owner_id = ${me}));
    create policy u on public.transfers for update to authenticated
      using (to_user = ${me} and status = 'pending') with check (to_user = ${me} and status in ('accepted', 'declined'));
    ${trigger('on_transfer', 'transfers', 'after update', "if new.status = 'accepted' then update public.shops set owner_id = new.to_user where id = new.shop_id; end if; return new;", 'definer')}`;
  expect(errorsOf(await find(shops))).toEqual([]);
});
