// Holes that are planted into the built-in kit with all presets, one at a time: common mistakes, as SQL.

const redo = (name, table, rest) => `drop policy ${name} on ${table}; create policy ${name} on ${table} ${rest}`;
const ofMembers = 'organization_id = any ((select private.user_organization_ids())::uuid[])';

/** The value of `finds` if no rule reports the hole, but a comparison with the clean kit's matrix does. */
export const matrixAlone = 'matrix';

/**
 * `finds`: rule and object that `muse verify` has to name, or {@link matrixAlone} if only the matrix of the clean kit
 * shows it. `repair`: the smallest repair of the same SQL; without it, the clean kit is the repair. A hole counts as
 * caught only if the repair is green. `undo`: SQL that cleans up what copies of the database share, such as roles.
 * @type {{ name: string, finds: string, sql: string, repair?: string, undo?: string }[]}
 */
const changed = [
  {
    name: 'SELECT policy dropped',
    finds: 'owner-locked-out public.leads',
    sql: 'drop policy organization_select on public.leads',
  },
  {
    name: 'all policies dropped',
    finds: 'policy-missing public.brand_preferences',
    sql: 'drop policy owner_select on public.brand_preferences; drop policy owner_insert on public.brand_preferences; drop policy owner_update on public.brand_preferences; drop policy owner_delete on public.brand_preferences',
  },
  {
    name: 'row-level security off',
    finds: 'isolation-read public.brand_settings',
    sql: 'alter table public.brand_settings disable row level security',
  },
  {
    name: 'SELECT USING (true)',
    finds: 'isolation-read public.deals',
    sql: redo('organization_select', 'public.deals', 'for select to authenticated using (true)'),
  },
  {
    name: 'UPDATE USING (true)',
    finds: 'isolation-write public.inventory_items',
    sql: redo(
      'organization_update',
      'public.inventory_items',
      'for update to authenticated using (true) with check (true)',
    ),
  },
  {
    name: 'DELETE USING (true)',
    finds: 'isolation-write public.deal_collaborators',
    sql: redo('organization_delete', 'public.deal_collaborators', 'for delete to authenticated using (true)'),
  },
  {
    name: 'INSERT WITH CHECK (true)',
    finds: 'isolation-insert public.alert_logs',
    sql: redo('owner_insert', 'public.alert_logs', 'for insert to authenticated with check (true)'),
  },
  {
    name: 'UPDATE without a check of the new row',
    finds: 'isolation-reassign public.mls_listings',
    sql: redo(
      'organization_update',
      'public.mls_listings',
      'for update to authenticated using (organization_id = any ((select private.user_organization_ids())::uuid[])) with check (true)',
    ),
  },
  {
    name: '… OR true',
    finds: 'isolation-read public.deliverables',
    sql: redo(
      'owner_select',
      'public.deliverables',
      'for select to authenticated using ((select auth.uid()) = user_id or true)',
    ),
  },
  {
    name: 'signed in is enough',
    finds: 'isolation-read public.property_alerts',
    sql: redo(
      'owner_select',
      'public.property_alerts',
      'for select to authenticated using ((select auth.uid()) is not null)',
    ),
  },
  {
    name: 'policy and grant for anon',
    finds: 'anon-read public.showings',
    sql: 'create policy open on public.showings for select to anon using (true); grant select on public.showings to anon',
    repair:
      'create policy open on public.showings for select to authenticated using (organization_id = any ((select private.user_organization_ids())::uuid[]))',
  },
  {
    name: 'policy without a role, and a grant to anon',
    finds: 'anon-write public.products',
    sql: 'create policy "service role writes" on public.products for all using (true); grant all on public.products to anon',
    repair: 'create policy "service role writes" on public.products for all to service_role using (true)',
  },
  {
    name: 'policy on another column',
    finds: matrixAlone,
    sql: redo(
      'organization_select',
      'public.activities',
      'for select to authenticated using (assigned_to = (select auth.uid()))',
    ),
  },
  {
    name: 'policy by user_metadata',
    finds: 'isolation-read public.leads',
    sql: "create policy by_claim on public.leads for select to authenticated using (organization_id::text = (select auth.jwt() -> 'user_metadata' ->> 'organization_id'))",
    repair: `create policy by_claim on public.leads for select to authenticated using (${ofMembers})`,
  },
  {
    name: 'viewers may write',
    finds: matrixAlone,
    sql: redo(
      'organization_update',
      'public.deals',
      `for update to authenticated using (${ofMembers}) with check (${ofMembers})`,
    ),
  },
  {
    name: 'every member reads the keys',
    finds: matrixAlone,
    sql: `drop policy "Owners and admins read the keys" on public.api_keys; create policy "Owners and admins read the keys" on public.api_keys for select to authenticated using (${ofMembers})`,
  },
  {
    name: 'anyone joins any organization',
    finds: 'isolation-escalation public.organization_members',
    sql: 'create policy "join" on public.organization_members for insert to authenticated with check (user_id = (select auth.uid())); grant insert on public.organization_members to authenticated',
  },
  {
    name: 'a user sets its own role',
    finds: 'isolation-write public.user_roles',
    sql: 'create policy own on public.user_roles for update to authenticated using (user_id = (select auth.uid())); grant update on public.user_roles to authenticated',
  },
  {
    name: 'policy that reads its own table',
    finds: 'policy-error public.organization_members',
    sql: 'create policy peers on public.organization_members for select to authenticated using (organization_id in (select organization_id from public.organization_members where user_id = (select auth.uid())))',
    repair: `create policy peers on public.organization_members for select to authenticated using (${ofMembers})`,
  },
  {
    name: 'helper that returns all',
    finds: 'isolation-read public.organizations',
    sql: "create or replace function private.user_organization_ids() returns uuid[] language sql stable security definer set search_path = '' as 'select array_agg(id) from public.organizations'",
  },
  {
    name: 'helper that forgets the roles',
    finds: 'isolation-write public.organization_members',
    sql: "create or replace function private.user_organization_ids(roles text[]) returns uuid[] language sql stable security definer set search_path = '' as 'select array_agg(organization_id) from public.organization_members where user_id = auth.uid()'",
  },
  {
    name: 'view without security_invoker',
    finds: 'isolation-read public.all_leads',
    sql: 'create view public.all_leads as select * from public.leads; grant select on public.all_leads to authenticated',
    repair:
      'create view public.all_leads with (security_invoker = true) as select * from public.leads; grant select on public.all_leads to authenticated',
  },
  {
    name: 'materialized view',
    finds: 'isolation-read public.deal_list',
    sql: 'create materialized view public.deal_list as select * from public.deals; grant select on public.deal_list to authenticated',
    repair:
      'create materialized view public.deal_list as select * from public.deals; revoke all on public.deal_list from anon, authenticated',
  },
  {
    name: 'view of auth.users',
    finds: 'isolation-read public.people',
    sql: 'create view public.people as select id, email from auth.users; grant select on public.people to authenticated',
    repair:
      'create view public.people as select id, email from auth.users where id = auth.uid(); grant select on public.people to authenticated',
  },
  {
    name: 'definer function that reads',
    finds: 'isolation-read public.all_posts()',
    sql: "create function public.all_posts() returns setof public.social_posts language sql stable security definer set search_path = '' as 'select * from public.social_posts'; grant execute on function public.all_posts() to authenticated",
    repair:
      "create function public.all_posts() returns setof public.social_posts language sql stable security definer set search_path = '' as 'select * from public.social_posts where user_id = auth.uid()'; grant execute on function public.all_posts() to authenticated",
  },
  {
    name: 'definer function that writes',
    finds: 'isolation-write public.take_listing(uuid)',
    sql: "create function public.take_listing(listing uuid) returns void language sql security definer set search_path = '' as 'update public.mls_listings set agent_id = auth.uid() where id = listing'; grant execute on function public.take_listing(uuid) to authenticated",
    repair:
      "create function public.take_listing(listing uuid) returns void language sql security definer set search_path = '' as 'update public.mls_listings set agent_id = auth.uid() where id = listing and organization_id = any (private.user_organization_ids())'; grant execute on function public.take_listing(uuid) to authenticated",
  },
  {
    name: 'definer function without search_path',
    finds: 'definer-without-search-path public.my_posts()',
    sql: "create function public.my_posts() returns setof public.social_posts language sql stable security definer as 'select * from public.social_posts where user_id = auth.uid()'; grant execute on function public.my_posts() to authenticated",
    repair:
      "create function public.my_posts() returns setof public.social_posts language sql stable security definer set search_path = '' as 'select * from public.social_posts where user_id = auth.uid()'; grant execute on function public.my_posts() to authenticated",
  },
  {
    name: 'bucket open to everyone',
    finds: 'isolation-read storage.objects[private]',
    sql: "create policy open on storage.objects for select to authenticated using (bucket_id = 'private')",
    repair:
      "create policy open on storage.objects for select to authenticated using (bucket_id = 'private' and (storage.foldername(name))[1] = (select auth.uid())::text)",
  },
];

