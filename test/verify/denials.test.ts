/** Rows that hold a user back, as blocks, bans and revoked sessions do: only others may take them off. */
import { expect, it } from 'vitest';
import { errorsOf, findingsProver } from './prove-files.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';
const helpers = 'create schema private; grant usage on schema private to authenticated;';
const helper = (name: string, args: string, body: string, returns = 'boolean'): string =>
  `create function private.${name}(${args}) returns ${returns} language sql stable security definer set search_path = '' as $$ select ${body} $$;`;

const blocks = `create table public.blocks (blocker_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    blocked_id uuid not null references auth.users (id) on delete cascade, primary key (blocker_id, blocked_id));
  create index on public.blocks (blocked_id); alter table public.blocks enable row level security;
  grant select, insert, update, delete on public.blocks to authenticated;
  create policy bi on public.blocks for insert to authenticated with check (blocker_id = ${me});
  create policy bu on public.blocks for update to authenticated using (blocker_id = ${me}) with check (blocker_id = ${me});`;
const both = `${me} in (blocker_id, blocked_id)`;
const blockers = `create policy br on public.blocks for select to authenticated using (blocker_id = ${me});
  create policy bd on public.blocks for delete to authenticated using (blocker_id = ${me});`;
const blocked = `create policy br on public.blocks for select to authenticated using (${both});
  create policy bd on public.blocks for delete to authenticated using (${both});`;
const turned = `create policy br on public.blocks for select to authenticated using (${both});
  create policy bd on public.blocks for delete to authenticated using (blocker_id = ${me});
  create policy bt on public.blocks for update to authenticated using (${both}) with check (${both});`;

const messages = (isRefused: string): string => `${helpers}
  ${helper('is_blocked', 'u uuid', 'exists (select 1 from public.blocks where blocker_id = u and blocked_id = auth.uid())')}
  create table public.messages (id uuid primary key default gen_random_uuid(),
    sender_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    recipient_id uuid not null references auth.users (id), body text not null);
  create index on public.messages (sender_id); create index on public.messages (recipient_id);
  alter table public.messages enable row level security; grant select, insert on public.messages to authenticated;
  create policy mr on public.messages for select to authenticated using (${me} in (sender_id, recipient_id));
  create policy mi on public.messages for insert to authenticated with check (sender_id = ${me} and ${isRefused});`;
const moments = `${helpers}
  ${helper('is_blocked', 'u uuid', 'exists (select 1 from public.blocks where blocker_id = u and blocked_id = auth.uid())')}
  create table public.moments (id uuid primary key default gen_random_uuid(),
    author_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.moments (author_id); alter table public.moments enable row level security;
  grant select, insert on public.moments to authenticated;
  -- muse: public-read
  create policy mr on public.moments for select to authenticated using (author_id = ${me} or not private.is_blocked(author_id));
  create policy mi on public.moments for insert to authenticated with check (author_id = ${me});`;

const communities = `${helpers} create table public.communities (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, name text not null);
  create table public.bans (community_id uuid not null references public.communities (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (community_id, user_id));
  create table public.posts (id uuid primary key default gen_random_uuid(),
    author_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    community_id uuid not null references public.communities (id), body text not null);
  create index on public.communities (owner_id); create index on public.bans (user_id);
  create index on public.posts (author_id); create index on public.posts (community_id);
  alter table public.communities enable row level security; alter table public.bans enable row level security;
  alter table public.posts enable row level security;
  grant select, insert on public.communities to authenticated; grant select, insert, delete on public.bans to authenticated;
  grant select, insert on public.posts to authenticated;
  ${helper('owns', 'c uuid', 'exists (select 1 from public.communities where id = c and owner_id = auth.uid())')}
  ${helper('banned', 'c uuid', 'exists (select 1 from public.bans where community_id = c and user_id = auth.uid())')}
  -- muse: public-read
  create policy cr on public.communities for select to authenticated using (true);
  create policy ci on public.communities for insert to authenticated with check (owner_id = ${me});
  create policy bm on public.bans for all to authenticated using (private.owns(community_id)) with check (private.owns(community_id));
  create policy pr on public.posts for select to authenticated using (author_id = ${me} or private.owns(community_id));
  create policy pi on public.posts for insert to authenticated with check (author_id = ${me} and not private.banned(community_id));`;

const sessions = `create table public.revoked_sessions (session_id uuid primary key,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  create table public.files (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, name text not null);
  create index on public.revoked_sessions (user_id); create index on public.files (user_id);
  alter table public.revoked_sessions enable row level security; alter table public.files enable row level security;
  grant select, insert, delete on public.revoked_sessions to authenticated; grant select, insert on public.files to authenticated;
  create policy rr on public.revoked_sessions for select to authenticated using (user_id = ${me});
  create policy ri on public.revoked_sessions for insert to authenticated with check (user_id = ${me});
  create policy own on public.files for all to authenticated using (user_id = ${me}) with check (user_id = ${me});
  create policy live on public.files as restrictive for all to authenticated
    using (not exists (select 1 from public.revoked_sessions s where s.session_id = (select (auth.jwt() ->> 'session_id')::uuid)));`;

const refusals: [how: string, sql: string][] = [
  ['NOT', 'not private.is_blocked(recipient_id)'],
  ['IS NOT TRUE', 'private.is_blocked(recipient_id) is not true'],
  ['= false', 'coalesce(private.is_blocked(recipient_id), false) = false'],
];

