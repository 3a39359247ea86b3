/** Rows that list the users whom they let in: in an array, or as the keys of a document. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

interface Listing {
  /** The column of the list. */
  column: string;
  /** What is asked of it in policies, and in the helper of the posts. */
  asks: string;
  helper: string;
}

/** Rooms that nobody owns, and what is posted in them. */
const rooms = ({ column, asks, helper }: Listing): string => `
  create table public.rooms (id uuid primary key default gen_random_uuid(), ${column}, title text);
  create table public.posts (id uuid primary key default gen_random_uuid(), room_id uuid not null references public.rooms (id) on delete cascade,
    body text not null);
  create index on public.posts (room_id);
  create schema private; grant usage on schema private to authenticated;
  create function private.in_room(r uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.rooms where id = r and ${helper}) $$;
  alter table public.rooms enable row level security; alter table public.posts enable row level security;
  create policy s on public.rooms for select to authenticated using (${asks});
  create policy u on public.rooms for update to authenticated using (${asks}) with check (${asks});
  create policy s on public.posts for select to authenticated using (private.in_room(room_id));
  create policy i on public.posts for insert to authenticated with check (private.in_room(room_id));
  grant select on public.rooms to authenticated; grant update (title) on public.rooms to authenticated;
  grant select, insert on public.posts to authenticated;`;

const uuids = rooms({
  column: 'users uuid[] not null',
  asks: `${me} = any (users)`,
  helper: 'auth.uid() = any (users)',
});
const texts = rooms({
  column: 'users text[]',
  asks: `users @> array[${me}::text]`,
  helper: 'array[auth.uid()::text] <@ users',
});
const pairsOfUsers = rooms({
  column: 'users uuid[] not null check (cardinality(users) = 2)',
  asks: `users && array[${me}]`,
  helper: 'auth.uid() in (select unnest(users))',
});
const keys = rooms({
  column: "roles jsonb not null default '{}'",
  asks: `roles ? ${me}::text`,
  helper: "roles ->> auth.uid()::text in ('writer', 'lead')",
});

const addresses = rooms({
  column: 'emails text[] not null',
  asks: '(select auth.email()) = any (emails)',
  helper: 'lower(auth.email()) = any (emails)',
});

/** Who is listed in any of them. */
const inAny = (sql: string): string => sql.replace('where id = r and', 'where');
const readAlso = (sql: string, using: string): string =>
  `${sql} create policy also on public.rooms for select to authenticated using (${using});`;

/** Messages of a sender in chats that list who takes part. */
const chats = (check: string): string => `
  create table public.chats (id uuid primary key default gen_random_uuid(), users uuid[] not null, title text);
  create table public.lines (id uuid primary key default gen_random_uuid(), chat_id uuid not null references public.chats (id) on delete cascade,
    sender_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.lines (chat_id); create index on public.lines (sender_id);
  alter table public.chats enable row level security; alter table public.lines enable row level security;
  create policy s on public.chats for select to authenticated using (${me} = any (users));
  create policy s on public.lines for select to authenticated
    using (exists (select 1 from public.chats c where c.id = chat_id and ${me} = any (c.users)));
  create policy i on public.lines for insert to authenticated with check (${check});
  grant select on public.chats to authenticated; grant select, insert on public.lines to authenticated;`;
const inChat = `exists (select 1 from public.chats c where c.id = chat_id and ${me} = any (c.users))`;

/** Documents of an owner who lists guests. */
const documents = (
  column: string,
  reads: string,
): string => `create table public.documents (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, ${column}, title text not null);
  create index on public.documents (owner_id); alter table public.documents enable row level security;
  create policy s on public.documents for select to authenticated using (owner_id = ${me} or ${reads});
  create policy i on public.documents for insert to authenticated with check (owner_id = ${me});
  create policy u on public.documents for update to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
  grant select, insert, update on public.documents to authenticated;`;
/** Documents whose owner is in them, as where they come from another kind of database. */
const imported = (using: string, more = ''): string => `
  create table public.imported (id text primary key default gen_random_uuid()::text, data jsonb not null);
  alter table public.imported enable row level security;
  create policy s on public.imported for select to authenticated using (data ->> 'owner' = ${me}::text);
  create policy i on public.imported for insert to authenticated with check (data ->> 'owner' = ${me}::text);
  create policy u on public.imported for update to authenticated using (${using}) with check (data ->> 'owner' = ${me}::text);
  grant select, insert, update on public.imported to authenticated; ${more}`;
const ownImported = imported(`data ->> 'owner' = ${me}::text`);
const guests = "guests uuid[] not null default '{}'";
const acl = "acl jsonb not null default '{}'";

const pairs: Pair[] = [
  ['posts, by an array', uuids, inAny(uuids), 'isolation-read public.posts'],
  ['posts, by texts', texts, inAny(texts), 'isolation-read public.posts'],
  ['posts, by a list of two', pairsOfUsers, inAny(pairsOfUsers), 'isolation-read public.posts'],
  ['posts, by the keys of a document', keys, inAny(keys), 'isolation-read public.posts'],
  ['rooms without a title', uuids, readAlso(uuids, 'title is null'), 'isolation-read public.rooms'],
  ['rooms without roles', keys, readAlso(keys, "roles = '{}'"), 'isolation-read public.rooms'],
  [
    'a line in any chat',
    chats(`sender_id = ${me} and ${inChat}`),
    chats(`sender_id = ${me}`),
    'isolation-insert public.lines',
  ],
  ['posts, by addresses', addresses, inAny(addresses), 'isolation-read public.posts'],
  [
    'guests by their address, and all of their domain',
    documents('editors text[]', '(select auth.email()) = any (editors)'),
    documents(
      'editors text[]',
      "(select auth.email()) = any (editors) or split_part((select auth.email()), '@', 2) = split_part(editors[1], '@', 2)",
    ),
    'isolation-read public.documents',
  ],
  [
    'an owner in a document, and a flag beside it',
    ownImported,
    `${ownImported} create policy shared on public.imported for select to authenticated using ((data ->> 'shared')::boolean);`,
    'isolation-read public.imported',
  ],
  [
    'an owner in a document, whom anyone replaces',
    ownImported,
    imported("data ? 'owner'"),
    'isolation-reassign public.imported',
  ],
  [
    'users in a list, whom anyone replaces',
    `${uuids} grant update (users) on public.rooms to authenticated;`,
    `${uuids} grant update (users) on public.rooms to authenticated;
     alter policy u on public.rooms using (title is not null) with check (${me} = any (users));`,
    'isolation-reassign public.rooms',
  ],
  [
    'a document without guests',
    documents(guests, `${me} = any (guests)`),
    documents(guests, `${me} = any (guests) or cardinality(guests) = 0`),
    'isolation-read public.documents',
  ],
  [
    'a document for all keys but one',
    documents(acl, `acl ->> ${me}::text = 'viewer'`),
    documents(acl, `acl ->> ${me}::text is distinct from 'blocked'`),
    'isolation-read public.documents',
  ],
];

describe('rows that list the users whom they let in', () => {
  testPairs(pairs);
});