/** A correct table of users' own rows. */
const own = (
  name,
  columns = '',
) => `create table public.${name} (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id) on delete cascade, title text not null${columns});
  create index on public.${name} (owner_id); alter table public.${name} enable row level security; revoke all on public.${name} from anon, authenticated; grant select, insert, update, delete on public.${name} to authenticated; grant all on public.${name} to service_role;
  create policy s on public.${name} for select to authenticated using (owner_id = (select auth.uid())); create policy i on public.${name} for insert to authenticated with check (owner_id = (select auth.uid()));
  create policy u on public.${name} for update to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid())); create policy d on public.${name} for delete to authenticated using (owner_id = (select auth.uid()));`;

/** A condition in addition to the owner's, in one policy of a table. */
const or = (name, finds, condition, { policy = 's', columns = '' } = {}) => {
  const whole = `owner_id = (select auth.uid()) or ${condition}`;
  const clauses = {
    s: `using (${whole})`,
    i: `with check (${whole})`,
    u: `using (${whole}) with check (${whole})`,
    d: `using (${whole})`,
  };
  return {
    name,
    finds: `${finds} public.planted`,
    sql: `${own('planted', columns)} alter policy ${policy} on public.planted ${clauses[policy]}`,
    repair: own('planted', columns),
  };
};

