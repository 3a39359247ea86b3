/** Ordinary designs, in which nothing is wrong, each with a hole close to it, which is found. */
import { describe } from 'vitest';
import { mine, opened, owned } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const uid = '(select auth.uid())';

/** Places, stays in them that the server books, and reviews of stays, which the host answers. */
const reviews = (answers: string): string => `${owned('places')}
  create table public.stays (id uuid primary key default gen_random_uuid(), place_id uuid not null references public.places (id), guest_id uuid not null references auth.users (id));
  create table public.reviews (stay_id uuid primary key references public.stays (id), guest_id uuid not null default auth.uid() references auth.users (id), body text, reply text);
  ${opened('stays', 'select')} ${opened('reviews', 'select')} grant update (reply) on public.reviews to authenticated;
  create function public.hosts(p_stay uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.stays s join public.places p on p.id = s.place_id where s.id = p_stay and p.owner_id = auth.uid()) $$;
  create policy r on public.stays for select to authenticated using (guest_id = ${uid});
  -- muse: public-read
  create policy r on public.reviews for select to authenticated using (true);
  create policy u on public.reviews for update to authenticated using (${answers}) with check (${answers});`;

/** Pages, and what they said before. */
const versions = (kept: string): string => `${owned('pages', 'archived boolean not null default false')}
  alter policy u on public.pages using (${mine} and not archived) with check (${mine});
  create table public.versions (page_id uuid not null references public.pages (id) on delete cascade, n int not null, title text not null, primary key (page_id, n));
  ${opened('versions', 'select')}
  create policy r on public.versions for select to authenticated using (exists (select 1 from public.pages p where p.id = page_id));
  create function public.keep() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${kept} return new; end $$;
  create trigger keep after update of title on public.pages for each row execute function public.keep();`;

/** Practices, who works there as what, and notes that doctors sign. */
const practice = (isDoctor: string): string => `
  create table public.practices (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.staff (practice_id uuid not null references public.practices (id), user_id uuid not null references auth.users (id),
    role text not null check (role in ('admin', 'doctor')), primary key (practice_id, user_id));
  create table public.notes (id uuid primary key default gen_random_uuid(), practice_id uuid not null references public.practices (id), body text not null, signed_at timestamptz);
  create function public.works(p_practice uuid, p_role text) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.staff where practice_id = p_practice and user_id = auth.uid() and role = p_role) $$;
  create function public.is_doctor() returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.staff where user_id = auth.uid() and role = 'doctor') $$;
  ${opened('practices', 'select')} ${opened('staff', 'select')} ${opened('notes', 'select, update')} grant update (role) on public.staff to authenticated;
  create policy r on public.practices for select to authenticated using (public.works(id, 'admin') or public.works(id, 'doctor'));
  create policy r on public.staff for select to authenticated using (user_id = ${uid} or public.works(practice_id, 'admin'));
  create policy u on public.staff for update to authenticated using (public.works(practice_id, 'admin')) with check (public.works(practice_id, 'admin'));
  create policy r on public.notes for select to authenticated using (public.works(practice_id, 'doctor'));
  create policy u on public.notes for update to authenticated using (signed_at is null and ${isDoctor}) with check (${isDoctor});`;

/** Tickets of customers, which agents are assigned to. */
const desk = (agents: string, tickets = ''): string => `
  create table public.agents (user_id uuid primary key references auth.users (id));
  create function public.is_agent() returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.agents where user_id = auth.uid()) $$;
  ${opened('agents', 'select')}
  create policy r on public.agents for select to authenticated using (user_id = ${uid});
  ${owned('tickets', 'agent_id uuid references public.agents (user_id)', `${mine} or (select public.is_agent())`)}
  alter policy u on public.tickets using ((select public.is_agent())) with check ((select public.is_agent()));
  revoke insert, update on public.tickets from authenticated; grant insert (title), update (agent_id) on public.tickets to authenticated; ${agents} ${tickets}`;

/** What users buy, and what they see of it. */
const shop = (shown: string, more = ''): string => `${owned('products', 'download text not null')}
  create table public.purchases (id uuid primary key default gen_random_uuid(), buyer_id uuid not null references auth.users (id), product_id uuid not null references public.products (id));
  ${opened('purchases', 'select')}
  create policy r on public.purchases for select to authenticated using (buyer_id = ${uid}); ${shown} ${more}`;
