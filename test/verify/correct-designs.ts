/** Correct designs of many kinds in small schemas: no user reaches more than it should. */
import { callable, helper, mine, ofTeams, ours, owned, partOf, seenBy, teams } from './designs.ts';

const uid = '(select auth.uid())';
const pr = 'create schema if not exists private; grant usage on schema private to authenticated;';

/** Row-level security, and grants. */
const rls = (table: string, grants: string): string =>
  `alter table public.${table} enable row level security; ${grants}`;

/** A table that joins users to rows of `parent`. */
const join = (table: string, parent: string): string => `create table public.${table} (
    ${parent}_id uuid not null references public.${parent} (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, primary key (${parent}_id, user_id));
  create index on public.${table} (user_id); alter table public.${table} enable row level security;`;

const articles =
  owned('articles', `published boolean not null default false`) +
  `
-- muse: public-read
create policy pub on public.articles for select to anon, authenticated using (published); grant select on public.articles to anon;`;
/** Texts that a policy casts, so that only texts of another type can be in them, and flags that every row must have set. */
export const casts: readonly [name: string, column: string, condition: string][] = [
  ['an enum', 'stage text not null', "stage::public.stage = 'draft'"],
  ['an enum, by a helper', 'stage text not null', 'public.is_draft(stage)'],
  ['an enum, in JSON', 'stage jsonb not null', "(stage ->> 'is')::public.stage = 'draft'"],
  ['a number', 'stage text not null', 'stage::int < 10'],
  ['numbers', 'stage text[] not null', 'not (5 = any (stage::int[]))'],
  ['a time', 'stage text not null', 'stage::timestamptz < now()'],
  ['JSON', 'stage text not null', "(stage::jsonb ->> 'x') is null"],
  ['a UUID', 'stage text not null', 'stage::uuid is not null'],
  ['a flag', 'stage text not null', 'stage::boolean'],
  ['a flag that is one', 'stage boolean not null', 'stage'],
];

/** Rows in which such a column decides, under one policy for everything. */
export const withCast = (column: string, condition: string): string =>
  `create type public.stage as enum ('draft', 'shown');
  create function public.is_draft(said text) returns boolean language sql stable as $$ select said::public.stage = 'draft' $$;
  create table public.pages (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, ${column});
  create index on public.pages (owner_id); ${rls('pages', 'grant select, insert, update, delete on public.pages to authenticated;')}
  create policy everything on public.pages for all to authenticated using (${condition});`;

