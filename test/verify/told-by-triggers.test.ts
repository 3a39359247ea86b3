/** Triggers that write to who is named in a new row what is in the row that it belongs to. */
import { owned } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

/** Posts that are their owner's, mentions of users in them, and what each user is told. */
const mentions = (
  check: string,
  tell: string,
  line = 'line text not null',
  told = 'told',
): string => `${owned('posts', 'body text not null')}
  create table public.mentions (id uuid primary key default gen_random_uuid(), post_id uuid not null references public.posts (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade);
  create table public.${told} (id bigint generated always as identity primary key, user_id uuid not null references auth.users (id), ${line});
  create function public.wrote(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.posts where id = p and owner_id = auth.uid()) $$;
  create function public.tell() returns trigger language plpgsql security definer set search_path = '' as $$ ${tell} $$;
  create trigger tell after insert on public.mentions for each row execute function public.tell();
  alter table public.mentions enable row level security; alter table public.${told} enable row level security;
  grant select, insert on public.mentions to authenticated; grant select on public.${told} to authenticated;
  create policy r on public.mentions for select to authenticated using (user_id = ${me} or public.wrote(post_id));
  create policy i on public.mentions for insert to authenticated with check (${check});
  create policy own on public.${told} for select to authenticated using (user_id = ${me});`;

const byQuery = `begin insert into public.told (user_id, line) select new.user_id, p.body from public.posts p where p.id = new.post_id; return null; end`;
const byVariable = `declare v public.posts; begin select * into v from public.posts where id = new.post_id;
  insert into public.told (user_id, line) values (new.user_id, left(v.body, 60)); return null; end`;
const asJson = `begin insert into public.news (user_id, entry) values (new.user_id, (select to_jsonb(p) from public.posts p where p.id = new.post_id)); return null; end`;
const own = 'public.wrote(post_id)';
const self = `user_id = ${me}`;

const pairs: Pair[] = [
  ['by a query', mentions(own, byQuery), mentions(self, byQuery), 'isolation-escalation public.mentions'],
  ['by a variable, cut', mentions(own, byVariable), mentions(self, byVariable), 'isolation-escalation public.mentions'],
  [
    'the whole row as JSON',
    mentions(own, asJson, 'entry jsonb not null', 'news'),
    mentions(self, asJson, 'entry jsonb not null', 'news'),
    'isolation-escalation public.mentions',
  ],
];

testPairs(pairs);