const library = `create view public.library as select p.title, p.download from public.purchases b join public.products p on p.id = b.product_id
    where b.buyer_id = auth.uid(); grant select on public.library to authenticated;`;
const downloads = `create function public.downloads() returns setof text language sql stable security definer set search_path = ''
    as $$ select p.download from public.purchases b join public.products p on p.id = b.product_id where b.buyer_id = auth.uid() $$;
  revoke execute on function public.downloads() from public, anon; grant execute on function public.downloads() to authenticated;`;
const buys = `grant insert on public.purchases to authenticated; create policy i on public.purchases for insert to authenticated with check (buyer_id = ${uid});`;

/** Documents, comments on them, and who is mentioned in one may read the document. */
const mentions = (asked: string): string => `${owned('docs')}
  create table public.readers (doc_id uuid not null references public.docs (id), user_id uuid not null references auth.users (id), primary key (doc_id, user_id));
  create table public.comments (id uuid primary key default gen_random_uuid(), doc_id uuid not null references public.docs (id), author_id uuid not null default auth.uid() references auth.users (id),
    mentioned_id uuid references auth.users (id), body text not null);
  create function public.reads(p_doc uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.readers where doc_id = p_doc and user_id = auth.uid()) $$;
  alter policy r on public.docs using (${mine} or public.reads(id));
  ${opened('readers', 'select')} ${opened('comments', 'select, insert')}
  create policy r on public.readers for select to authenticated using (user_id = ${uid});
  create policy r on public.comments for select to authenticated using (author_id = ${uid});
  create policy i on public.comments for insert to authenticated with check (author_id = ${uid} ${asked});
  create function public.mention() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin insert into public.readers select new.doc_id, new.mentioned_id where new.mentioned_id is not null on conflict do nothing; return new; end $$;
  create trigger mention after insert on public.comments for each row execute function public.mention();`;

/** Teams, and requests to join one, which its admins approve. */
const requests = (columns: string, reads = `user_id = ${uid} or public.leads(team_id)`): string => `
  create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.team_members (team_id uuid not null references public.teams (id), user_id uuid not null references auth.users (id), role text not null default 'member' check (role in ('admin', 'member')),
    primary key (team_id, user_id));
  create table public.plans (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), body text not null);
  create function public.my_teams() returns setof uuid language sql stable security definer set search_path = ''
    as $$ select team_id from public.team_members where user_id = auth.uid() $$;
  create function public.leads(p_team uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.team_members where team_id = p_team and user_id = auth.uid() and role = 'admin') $$;
  create table public.requests (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), user_id uuid not null default auth.uid() references auth.users (id),
    words text, approved boolean not null default false);
  ${opened('teams', 'select')} ${opened('team_members', 'select')} ${opened('plans', 'select')} ${opened('requests', 'select')}
  grant insert (${columns}), update (approved) on public.requests to authenticated;
  create policy r on public.teams for select to authenticated using (id in (select public.my_teams()));
  create policy r on public.team_members for select to authenticated using (team_id in (select public.my_teams()));
  create policy r on public.plans for select to authenticated using (team_id in (select public.my_teams()));
  create policy r on public.requests for select to authenticated using (${reads});
  create policy i on public.requests for insert to authenticated with check (user_id = ${uid});
  create policy u on public.requests for update to authenticated using (public.leads(team_id)) with check (public.leads(team_id));
  create function public.approve() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    if new.approved then insert into public.team_members (team_id, user_id) values (new.team_id, new.user_id) on conflict do nothing; end if; return new; end $$;
  create trigger approve after insert or update on public.requests for each row execute function public.approve();`;

/** Letters, which their receiver deletes. */
const letters = (sends: string): string => `
  create table public.letters (id uuid primary key default gen_random_uuid(), to_user uuid not null references auth.users (id), from_user uuid not null default auth.uid() references auth.users (id), body text not null);
  ${opened('letters', 'select, insert, delete')}
  create policy r on public.letters for select to authenticated using (${uid} in (to_user, from_user));
  create policy i on public.letters for insert to authenticated with check (${sends});
  create policy d on public.letters for delete to authenticated using (to_user = ${uid});`;

