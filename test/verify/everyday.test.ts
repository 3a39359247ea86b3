/** Everyday designs, in which nothing is wrong, each with a hole close to it, which is found. */
import { describe } from 'vitest';
import { helper, mine, opened, owned, partOf } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const uid = '(select auth.uid())';

/** Venues for everyone, and what is paid to who owns them. */
const payouts = (rights: string): string => `
  ${owned('venues')} drop policy r on public.venues;
  -- muse: public-read
  create policy everyone on public.venues for select to authenticated using (true);
  create table public.payouts (id uuid primary key default gen_random_uuid(), venue_id uuid not null references public.venues (id), iban text not null);
  create index on public.payouts (venue_id); ${opened('payouts', 'select')}
  create policy own on public.payouts for select to authenticated using (exists (select 1 from public.venues v where v.id = venue_id and v.owner_id = ${uid}));
  create function public.payouts_of(v public.venues) returns setof public.payouts language sql stable ${rights} set search_path = ''
    as $$ select p.* from public.payouts p where p.venue_id = v.id $$;`;

/** Webhooks with a secret that chance makes, with which a function signs. */
const signs = (whose: string): string => `
  create table public.webhooks (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    url text not null, secret text not null default md5(random()::text));
  create index on public.webhooks (owner_id); ${opened('webhooks', 'select')}
  create policy r on public.webhooks for select to authenticated using (${mine});
  create function public.sign(p_webhook uuid, p_body text) returns text language sql security definer set search_path = '' as
    $$ select encode(extensions.hmac(p_body, secret, 'sha256'), 'hex') from public.webhooks where id = p_webhook and ${whose} $$;
  revoke execute on function public.sign from public, anon; grant execute on function public.sign to authenticated;`;

/** Orders, what is in them, and who sells that: the seller of a thing in it reads an order. */
const market = (adds: string): string => `${owned('products')} ${owned('orders', 'address text not null')}
  create table public.order_items (id uuid primary key default gen_random_uuid(), order_id uuid not null references public.orders (id) on delete cascade,
    product_id uuid not null references public.products (id));
  create index on public.order_items (order_id); create index on public.order_items (product_id); ${opened('order_items', 'select, insert')}
  ${helper('sells(o uuid)', 'boolean', 'select exists (select 1 from public.order_items i join public.products p on p.id = i.product_id where i.order_id = o and p.owner_id = auth.uid())')}
  ${helper('buys(o uuid)', 'boolean', 'select exists (select 1 from public.orders where id = o and owner_id = auth.uid())')}
  alter policy r on public.orders using (${mine} or private.sells(id));
  create policy r on public.order_items for select to authenticated using (private.buys(order_id) or private.sells(order_id));
  create policy i on public.order_items for insert to authenticated with check (${adds});`;

/** Projects, which their owners hand over, and anyone who they are meant for takes. */
const transfers = (offers: string): string => `${owned('projects')}
  create table public.transfers (id uuid primary key default gen_random_uuid(), project_id uuid not null references public.projects (id) on delete cascade,
    from_user uuid not null default auth.uid() references auth.users (id), to_user uuid not null references auth.users (id));
  create index on public.transfers (project_id); create index on public.transfers (from_user); create index on public.transfers (to_user);
  ${opened('transfers', 'select, insert')}
  create policy r on public.transfers for select to authenticated using (${uid} in (from_user, to_user));
  create policy i on public.transfers for insert to authenticated with check (from_user = ${uid} ${offers});
  create function public.accept_transfer(p_id uuid) returns void language plpgsql security definer set search_path = '' as $$ begin
    update public.projects p set owner_id = t.to_user from public.transfers t where t.id = p_id and t.to_user = auth.uid() and p.id = t.project_id;
    delete from public.transfers where id = p_id and to_user = auth.uid(); end $$;
  revoke execute on function public.accept_transfer from public, anon; grant execute on function public.accept_transfer to authenticated;`;

/** Objects that are read by the path that a row of the reader's own names; `names` is what a path must be. */
const attachments = (
  names: string,
): string => `insert into storage.buckets (id, name, public) values ('vault', 'vault', false);
  ${owned('attachments', 'path text not null')}
  alter policy i on public.attachments with check (${mine} and ${names}); alter policy u on public.attachments with check (${mine} and ${names});
  create policy vr on storage.objects for select to authenticated using (bucket_id = 'vault' and ((storage.foldername(name))[1] = (select auth.uid()::text)
    or exists (select 1 from public.attachments a where a.${mine} and a.path = objects.name)));
  create policy vi on storage.objects for insert to authenticated with check (bucket_id = 'vault' and (storage.foldername(name))[1] = (select auth.uid()::text));`;

/** Articles, some of which everyone reads, and a search for their titles. */
const articles = (shown: string): string => `${owned('articles', 'is_public boolean not null default false')}
  -- muse: public-read
  create policy published on public.articles for select to authenticated using (is_public);
  create function public.search(q text) returns setof public.articles language sql stable security definer set search_path = '' as
    $$ select * from public.articles where title ilike '%' || q || '%' and ${shown} $$;
  revoke execute on function public.search from public, anon; grant execute on function public.search to authenticated;`;