/** Each with its name; none has an error. */
export const correctDesigns: readonly [name: string, sql: string][] = [
  ...casts.map(([name, column, condition]): [string, string] => [
    `rows for their owner alone, as long as a column holds ${name}`,
    withCast(column, `${mine} and ${condition}`),
  ]),
  [
    'texts with a default: one that nothing names, one that a trigger takes, one that policies ask for',
    "create type public.rank as enum ('low', 'high');" +
      owned(
        'pages',
        "font text not null default 'Inter', zone text not null default 'UTC', stage text not null default 'draft', rank text not null default 'low'",
        `${mine} and rank::public.rank is not null`,
      ) +
      `create policy staged on public.pages as restrictive for update to authenticated using (stage = 'draft');
      create function public.stamp() returns trigger language plpgsql set search_path = '' as
        $$ begin if new.zone not in ('UTC', 'CET') then raise exception 'no such zone'; end if; return new; end $$;
      create trigger stamp before insert or update on public.pages for each row execute function public.stamp();`,
  ],
  [
    'roles without a list that a trigger gives who founds a group',
    `create schema private; grant usage on schema private to authenticated;
      create table public.groups (id uuid primary key default gen_random_uuid(), created_by uuid not null default auth.uid() references auth.users (id), name text not null);
      create table public.group_members (group_id uuid not null references public.groups (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member', nickname text not null default 'new here', primary key (group_id, user_id));
      create index on public.group_members (user_id); create index on public.groups (created_by);
      create function private.found() returns trigger language plpgsql security definer set search_path = '' as
        $$ begin insert into public.group_members (group_id, user_id, role) values (new.id, new.created_by, 'owner'); return new; end $$;
      revoke all on function private.found() from public;
      create trigger found after insert on public.groups for each row execute function private.found();
      create function private.my_groups(as_role text) returns setof uuid language sql stable security definer set search_path = '' as
        $$ select group_id from public.group_members where user_id = auth.uid() and (as_role is null or role = as_role) $$;
      revoke all on function private.my_groups(text) from public; grant execute on function private.my_groups(text) to authenticated;
      ${rls('groups', 'grant select, insert, update, delete on public.groups to authenticated;')} ${rls('group_members', 'grant select on public.group_members to authenticated;')}
      create policy r on public.groups for select to authenticated using (created_by = ${uid} or id in (select private.my_groups(null)));
      create policy i on public.groups for insert to authenticated with check (created_by = ${uid});
      create policy u on public.groups for update to authenticated using (id in (select private.my_groups('owner'))) with check (id in (select private.my_groups('owner')) and created_by = created_by);
      create policy d on public.groups for delete to authenticated using (id in (select private.my_groups('owner')));
      create policy r on public.group_members for select to authenticated using (group_id in (select private.my_groups(null)));`,
  ],
  [
    'a taste that users write into their own metadata, beside what they are members of',
    `${ofTeams('posts', `${ours} and coalesce((select auth.jwt() -> 'user_metadata' ->> 'taste'), 'all') in ('all', 'some')`)}`,
  ],
  [
    'bookmarks',
    articles +
      join('bookmarks', 'articles') +
      `grant select, insert, delete on public.bookmarks to authenticated; create policy r on public.bookmarks for select to authenticated using (user_id = ${uid}); create policy i on public.bookmarks for insert to authenticated with check (user_id = ${uid} and exists (select 1 from public.articles where articles.id = articles_id)); create policy d on public.bookmarks for delete to authenticated using (user_id = ${uid});`,
  ],
  [
    'likes',
    articles +
      join('likes', 'articles') +
      `grant select, insert, delete on public.likes to authenticated;
-- muse: public-read
create policy r on public.likes for select to authenticated using (true); create policy i on public.likes for insert to authenticated with check (user_id = ${uid}); create policy d on public.likes for delete to authenticated using (user_id = ${uid});`,
  ],
  [
    'follows',
    `create table public.follows (follower uuid not null default auth.uid() references auth.users (id), followed uuid not null references auth.users (id), primary key (follower, followed), check (follower <> followed)); create index on public.follows (followed); ${rls('follows', `grant select, insert, delete on public.follows to authenticated;`)} create policy r on public.follows for select to authenticated using (${uid} in (follower, followed)); create policy i on public.follows for insert to authenticated with check (follower = ${uid}); create policy d on public.follows for delete to authenticated using (follower = ${uid});`,
  ],
  [
    'friend requests',
    `create table public.friendships (requester uuid not null default auth.uid() references auth.users (id), addressee uuid not null references auth.users (id), accepted boolean not null default false, primary key (requester, addressee)); create index on public.friendships (addressee); ${rls('friendships', `grant select, insert, delete on public.friendships to authenticated; grant update (accepted) on public.friendships to authenticated;`)} create policy r on public.friendships for select to authenticated using (${uid} in (requester, addressee)); create policy i on public.friendships for insert to authenticated with check (requester = ${uid} and not accepted); create policy u on public.friendships for update to authenticated using (addressee = ${uid}) with check (addressee = ${uid}); create policy d on public.friendships for delete to authenticated using (${uid} in (requester, addressee));
` +
      owned('posts') +
      seenBy(
        'posts',
        `${mine} or exists (select 1 from public.friendships f where f.accepted and ((f.requester = ${uid} and f.addressee = owner_id) or (f.addressee = ${uid} and f.requester = owner_id)))`,
      ),
  ],
  [
    'invitations by e-mail',
    teams +
      `create table public.invites (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade, email text not null, expires_at timestamptz not null default now() + interval '7 days'); create index on public.invites (team_id); create index on public.invites (email); ${rls('invites', 'grant select, insert, delete on public.invites to authenticated;')} create policy r on public.invites for select to authenticated using (${ours} or (email = (select auth.jwt() ->> 'email') and expires_at > now())); create policy i on public.invites for insert to authenticated with check (${ours}); create policy d on public.invites for delete to authenticated using (${ours});` +
      callable(
        'public.accept_invite(invite uuid)',
        'void',
        `insert into public.team_users (team_id, user_id) select i.team_id, auth.uid() from public.invites i where i.id = invite and i.email = (auth.jwt() ->> 'email') and i.expires_at > now() on conflict do nothing; delete from public.invites where id = invite and email = (auth.jwt() ->> 'email')`,
      ),
  ],
  [
    'link by token',
    owned('docs', 'token uuid unique default gen_random_uuid(), shared boolean not null default false') +
      callable(
        'public.shared_doc(t uuid)',
        'table (title text)',
        `select title from public.docs where token = t and shared`,
      ),
  ],
  [
    'org team project',
    teams +
      `create table public.projects (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade, name text not null, archived boolean not null default false); create index on public.projects (team_id); ${rls('projects', 'grant select, insert, update, delete on public.projects to authenticated;')} create policy a on public.projects for all to authenticated using (${ours}) with check (${ours}); create table public.tasks (id uuid primary key default gen_random_uuid(), project_id uuid not null references public.projects (id) on delete cascade, title text not null, assignee uuid references auth.users (id)); create index on public.tasks (project_id); create index on public.tasks (assignee); ${rls('tasks', 'grant select, insert, update, delete on public.tasks to authenticated;')} create policy a on public.tasks for all to authenticated using (exists (select 1 from public.projects p where p.id = project_id and p.${ours})) with check (exists (select 1 from public.projects p where p.id = project_id and p.${ours} and not p.archived));`,
  ],
  [
    'public profiles',
    `-- muse: public-read
create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, nick text not null default ''); ${rls('profiles', `grant select, update on public.profiles to authenticated; grant select on public.profiles to anon;`)} create policy r on public.profiles for select to anon, authenticated using (true); create policy u on public.profiles for update to authenticated using (id = ${uid}) with check (id = ${uid}); create table public.private_profiles (id uuid primary key references public.profiles (id) on delete cascade, phone text, born date); ${rls('private_profiles', 'grant select, insert, update on public.private_profiles to authenticated;')} create policy r on public.private_profiles for select to authenticated using (id = ${uid}); create policy i on public.private_profiles for insert to authenticated with check (id = ${uid}); create policy u on public.private_profiles for update to authenticated using (id = ${uid}) with check (id = ${uid});`,
  ],
  [
    'soft delete',
    owned('notes', 'deleted_at timestamptz') +
      seenBy('notes', mine) +
      `create view public.live_notes with (security_invoker = true) as select * from public.notes where deleted_at is null; grant select on public.live_notes to authenticated;` +
      callable(
        'public.restore(note uuid)',
        'void',
        `update public.notes set deleted_at = null where id = note and owner_id = auth.uid()`,
      ),
  ],
  [
    'moderation',
    owned('posts', `hidden boolean not null default false`) +
      `create table public.moderators (user_id uuid primary key references auth.users (id)); ${rls('moderators', 'grant select on public.moderators to authenticated;')} create policy r on public.moderators for select to authenticated using (user_id = ${uid}); create policy m on public.posts for all to authenticated using (exists (select 1 from public.moderators where moderators.user_id = ${uid})) with check (exists (select 1 from public.moderators where moderators.user_id = ${uid}));`,
  ],
  [
    'read receipts',
    owned('rooms') +
      join('room_users', 'rooms') +
      pr +
      helper('my_rooms()', 'setof uuid', 'select rooms_id from public.room_users where user_id = auth.uid()') +
      `grant select on public.room_users to authenticated; create policy r on public.room_users for select to authenticated using (rooms_id in (select private.my_rooms())); create table public.messages (id uuid primary key default gen_random_uuid(), room_id uuid not null references public.rooms (id) on delete cascade, sender_id uuid not null default auth.uid() references auth.users (id), body text not null); create index on public.messages (room_id); create index on public.messages (sender_id); ${rls('messages', 'grant select, insert on public.messages to authenticated;')} create policy r on public.messages for select to authenticated using (room_id in (select private.my_rooms())); create policy i on public.messages for insert to authenticated with check (sender_id = ${uid} and room_id in (select private.my_rooms())); create table public.receipts (message_id uuid not null references public.messages (id) on delete cascade, user_id uuid not null default auth.uid() references auth.users (id), read_at timestamptz not null default now(), primary key (message_id, user_id)); create index on public.receipts (user_id); ${rls('receipts', 'grant select, insert on public.receipts to authenticated;')} create policy r on public.receipts for select to authenticated using (exists (select 1 from public.messages m where m.id = message_id)); create policy i on public.receipts for insert to authenticated with check (user_id = ${uid} and exists (select 1 from public.messages m where m.id = message_id));`,
  ],
  [
    'settings jsonb',
    `create table public.settings (user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, data jsonb not null default '{}'); ${rls('settings', 'grant select, insert, update on public.settings to authenticated;')} create policy a on public.settings for all to authenticated using (user_id = ${uid}) with check (user_id = ${uid} and data ->> 'plan' is null);`,
  ],
  [
    'support tickets',
    `create table public.agents (user_id uuid primary key references auth.users (id)); ${rls('agents', '')} ${pr} ${helper('is_agent()', 'boolean', 'select exists (select 1 from public.agents where user_id = auth.uid())')}` +
      owned('tickets', `status text not null default 'open' check (status in ('open', 'closed'))`) +
      `alter policy r on public.tickets using (${mine} or (select private.is_agent())); create policy ua on public.tickets for update to authenticated using ((select private.is_agent())) with check ((select private.is_agent())); create table public.replies (id uuid primary key default gen_random_uuid(), ticket_id uuid not null references public.tickets (id) on delete cascade, author_id uuid not null default auth.uid() references auth.users (id), body text not null); create index on public.replies (ticket_id); create index on public.replies (author_id); ${rls('replies', 'grant select, insert on public.replies to authenticated;')} create policy r on public.replies for select to authenticated using (exists (select 1 from public.tickets t where t.id = ticket_id)); create policy i on public.replies for insert to authenticated with check (author_id = ${uid} and exists (select 1 from public.tickets t where t.id = ticket_id and (t.status = 'open' or (select private.is_agent()))));`,
  ],
  [
    'time-limited shares',
    owned('files') +
      `create table public.shares (file_id uuid not null references public.files (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade, until timestamptz not null default now() + interval '7 days', primary key (file_id, user_id)); create index on public.shares (user_id); ${rls('shares', 'grant select, insert, delete on public.shares to authenticated;')} ${pr} ${helper('owns(f uuid)', 'boolean', 'select exists (select 1 from public.files where id = f and owner_id = auth.uid())')} ${helper('shared_with_me()', 'setof uuid', 'select file_id from public.shares where user_id = auth.uid() and until > now()')} create policy r on public.shares for select to authenticated using (user_id = ${uid} or private.owns(file_id)); create policy i on public.shares for insert to authenticated with check (private.owns(file_id)); create policy d on public.shares for delete to authenticated using (private.owns(file_id)); alter policy r on public.files using (${mine} or id in (select private.shared_with_me()));`,
  ],
  [
    'bans',
    owned('posts') +
      `create table public.bans (user_id uuid primary key references auth.users (id), until timestamptz); ${rls('bans', '')} ${pr} ${helper('is_banned()', 'boolean', 'select exists (select 1 from public.bans where user_id = auth.uid() and (until is null or until > now()))')} create policy b on public.posts as restrictive for all to authenticated using (not (select private.is_banned()));`,
  ],
  [
    'orders and customers',
    owned(
      'orders',
      `status text not null default 'new' check (status in ('new','paid','sent')), total numeric not null default 0`,
    ) +
      `alter policy u on public.orders using (${mine} and status = 'new') with check (${mine} and status = 'new'); alter policy d on public.orders using (${mine} and status = 'new');` +
      partOf(
        'lines',
        'orders',
        `exists (select 1 from public.orders o where o.id = orders_id and o.owner_id = ${uid})`,
        'n int not null default 1',
      ) +
      `grant insert, update, delete on public.lines to authenticated; create policy i on public.lines for insert to authenticated with check (exists (select 1 from public.orders o where o.id = orders_id and o.owner_id = ${uid} and o.status = 'new')); create policy u on public.lines for update to authenticated using (exists (select 1 from public.orders o where o.id = orders_id and o.owner_id = ${uid} and o.status = 'new')) with check (exists (select 1 from public.orders o where o.id = orders_id and o.owner_id = ${uid} and o.status = 'new')); create policy d on public.lines for delete to authenticated using (exists (select 1 from public.orders o where o.id = orders_id and o.owner_id = ${uid} and o.status = 'new'));`,
  ],
  [
    'tree of folders',
    owned('folders', 'parent_id uuid references public.folders (id)') +
      `create index on public.folders (parent_id); alter policy i on public.folders with check (${mine} and (parent_id is null or exists (select 1 from public.folders p where p.id = folders.parent_id)));`.replace(
        /alter policy i[^;]*;/,
        '',
      ) +
      callable(
        'public.path(f uuid)',
        'text',
        `with recursive up as (select id, parent_id, title from public.folders where id = f and owner_id = auth.uid() union all select p.id, p.parent_id, p.title from public.folders p join up on up.parent_id = p.id where p.owner_id = auth.uid()) select string_agg(title, '/') from up`,
      ),
  ],
  [
    'plans by status function',
    owned('subs', `status text not null default 'active'`) +
      callable(
        'public.has_plan()',
        'boolean',
        `select exists (select 1 from public.subs where owner_id = auth.uid() and status in ('active', 'trialing'))`,
      ),
  ],
  [
    'queue for the server',
    owned(
      'jobs',
      `state text not null default 'queued' check (state in ('queued','running','done')), run_at timestamptz not null default now()`,
    ) +
      `create function public.take_job() returns setof public.jobs language sql security definer set search_path = '' as $$ update public.jobs set state = 'running' where id = (select id from public.jobs where state = 'queued' and run_at <= now() limit 1) returning * $$; revoke all on function public.take_job() from public, anon, authenticated; grant execute on function public.take_job() to service_role;`,
  ],
  [
    'event trigger',
    owned('items', `stock int not null default 5`) +
      owned('alerts', 'item_id uuid references public.items (id) on delete cascade') +
      `create index on public.alerts (item_id); ${pr} create function private.low() returns trigger language plpgsql security definer set search_path='' as $$ begin if new.stock < 3 then insert into public.alerts (owner_id, title, item_id) values (new.owner_id, 'low', new.id); end if; return new; end $$; create trigger t after insert or update on public.items for each row execute function private.low();`,
  ],
  [
    'global templates declared',
    owned('templates').replace('owner_id uuid not null default', 'owner_id uuid default') +
      `
-- muse: public-read
create policy g on public.templates for select to authenticated using (owner_id is null);`,
  ],
];