/** Chats of two, which a function starts. */
const chats = (values: string): string => `
  create table public.chats (id uuid primary key default gen_random_uuid(), user_a uuid not null references auth.users (id), user_b uuid not null references auth.users (id),
    unique (user_a, user_b), check (user_a < user_b));
  ${opened('chats', 'select')}
  create policy r on public.chats for select to authenticated using (${uid} in (user_a, user_b));
  create function public.chat_with(p_user uuid, p_other uuid) returns uuid language sql security definer set search_path = '' as $$ insert into public.chats (user_a, user_b)
    select least(a, b), greatest(a, b) from (select ${values}) v where auth.uid() is not null and a <> b on conflict (user_a, user_b) do update set user_a = excluded.user_a returning id $$;
  revoke execute on function public.chat_with(uuid, uuid) from public, anon; grant execute on function public.chat_with(uuid, uuid) to authenticated;`;

/** Likes of posts for everyone, counted there. */
const likes = (counts: string): string => `
  create table public.posts (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), title text not null, likes int not null default 0);
  create table public.likes (post_id uuid not null references public.posts (id) on delete cascade, user_id uuid not null default auth.uid() references auth.users (id), primary key (post_id, user_id));
  ${opened('posts', 'select')} grant insert (title), update (title) on public.posts to authenticated; ${opened('likes', 'select, insert, delete')}
  -- muse: public-read
  create policy r on public.posts for select to authenticated using (true);
  create policy i on public.posts for insert to authenticated with check (${mine});
  create policy u on public.posts for update to authenticated using (${mine}) with check (${mine});
  create policy own on public.likes for all to authenticated using (user_id = ${uid}) with check (user_id = ${uid});
  create function public.count_likes() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    update public.posts set ${counts} where id = coalesce(new.post_id, old.post_id); return null; end $$;
  create trigger count_likes after insert or delete on public.likes for each row execute function public.count_likes();`;

/** Shops, and offers to take one over, which the other user accepts. */
const offers = (written: string, columns = 'state'): string => `${owned('shops')}
  create table public.offers (id uuid primary key default gen_random_uuid(), shop_id uuid not null references public.shops (id), to_user uuid not null references auth.users (id),
    state text not null default 'open' check (state in ('open', 'taken')), words text);
  ${opened('offers', 'select, insert')} grant update (${columns}) on public.offers to authenticated;
  create policy r on public.offers for select to authenticated using (to_user = ${uid} or exists (select 1 from public.shops s where s.id = shop_id and s.owner_id = ${uid}));
  create policy i on public.offers for insert to authenticated with check (state = 'open' and exists (select 1 from public.shops s where s.id = shop_id and s.owner_id = ${uid}));
  create policy u on public.offers for update to authenticated using (to_user = ${uid} and state = 'open') with check (to_user = ${uid} and state = 'taken');
  create function public.take() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    if new.state = 'taken' and old.state = 'open' then update public.shops set ${written} where id = new.shop_id; end if; return new; end $$;
  create trigger take after update on public.offers for each row execute function public.take();`;

/** What contracts were, as JSON. */
const history = (seen: string): string => `
  create table public.firms (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.firm_members (firm_id uuid not null references public.firms (id), user_id uuid not null references auth.users (id), primary key (firm_id, user_id));
  create table public.contracts (id uuid primary key default gen_random_uuid(), firm_id uuid not null references public.firms (id), title text not null);
  create table public.contract_history (id bigint generated always as identity primary key, was jsonb);
  create function public.my_firms() returns setof uuid language sql stable security definer set search_path = ''
    as $$ select firm_id from public.firm_members where user_id = auth.uid() $$;
  ${opened('firms', 'select')} ${opened('firm_members', 'select')} ${opened('contracts', 'select, update')} ${opened('contract_history', 'select')}
  create policy r on public.firms for select to authenticated using (id in (select public.my_firms()));
  create policy r on public.firm_members for select to authenticated using (firm_id in (select public.my_firms()));
  create policy a on public.contracts for all to authenticated using (firm_id in (select public.my_firms())) with check (firm_id in (select public.my_firms()));
  create policy r on public.contract_history for select to authenticated using (${seen});
  create function public.keep_history() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin insert into public.contract_history (was) values (to_jsonb(old)); return new; end $$;
  create trigger keep_history before update on public.contracts for each row execute function public.keep_history();`;