const pairs: Pair[] = [
  ...refusals.map(([how, sql]): Pair => [
    `who is blocked deletes the block, refused by ${how}`,
    `${blocks} ${blockers} ${messages(sql)}`,
    `${blocks} ${blocked} ${messages(sql)}`,
    'isolation-write public.blocks',
  ]),
  [
    'who is blocked deletes the block, and reads',
    `${blocks} ${blockers} ${moments}`,
    `${blocks} ${blocked} ${moments}`,
    'isolation-write public.blocks',
  ],
  [
    'who is blocked turns the block around',
    `${blocks} ${blockers} ${moments}`,
    `${blocks} ${turned} ${moments}`,
    'isolation-write public.blocks',
  ],
  [
    'who is banned deletes the ban',
    `${communities} create policy own on public.bans for select to authenticated using (user_id = ${me});`,
    `${communities} create policy own on public.bans for all to authenticated using (user_id = ${me}) with check (user_id = ${me});`,
    'isolation-escalation public.bans',
  ],
  [
    'who is banned moves the ban elsewhere',
    `${communities} grant update on public.bans to service_role;
     create policy own on public.bans for select to authenticated using (user_id = ${me});`,
    `${communities} grant update on public.bans to authenticated;
     create policy own on public.bans for select to authenticated using (user_id = ${me});
     create policy moved on public.bans for update to authenticated using (user_id = ${me}) with check (user_id = ${me});`,
    'isolation-escalation public.bans',
  ],
  [
    'a session that was revoked takes that back',
    sessions,
    `${sessions} create policy rd on public.revoked_sessions for delete to authenticated using (user_id = ${me});`,
    'isolation-write public.revoked_sessions',
  ],
];
testPairs(pairs);

const find = findingsProver();
const gapsOn = async (sql: string, object: string): Promise<boolean> =>
  (await find(sql)).some(
    (one) => one.rule === 'not-proven' && one.object === object && /hold users back/.test(one.message),
  );

const shouts = (refused: string): string => `create table public.shouts (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.shouts (user_id); alter table public.shouts enable row level security;
  grant select, insert on public.shouts to authenticated;
  create policy sr on public.shouts for select to authenticated using (user_id = ${me});
  create policy si on public.shouts for insert to authenticated with check (user_id = ${me} and ${refused});`;
const paused = `${helpers} create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, name text,
    paused_until timestamptz);
  alter table public.profiles enable row level security; grant select on public.profiles to authenticated;
  create policy own on public.profiles for all to authenticated using (id = ${me}) with check (id = ${me});
  ${helper('paused', '', 'exists (select 1 from public.profiles where id = auth.uid() and paused_until > now())')}
  ${shouts('not private.paused()')}`;
const moderation = `${helpers} create table public.moderation (user_id uuid not null references auth.users (id) on delete cascade,
    action text not null check (action in ('ban', 'unban', 'appeal')), at timestamptz not null default clock_timestamp());
  create index on public.moderation (user_id); alter table public.moderation enable row level security;
  grant select, insert on public.moderation to authenticated;
  create policy mr on public.moderation for select to authenticated using (user_id = ${me});
  ${helper('allowed', '', "coalesce((select action <> 'ban' from public.moderation where user_id = auth.uid() and action <> 'appeal' order by at desc limit 1), true)")}
  ${shouts('private.allowed()')}`;

it('what a user may put there and take away itself, only the author knows', async () => {
  const all = `${paused} grant update on public.profiles to authenticated;`;
  const name = `${paused} grant update (name) on public.profiles to authenticated;`;
  expect(errorsOf(await find(all))).toEqual([]);
  expect(await gapsOn(all, 'public.profiles')).toBe(true);
  expect(await gapsOn(name, 'public.profiles')).toBe(false);
});

it('a later row takes the place of an earlier one', async () => {
  const any = `create policy mi on public.moderation for insert to authenticated with check (user_id = ${me});`;
  const appeals = `create policy mi on public.moderation for insert to authenticated with check (user_id = ${me} and action = 'appeal');`;
  expect(await gapsOn(`${moderation} ${any}`, 'public.moderation')).toBe(true);
  expect(await gapsOn(`${moderation} ${appeals}`, 'public.moderation')).toBe(false);
});

it('what a user hides from itself is its own choice', async () => {
  const topics = `create table public.topics (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.hidden_topics (user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
      topic_id uuid not null references public.topics (id) on delete cascade, primary key (user_id, topic_id));
    create index on public.hidden_topics (topic_id);
    alter table public.topics enable row level security; alter table public.hidden_topics enable row level security;
    grant select on public.topics to authenticated; grant select, insert, delete on public.hidden_topics to authenticated;
    -- muse: public-read
    create policy tr on public.topics for select to authenticated using (true);
    create policy own on public.hidden_topics for all to authenticated using (user_id = ${me}) with check (user_id = ${me});
    create policy shown on public.topics as restrictive for select to authenticated
      using (not exists (select 1 from public.hidden_topics h where h.user_id = ${me} and h.topic_id = topics.id));`;
  expect(errorsOf(await find(topics))).toEqual([]);
  expect(await gapsOn(topics, 'public.hidden_topics')).toBe(false);
});

it('who may let users in, or keep them out, may let in another one instead', async () => {
  const whole = `${communities} grant update on public.bans to authenticated;`;
  expect(errorsOf(await find(whole))).toEqual([]);
  const own = `create policy own on public.bans for update to authenticated using (user_id = ${me}) with check (true);
    create policy seen on public.bans for select to authenticated using (user_id = ${me});`;
  expect(errorsOf(await find(`${whole} ${own}`))).toContain('isolation-reassign public.bans');
});