/** A function with its owner's rights: `open` is what it does, `held` what it should do. */
const definer = (
  name,
  finds,
  signature,
  shown,
  returns,
  open,
  held,
  { language = 'sql', schema = 'public', setup = '', to = 'authenticated' } = {},
) => {
  const make = (body) =>
    `${own('planted')} ${setup} create function ${schema}.f(${signature}) returns ${returns} language ${language} security definer set search_path = '' as $$ ${body} $$; revoke execute on function ${schema}.f(${shown}) from public, anon; grant execute on function ${schema}.f(${shown}) to ${to}`;
  return { name, finds: `${finds} ${schema}.f(${shown.replace('public.', '')})`, sql: make(open), repair: make(held) };
};

const mine = 'owner_id = auth.uid()';
const cursor = (where) =>
  `declare c refcursor := 'rows'; begin open c for select * from public.planted where ${where}; return c; end`;

/** A trigger on a table, and what it does with its owner's rights. */
const trigger = (name, finds, setup, open, held) => {
  const make = (body) =>
    `${own('planted')} ${setup} create function private.planted() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${body}; return new; end $$; create trigger planted after insert on public.planted for each row execute function private.planted()`;
  return { name, finds, sql: make(open), repair: make(held) };
};

const clubs = `${own('clubs')} create table public.club_people (club_id uuid not null references public.clubs (id) on delete cascade, user_id uuid not null default auth.uid() references public.profiles (id), role text not null default 'guest', status text not null default 'pending', primary key (club_id, user_id));
  create index on public.club_people (user_id); create table public.club_papers (id uuid primary key default gen_random_uuid(), club_id uuid not null references public.clubs (id) on delete cascade, body text); create index on public.club_papers (club_id);
  create function private.owns_club(club uuid) returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.clubs c where c.id = club and c.owner_id = auth.uid())'; grant execute on function private.owns_club(uuid) to authenticated;
  create function private.in_club(club uuid, wanted text) returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.club_people p where p.club_id = club and p.user_id = auth.uid() and wanted in (p.role, p.status))'; grant execute on function private.in_club(uuid, text) to authenticated;
  alter table public.club_people enable row level security; alter table public.club_papers enable row level security; revoke all on public.club_people, public.club_papers from anon, authenticated; grant select on public.club_people, public.club_papers to authenticated;
  create policy s on public.club_people for select to authenticated using (user_id = (select auth.uid()) or private.owns_club(club_id));`;