/** Crews, and invitations by a secret of which the hash is kept. */
const invitations = (isMeant: string): string => `
  create table public.crews (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.crew_members (crew_id uuid not null references public.crews (id), user_id uuid not null references auth.users (id), primary key (crew_id, user_id));
  create table public.crew_invites (id uuid primary key default gen_random_uuid(), crew_id uuid not null references public.crews (id), token_hash text not null unique, used_at timestamptz);
  create function public.my_crews() returns setof uuid language sql stable security definer set search_path = ''
    as $$ select crew_id from public.crew_members where user_id = auth.uid() $$;
  ${opened('crews', 'select')} ${opened('crew_members', 'select')} ${opened('crew_invites', 'select')}
  create policy r on public.crews for select to authenticated using (id in (select public.my_crews()));
  create policy r on public.crew_members for select to authenticated using (crew_id in (select public.my_crews()));
  create policy r on public.crew_invites for select to authenticated using (crew_id in (select public.my_crews()));
  create function public.accept_invite(p_token text) returns uuid language plpgsql security definer set search_path = '' as $$ declare found public.crew_invites; begin
    select * into found from public.crew_invites i where ${isMeant} and i.used_at is null for update;
    if found.id is null or auth.uid() is null then raise exception 'no such invitation'; end if;
    insert into public.crew_members values (found.crew_id, auth.uid()) on conflict do nothing;
    update public.crew_invites set used_at = now() where id = found.id; return found.crew_id; end $$;
  revoke execute on function public.accept_invite(text) from public, anon; grant execute on function public.accept_invite(text) to authenticated;`;

/** Stores for everyone, and their goods. */
const goods = (holds: string): string => `
  create table public.stores (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), name text not null);
  create table public.goods (id uuid primary key default gen_random_uuid(), store_id uuid not null references public.stores (id), name text not null, shown boolean not null default false);
  create function public.keeps(p_store uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.stores where id = p_store and owner_id = auth.uid()) $$;
  ${opened('stores', 'select, insert')} ${opened('goods', 'select, insert, update, delete')}
  -- muse: public-read
  create policy r on public.stores for select to authenticated using (true);
  create policy i on public.stores for insert to authenticated with check (${mine});
  -- muse: public-read
  create policy r on public.goods for select to authenticated using (shown);
  create policy own on public.goods for all to authenticated using (${holds}) with check (${holds});`;

/** Sites, which a function makes under a name that only one may have. */
const sites = (given: string): string => `
  create table public.sites (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), slug text not null unique, title text not null);
  ${opened('sites', 'select')}
  create policy r on public.sites for select to authenticated using (${mine});
  create function public.make_site(p_slug text, p_title text) returns text language plpgsql security definer set search_path = '' as $$ declare made text; begin
    if auth.uid() is null then raise exception 'not signed in'; end if; ${given} return made; end $$;
  revoke execute on function public.make_site(text, text) from public, anon; grant execute on function public.make_site(text, text) to authenticated;`;

/** Events that a service sends with the key of its owner. */
const events = (byDefault: string): string => `
  create table public.keys (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), secret text not null unique ${byDefault});
  create table public.events (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create schema private; grant usage on schema private to anon, authenticated;
  create function private.holder() returns uuid language sql stable security definer set search_path = ''
    as $$ select owner_id from public.keys where secret = nullif(current_setting('request.headers', true), '')::json ->> 'x-key' $$;
  ${opened('keys', 'select')} ${opened('events', 'select')} grant select on public.events to anon;
  create policy r on public.keys for select to authenticated using (${mine});
  create policy r on public.events for select to authenticated using (${mine});
  create policy sent on public.events for select to anon using (owner_id = (select private.holder()));`;

