/** Tables of staff that no policy asks, but functions do, and rows whose key says whose they are. */
import { describe } from 'vitest';
import { callable, owned } from './designs.ts';
import { testPairs } from './pairs.ts';

const agents = `create table public.agents (user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, since date not null default current_date);
  alter table public.agents enable row level security; grant select on public.agents to authenticated;
  create policy me on public.agents for select to authenticated using (user_id = (select auth.uid()));`;

const isAgent = 'exists (select from public.agents a where a.user_id = auth.uid())';

/** Staff that reads everything by a function. */
const lists = (asks: string, more = ''): string => `${owned('orders')} ${agents}
  ${callable('public.all_orders()', 'setof public.orders', `begin if ${asks} then return query select * from public.orders; end if; end`, 'plpgsql')} ${more}`;

/** Staff that opens a session with a customer by a function, and then reads what is that one's. */
const support = (asks: string): string => `${owned('orders')} ${agents}
  create table public.sessions (id uuid primary key default gen_random_uuid(), agent uuid not null references auth.users (id) on delete cascade,
    customer uuid not null references auth.users (id) on delete cascade, reason text not null);
  create index on public.sessions (agent); create index on public.sessions (customer); alter table public.sessions enable row level security;
  grant select on public.sessions to authenticated;
  create policy r on public.sessions for select to authenticated using (agent = (select auth.uid()) or customer = (select auth.uid()));
  ${callable(
    'public.help(p_customer uuid, p_why text)',
    'uuid',
    `declare made uuid; begin if not (${asks}) then raise exception 'agents only'; end if;
     insert into public.sessions (agent, customer, reason) values (auth.uid(), p_customer, p_why) returning id into made; return made; end`,
    'plpgsql',
  )}
  create policy helps on public.orders for select to authenticated
    using (exists (select from public.sessions s where s.agent = (select auth.uid()) and s.customer = orders.owner_id));`;

const joins =
  'grant insert on public.agents to authenticated; create policy i on public.agents for insert to authenticated with check (user_id = (select auth.uid()));';

const address = `(select auth.jwt()) ->> 'email'`;

/** Readers of letters, by their address. */
const letters = (
  using: string,
): string => `create table public.readers (email text primary key, weekly boolean not null default true);
  create table public.openings (id bigint generated always as identity primary key, email text not null references public.readers (email) on delete cascade);
  create index on public.openings (email); alter table public.readers enable row level security; alter table public.openings enable row level security;
  grant select, update on public.readers to authenticated; grant select on public.openings to authenticated;
  create policy me on public.readers for all to authenticated using (${using}) with check (email = (${address}));
  create policy me on public.openings for select to authenticated using (email = (${address}));`;

const tenant = `auth.jwt() -> 'app_metadata' ->> 'tenant'`;

/** Switches of a tenant that only the token names. */
const switches = (
  check: string,
): string => `create table public.switches (tenant text not null, name text not null, value text, primary key (tenant, name));
  alter table public.switches enable row level security; grant select, insert, update, delete on public.switches to authenticated;
  create policy t on public.switches for all to authenticated using (tenant = (${tenant})) with check (${check});`;

describe('staff that only functions ask for', () => {
  testPairs([
    [
      'lists everything',
      lists(isAgent),
      lists('auth.uid() is not null'),
      'isolation-read public.all_orders()',
      'public.agents',
    ],
    ['is whoever adds himself', lists(isAgent), lists(isAgent, joins), 'isolation-escalation public.agents'],
    [
      'helps a customer',
      support(isAgent),
      support('auth.uid() is not null'),
      'isolation-escalation public.help(uuid, text)',
    ],
  ]);
});

describe('rows by a key', () => {
  testPairs([
    [
      'of an address',
      letters(`email = (${address})`),
      letters(`email = (${address}) or weekly`),
      'isolation-read public.readers',
    ],
    [
      'of a tenant, beside a name',
      switches(`tenant = (${tenant})`),
      switches('length(tenant) > 0'),
      'isolation-insert public.switches',
    ],
  ]);
});
