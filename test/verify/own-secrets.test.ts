/** Functions that take a key of an API or another secret: who has one of its own gets what is its own, and not what is anyone's. */
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

const callable = (head: string, types: string, returns: string, body: string, language = 'sql'): string => `
  create function public.${head} returns ${returns} language ${language} security definer set search_path = '' as $$ ${body} $$;
  revoke execute on function public.${head.split('(')[0]}(${types}) from public;
  grant execute on function public.${head.split('(')[0]}(${types}) to anon, authenticated;`;

/** What a user owns, and the keys with which programs of the user's read it. */
const keys = (further: string, body: string, language?: string): string => `
  create table public.customers (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, name text not null);
  create table public.api_keys (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, key_hash text not null unique${further});
  create index on public.customers (owner_id); create index on public.api_keys (user_id);
  alter table public.customers enable row level security; alter table public.api_keys enable row level security;
  create policy a on public.customers for all to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
  create policy s on public.api_keys for select to authenticated using (user_id = ${me});
  grant select, insert, update, delete on public.customers to authenticated; grant select (id, user_id) on public.api_keys to authenticated;
  ${callable('customers_by(p_key text)', 'text', 'setof public.customers', body, language)}`;
const hashed = "encode(sha256(convert_to(p_key, 'UTF8')), 'hex')";
const scoped = ", scopes text[] not null default '{}', revoked_at timestamptz";
const isValid = `k.key_hash = ${hashed} and 'read' = any (k.scopes) and k.revoked_at is null`;
const found = (asked: string): string => `
  declare held text := ${hashed}; holder uuid; begin
    select user_id into holder from public.api_keys where key_hash = held;
    if holder is null then raise exception 'unknown key'; end if;
    return query select c.* from public.customers c where ${asked}; end`;

/** What a user shares by links, some of which let anyone change it. */
const links = (which: string): string => `
  create table public.docs (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), title text not null);
  create table public.links (id uuid primary key default gen_random_uuid(), doc_id uuid not null references public.docs (id),
    token text not null unique default encode(extensions.gen_random_bytes(16), 'hex'), can_edit boolean not null default false);
  create index on public.docs (owner_id); create index on public.links (doc_id);
  alter table public.docs enable row level security; alter table public.links enable row level security;
  create policy s on public.docs for select to authenticated using (owner_id = ${me}); grant select on public.docs to authenticated;
  ${callable(
    'rename(p_token text, p_doc uuid, p_title text)',
    'text, uuid, text',
    'void',
    `update public.docs d set title = p_title from public.links l where l.token = p_token and l.can_edit and ${which} and d.id = p_doc`,
  )}`;

/** An organization's devices, each with a token of its own, and what they measure. */
const devices = (body: string): string => `
  create table public.farms (id bigint generated always as identity primary key, name text not null);
  create table public.farm_members (farm_id bigint not null references public.farms (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (farm_id, user_id));
  create table public.devices (id bigint generated always as identity primary key,
    farm_id bigint not null references public.farms (id) on delete cascade, token uuid not null default gen_random_uuid() unique);
  create table public.sensors (id bigint generated always as identity primary key,
    farm_id bigint not null references public.farms (id) on delete cascade, place text not null, reading int not null default 0);
  create index on public.farm_members (user_id); create index on public.devices (farm_id); create index on public.sensors (farm_id);
  alter table public.farms enable row level security; alter table public.farm_members enable row level security;
  alter table public.devices enable row level security; alter table public.sensors enable row level security;
  create function public.my_farms() returns setof bigint language sql stable security definer set search_path = '' as
    $$ select farm_id from public.farm_members where user_id = auth.uid() $$;
  create policy s on public.farms for select to authenticated using (id in (select public.my_farms()));
  create policy s on public.farm_members for select to authenticated using (farm_id in (select public.my_farms()));
  create policy s on public.sensors for select to authenticated using (farm_id in (select public.my_farms()));
  grant select on public.farms, public.farm_members, public.sensors to authenticated;
  ${body}`;
const places = (on: string): string =>
  callable(
    'places_of(p_token uuid)',
    'uuid',
    'table (place text)',
    `select s.place from public.devices d join public.sensors s on ${on} where d.token = p_token`,
  );
const measure = (asked: string): string =>
  callable(
    'measure(p_token uuid, p_sensor bigint, p_reading int)',
    'uuid, bigint, int',
    'void',
    `declare d public.devices; begin select * into d from public.devices where token = $1; if not found then raise exception 'unknown device'; end if;
     update public.sensors set reading = p_reading where id = p_sensor ${asked}; end`,
    'plpgsql',
  );

const pairs: Pair[] = [
  [
    'the key is not joined with its owner',
    keys(
      scoped,
      `select c.* from public.customers c join public.api_keys k on k.user_id = c.owner_id where ${isValid}`,
    ),
    keys(scoped, `select c.* from public.customers c cross join public.api_keys k where ${isValid}`),
    'isolation-read public.customers_by(text)',
  ],
  [
    'a variable, and no condition on whose it is',
    keys('', found('c.owner_id = holder'), 'plpgsql'),
    keys('', found('holder is not null'), 'plpgsql'),
    'isolation-read public.customers_by(text)',
  ],
  [
    'keys of the server, which may read everything',
    keys(
      ', is_server boolean not null default false',
      `select c.* from public.customers c join public.api_keys k on k.user_id = c.owner_id or k.is_server where k.key_hash = ${hashed}`,
    ),
    keys(
      ', is_server boolean not null default false',
      `select c.* from public.customers c join public.api_keys k on k.user_id = c.owner_id or not k.is_server where k.key_hash = ${hashed}`,
    ),
    'isolation-read public.customers_by(text)',
  ],
  [
    'the join compares another column',
    devices(places('s.farm_id = d.farm_id')),
    devices(places('s.farm_id = s.farm_id and d.farm_id = d.farm_id')),
    'isolation-read public.places_of(uuid)',
  ],
  [
    'a link that lets one change another thing',
    links('d.id = l.doc_id'),
    links('l.doc_id is not null'),
    'isolation-write public.rename(text, uuid, text)',
  ],
  [
    'what is written is named beside the token',
    devices(measure('and farm_id = d.farm_id')),
    devices(measure('')),
    'isolation-write public.measure(uuid, bigint, integer)',
  ],
];
testPairs(pairs);