/** What it is, the design, the hole, what is found there, and of what the design leaves something unproven. */
const cases: Pair[] = [
  [
    'rows under the key of what they belong to',
    reviews('public.hosts(stay_id)'),
    reviews('true'),
    'isolation-write public.reviews',
  ],
  [
    'what a trigger keeps of each change',
    versions(
      `insert into public.versions select new.id, count(*) + 1, new.title from public.versions where page_id = new.id;`,
    ),
    versions(`update public.versions set title = new.title;`),
    'isolation-write public.pages',
  ],
  [
    'roles that admins give themselves where they are',
    practice(`public.works(practice_id, 'doctor')`),
    practice('(select public.is_doctor())'),
    'isolation-escalation public.staff',
  ],
  [
    'staff that rows of others refer to',
    desk(''),
    desk(
      `grant insert on public.agents to authenticated; create policy i on public.agents for insert to authenticated with check (user_id = ${uid});`,
    ),
    'isolation-escalation public.agents',
    'public.agents',
  ],
  ['what users have bought, in a view', shop(library), shop(library, buys), 'isolation-escalation public.purchases'],
  [
    'what users have bought, by a function',
    shop(downloads),
    shop(downloads, buys),
    'isolation-escalation public.purchases',
  ],
  [
    'who is mentioned may read',
    mentions('and exists (select 1 from public.docs d where d.id = doc_id)'),
    mentions(''),
    'isolation-escalation public.comments',
  ],
  [
    'requests to join',
    requests('team_id, words'),
    requests('team_id, words, approved'),
    'isolation-escalation public.requests',
    'public.requests',
  ],
  [
    'rows among those of the members',
    requests('team_id, words'),
    requests('team_id, words', 'team_id in (select public.my_teams())'),
    'isolation-insert public.requests',
    'public.requests',
  ],
  [
    'letters to anyone',
    letters(`from_user = ${uid} and to_user <> ${uid}`),
    letters(`to_user <> ${uid}`),
    'isolation-insert public.letters',
    'public.letters',
  ],
  [
    'chats of two',
    chats('auth.uid() as a, p_user as b'),
    chats('p_user as a, p_other as b'),
    'isolation-write public.chat_with(uuid, uuid)',
  ],
  [
    'likes that are counted',
    likes(`likes = greatest(likes + case when tg_op = 'INSERT' then 1 else -1 end, 0)`),
    likes(`likes = 0, title = 'liked'`),
    'isolation-write public.likes',
  ],
  [
    'likes that are counted anew',
    likes('likes = (select count(*) from public.likes l where l.post_id = posts.id)'),
    likes('likes = 0'),
    'isolation-write public.likes',
  ],
  [
    'an offer that is accepted',
    offers('owner_id = new.to_user'),
    offers('owner_id = new.to_user, title = new.words', 'state, words'),
    'isolation-write public.offers',
  ],
  [
    'an offer of one thing, accepted for another',
    offers('owner_id = new.to_user'),
    offers('owner_id = new.to_user', 'state, shop_id'),
    'isolation-write public.offers',
  ],
  [
    'keys in JSON, of another type',
    history(`(was ->> 'firm_id')::uuid in (select public.my_firms())`),
    history('exists (select 1 from public.firm_members m where m.user_id = (select auth.uid()))'),
    'isolation-read public.contracts',
    'public.contract_history',
  ],
  [
    'an invitation by a secret',
    invitations(`i.token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')`),
    invitations('i.id::text = p_token'),
    'isolation-escalation public.accept_invite(text)',
  ],
  [
    'the goods of stores for everyone',
    goods('public.keeps(store_id)'),
    goods('store_id is not null'),
    'isolation-insert public.goods',
  ],
  [
    'a name that only one may have',
    sites(
      'insert into public.sites (owner_id, slug, title) values (auth.uid(), p_slug, p_title) returning id::text into made;',
    ),
    sites('select title into made from public.sites where slug = p_slug;'),
    'isolation-read public.make_site(text, text)',
  ],
  [
    'a key that only its owner was told',
    events(`default encode(extensions.gen_random_bytes(32), 'hex')`),
    events(''),
    'anon-read public.events',
    'public.events',
  ],
];

describe('ordinary designs', () => {
  testPairs(cases);
});