const papers = (condition) =>
  `create policy s on public.club_papers for select to authenticated using (private.owns_club(club_id) or ${condition});`;
const joins = (check) =>
  `grant insert on public.club_people to authenticated; create policy i on public.club_people for insert to authenticated with check (${check});`;

const parts = `create table public.planted (id uuid not null default gen_random_uuid(), owner_id uuid not null references public.profiles (id), at timestamptz not null default now(), title text, primary key (id, at)) partition by range (at); create table public.planted_all partition of public.planted default;
  create index on public.planted (owner_id); alter table public.planted enable row level security; alter table public.planted_all enable row level security; revoke all on public.planted, public.planted_all from anon, authenticated; grant select on public.planted to authenticated;
  create policy s on public.planted for select to authenticated using (owner_id = (select auth.uid()));`;
const titles = `${own('planted')} create view public.titles with (security_invoker = true) as select id, title from public.planted; revoke all on public.titles from anon, authenticated; grant select, insert on public.titles to authenticated;`;
const instead = (where) =>
  `${titles} create function private.put() returns trigger language plpgsql security definer set search_path = '' as $$ begin update public.planted set title = new.title where id = new.id ${where}; return new; end $$; create trigger put instead of insert on public.titles for each row execute function private.put()`;
const rule = (where) =>
  `${titles} create rule put as on insert to public.titles do instead update public.planted set title = new.title where id = new.id ${where}`;
const feed =
  'create table public.feed (id bigint generated always as identity primary key, body text); alter table public.feed enable row level security; revoke all on public.feed from anon, authenticated; grant select on public.feed to authenticated; create policy s on public.feed for select to authenticated using ((select auth.uid()) is not null);';
const preferences = (
  granted,
) => `${own('planted')} create table public.choices (user_id uuid primary key default auth.uid() references public.profiles (id), theme text, rank text not null default 'user'); alter table public.choices enable row level security; revoke all on public.choices from anon, authenticated; grant select, ${granted} on public.choices to authenticated;
  create policy s on public.choices for select to authenticated using (user_id = (select auth.uid())); create policy i on public.choices for insert to authenticated with check (user_id = (select auth.uid())); create policy u on public.choices for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  alter policy s on public.planted using (owner_id = (select auth.uid()) or exists (select 1 from public.choices c where c.user_id = (select auth.uid()) and c.rank = 'moderator'))`;
const sent = (setting) => `owner_id::text = nullif(current_setting('request.${setting}', true), '')::json ->> 'user'`;
const files = (condition) =>
  `create policy planted on storage.objects for select to authenticated using (bucket_id = 'private' and ${condition})`;
const letters = (using) =>
  `create table public.letters (id uuid primary key default gen_random_uuid(), recipient_email text not null, body text); alter table public.letters enable row level security; revoke all on public.letters from anon, authenticated; grant select on public.letters to authenticated; create policy s on public.letters for select to authenticated using (${using})`;