/** Clubs that all see, and a code to join one, which those see who may read the columns. */
const clubs = (columns: string): string => `
  create table public.clubs (id uuid primary key default gen_random_uuid(), name text not null,
    join_code text not null unique default encode(extensions.gen_random_bytes(12), 'hex'));
  create table public.club_members (club_id uuid not null references public.clubs (id), user_id uuid not null references auth.users (id), primary key (club_id, user_id));
  create index on public.club_members (user_id); alter table public.clubs enable row level security; grant select ${columns} on public.clubs to authenticated;
  ${opened('club_members', 'select')}
  ${helper('my_clubs()', 'setof uuid', 'select club_id from public.club_members where user_id = auth.uid()')}
  -- muse: public-read
  create policy everyone on public.clubs for select to authenticated using (true);
  create policy r on public.club_members for select to authenticated using (club_id in (select private.my_clubs()));
  ${partOf('plans', 'clubs', 'clubs_id in (select private.my_clubs())')}
  create function public.join_club(p_code text) returns void language sql security definer set search_path = '' as
    $$ insert into public.club_members select id, auth.uid() from public.clubs where join_code = p_code on conflict do nothing $$;
  revoke execute on function public.join_club from public, anon; grant execute on function public.join_club to authenticated;`;

/** What it is, the design, the hole, what is found there, and of what the design leaves something unproven. */
/** Players, who read those in their squad, beside organizations of which they are members. */
const players = (reads: string): string => `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (organization_id uuid not null references public.organizations (id), user_id uuid not null references auth.users (id),
    role text not null default 'member' check (role in ('owner', 'member')), primary key (organization_id, user_id));
  create table public.squads (no bigint generated always as identity primary key, tag text);
  create table public.players (id uuid primary key references auth.users (id) on delete cascade, squad bigint references public.squads (no), nick text);
  create index on public.organization_members (user_id); create index on public.players (squad);
  ${opened('organizations', 'select')} ${opened('organization_members', 'select')} ${opened('squads', 'select')} ${opened('players', 'select')}
  ${helper('my_organizations()', 'setof uuid', 'select organization_id from public.organization_members where user_id = auth.uid()')}
  ${helper('my_squad()', 'bigint', 'select squad from public.players where id = auth.uid()')}
  grant execute on function private.my_organizations(), private.my_squad() to authenticated;
  create policy r on public.organizations for select to authenticated using (id in (select private.my_organizations()));
  create policy r on public.organization_members for select to authenticated using (organization_id in (select private.my_organizations()));
  create policy r on public.squads for select to authenticated using (no = (select private.my_squad()));
  create policy r on public.players for select to authenticated using (id = ${uid} or ${reads});`;

/** Assets that who keeps them has, and that are read at the same site, which the token says. */
const assets = (site: string): string => `
  create table public.assets (id uuid primary key default gen_random_uuid(), keeper uuid not null references auth.users (id), site text not null, tag text);
  create index on public.assets (keeper); create index on public.assets (site); ${opened('assets', 'select, insert')}
  create policy i on public.assets for insert to authenticated with check (keeper = ${uid} and site = (select auth.jwt() -> 'app_metadata' ->> 'site'));
  create policy r on public.assets for select to authenticated using (keeper = ${uid} or site = (select auth.jwt() -> '${site}' ->> 'site'));`;

/** Files of who works on them, and of a deputy, whom the file names first. */
const files = (reads: string): string => `
  create table public.files (no bigint generated always as identity primary key, deputy uuid references auth.users (id), worker uuid not null references auth.users (id), text text);
  create index on public.files (deputy); create index on public.files (worker); ${opened('files', 'select, insert, update, delete')}
  create policy own on public.files for all to authenticated using (worker = ${uid}) with check (worker = ${uid});
  create policy r on public.files for select to authenticated using (${reads});`;

const cases: Pair[] = [
  [
    'players of the same squad',
    players('squad = (select private.my_squad())'),
    players('squad = (select private.my_squad()) or squad is not null'),
    'isolation-read public.players',
  ],
  ['assets of the same site', assets('app_metadata'), assets('user_metadata'), 'isolation-read public.assets'],
  [
    'a deputy who reads',
    files(`deputy = ${uid}`),
    files(`coalesce(deputy, ${uid}) = ${uid}`),
    'isolation-read public.files',
  ],
  [
    'private rows of what everyone reads',
    payouts('security invoker'),
    payouts('security definer'),
    'isolation-read public.payouts_of(venues)',
  ],
  [
    'private rows of what everyone reads, in a policy',
    payouts('security invoker'),
    `${payouts('security invoker')} alter policy own on public.payouts using (exists (select 1 from public.venues v where v.id = venue_id));`,
    'isolation-read public.payouts',
  ],
  [
    'objects by the paths of attachments',
    attachments('(storage.foldername(path))[1] = (select auth.uid()::text)'),
    attachments("path <> ''"),
    'isolation-escalation public.attachments',
  ],
  [
    'a search that gives what everyone reads',
    articles('(is_public or owner_id = auth.uid())'),
    articles('true'),
    'isolation-read public.search(text)',
  ],
  [
    'a code that is not shown with the club',
    clubs('(id, name)'),
    clubs(''),
    'isolation-escalation public.join_club(text)',
  ],
  [
    'a signature with a secret',
    signs('owner_id = auth.uid()'),
    signs('true'),
    'isolation-read public.sign(uuid, text)',
  ],
  [
    'what the seller of a thing reads of an order',
    market('private.buys(order_id)'),
    market(
      'private.buys(order_id) or exists (select 1 from public.products p where p.id = product_id and p.owner_id = (select auth.uid()))',
    ),
    'isolation-escalation public.order_items',
  ],
  [
    'a project that is handed over',
    transfers(`and exists (select 1 from public.projects p where p.id = project_id and p.owner_id = ${uid})`),
    transfers(''),
    'isolation-escalation public.transfers',
  ],
];

describe('everyday designs', () => {
  testPairs(cases);
});