const families = [
  {
    name: 'anyone joins any club',
    finds: 'isolation-escalation public.club_people',
    sql: `${clubs} ${papers("private.in_club(club_id, 'guest')")} ${joins('user_id = (select auth.uid())')}`,
    repair: `${clubs} ${papers("private.in_club(club_id, 'guest')")} ${joins('private.owns_club(club_id)')}`,
  },
  {
    name: 'any role when joining',
    finds: 'isolation-escalation public.club_people',
    sql: `${clubs} ${papers("private.in_club(club_id, 'board')")} ${joins('user_id = (select auth.uid())')}`,
    repair: `${clubs} ${papers("private.in_club(club_id, 'board')")} ${joins("user_id = (select auth.uid()) and role = 'guest' and status = 'pending'")}`,
  },
  {
    name: 'a request that approves itself',
    finds: 'isolation-escalation public.club_people',
    sql: `${clubs} ${papers("private.in_club(club_id, 'approved')")} grant update (status) on public.club_people to authenticated; create policy u on public.club_people for update to authenticated using (user_id = (select auth.uid())); ${joins("user_id = (select auth.uid()) and role = 'guest' and status = 'pending'")}`,
    repair: `${clubs} ${papers("private.in_club(club_id, 'approved')")} grant update (status) on public.club_people to authenticated; create policy u on public.club_people for update to authenticated using (private.owns_club(club_id)); ${joins("user_id = (select auth.uid()) and role = 'guest' and status = 'pending'")}`,
  },
  {
    name: "a rank in one's own preferences",
    finds: 'isolation-escalation public.choices',
    sql: preferences('insert, update'),
    repair: preferences('insert (user_id, theme), update (theme)'),
  },
  {
    name: 'members escalate their own role',
    finds: 'isolation-write public.organization_members',
    sql: 'create policy own_role on public.organization_members for update to authenticated using (user_id = (select auth.uid())); grant update (role) on public.organization_members to authenticated',
  },
  or('a header says who one is', 'isolation-read', sent('headers')),
  or('a cookie says who one is', 'isolation-write', sent('cookies'), { policy: 'd' }),
  or(
    'user_metadata says who is an admin',
    'isolation-read',
    "(select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'",
  ),
  or(
    'user_metadata lets rows be changed',
    'isolation-write',
    "owner_id::text = (select auth.jwt() -> 'user_metadata' ->> 'acts_for')",
    { policy: 'u' },
  ),
  or('a first factor is enough', 'isolation-read', "(select auth.jwt() ->> 'aal') = 'aal1'"),
  or(
    'not anonymous is enough',
    'isolation-read',
    "not coalesce((select auth.jwt() ->> 'is_anonymous')::boolean, false)",
  ),
  or('from a date on', 'isolation-read', "now() > timestamptz '2027-03-01'"),
  or('rows that are old', 'isolation-read', "created_at < now() - interval '300 days'", {
    columns: ', created_at timestamptz not null default now()',
  }),
  or('rows that are deleted', 'isolation-read', 'deleted_at is not null', { columns: ', deleted_at timestamptz' }),
  or('rows without an assignee', 'isolation-read', 'assigned_to is null', {
    columns: ', assigned_to uuid references public.profiles (id)',
  }),
  or('rows over an amount, to change', 'isolation-write', 'amount > 1000000', {
    policy: 'u',
    columns: ', amount numeric not null default 0',
  }),
  or('rows in a state, to delete', 'isolation-write', "status = 'done'", {
    policy: 'd',
    columns: ", status text not null default 'open' check (status in ('open', 'done'))",
  }),
  definer(
    'a row by its id',
    'isolation-read',
    'p uuid',
    'uuid',
    'setof public.planted',
    'select * from public.planted where id = p',
    `select * from public.planted where id = p and ${mine}`,
  ),
  definer(
    "a column by the user's id",
    'isolation-read',
    'who uuid',
    'uuid',
    'text',
    'select title from public.planted where owner_id = who limit 1',
    'select title from public.planted where owner_id = who and who = auth.uid() limit 1',
  ),
  definer(
    'a row by an id in JSON',
    'isolation-read',
    'p jsonb',
    'jsonb',
    'jsonb',
    "select to_jsonb(t) from public.planted t where t.id = (p ->> 'id')::uuid",
    `select to_jsonb(t) from public.planted t where t.id = (p ->> 'id')::uuid and ${mine}`,
  ),
  definer(
    'pages of all rows',
    'isolation-read',
    'page integer, size integer',
    'integer, integer',
    'setof public.planted',
    'select * from public.planted order by id limit size offset page * size',
    `select * from public.planted where ${mine} order by id limit size offset page * size`,
  ),
  definer(
    'all rows, for a value of an enum',
    'isolation-read',
    'k public.kind',
    'public.kind',
    'setof public.planted',
    'select * from public.planted',
    `select * from public.planted where ${mine}`,
    { setup: "create type public.kind as enum ('a', 'b');" },
  ),
  definer(
    'a yes or no for a part of a text',
    'isolation-read',
    'p text',
    'text',
    'boolean',
    'select exists (select 1 from public.planted where title like p)',
    `select exists (select 1 from public.planted where title like p and ${mine})`,
  ),
  definer('a cursor over all rows', 'isolation-read', '', '', 'refcursor', cursor('true'), cursor(mine), {
    language: 'plpgsql',
  }),
  definer(
    'SQL that the caller writes',
    'isolation-read',
    'q text',
    'text',
    'jsonb',
    "declare r jsonb; begin execute 'select jsonb_agg(to_jsonb(t)) from (' || q || ') t' into r; return r; end",
    `declare r jsonb; begin select jsonb_agg(to_jsonb(t)) into r from public.planted t where title = q and ${mine}; return r; end`,
    { language: 'plpgsql' },
  ),
  definer(
    'all rows, with a word in a comment',
    'isolation-read',
    '',
    '',
    'setof public.planted',
    'select * from public.planted /* then setval( ) */',
    `select * from public.planted where ${mine} /* then setval( ) */`,
  ),
  definer(
    'all rows, by another schema',
    'isolation-read',
    '',
    '',
    'setof public.planted',
    'select * from public.planted',
    `select * from public.planted where ${mine}`,
    { schema: 'api', setup: 'create schema api; grant usage on schema api to authenticated;' },
  ),
  definer(
    'anyone empties a table',
    'anon-write',
    '',
    '',
    'void',
    'delete from public.planted',
    `delete from public.planted where ${mine}`,
    { to: 'anon, authenticated' },
  ),
  trigger(
    'a trigger that deletes rows of others',
    'isolation-write public.planted',
    '',
    'delete from public.planted where owner_id <> new.owner_id',
    'delete from public.planted where owner_id = new.owner_id and id <> new.id and title = new.title',
  ),
  trigger(
    'a trigger that copies to where all read',
    'isolation-read public.planted',
    feed,
    'insert into public.feed (body) values (new.title)',
    "insert into public.feed (body) values ('a new row')",
  ),
  {
    name: 'an INSTEAD OF trigger by id',
    finds: 'isolation-write public.titles',
    sql: instead(''),
    repair: instead('and owner_id = auth.uid()'),
  },
  {
    name: 'a rule by id',
    finds: 'isolation-write public.titles',
    sql: rule(''),
    repair: rule('and owner_id = auth.uid()'),
  },
  {
    name: 'a partition by its name',
    finds: 'isolation-read public.planted_all',
    sql: `${parts} alter table public.planted_all disable row level security; grant select on public.planted_all to authenticated`,
    repair: `${parts} grant select on public.planted_all to authenticated`,
  },
  { name: 'TRUNCATE', finds: 'isolation-write public.leads', sql: 'grant truncate on public.leads to authenticated' },
  {
    name: 'default privileges',
    finds: 'anon-write default privileges on tables in schema public',
    sql: 'alter default privileges in schema public grant all on tables to anon, authenticated',
    repair: 'alter default privileges in schema public grant all on tables to service_role',
  },
  {
    name: 'the service role for users',
    finds: 'isolation-write role authenticated',
    sql: 'grant service_role to authenticated',
    undo: 'revoke service_role from authenticated',
  },
  {
    name: "objects of one's own in public",
    finds: 'isolation-escalation schema public',
    sql: 'grant create on schema public to authenticated',
    repair: 'grant create on schema public to service_role',
  },
  {
    name: 'addresses without an owner',
    finds: 'isolation-read public.letters',
    sql: letters('(select auth.uid()) is not null'),
    repair: letters("recipient_email = (select auth.jwt() ->> 'email')"),
  },
  {
    name: 'files by their ending',
    finds: 'isolation-read storage.objects[private]',
    sql: files("storage.extension(name) = 'jpg'"),
    repair: files("storage.extension(name) = 'jpg' and (storage.foldername(name))[1] = (select auth.uid())::text"),
  },
  {
    name: 'files in any folder',
    finds: 'isolation-read storage.objects[private]',
    sql: files('array_length(storage.foldername(name), 1) >= 1'),
    repair: files('(storage.foldername(name))[1] = (select auth.uid())::text'),
  },
];

export const holes = [...changed, ...families];
