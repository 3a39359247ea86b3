/** Files in folders of an organization and of a user, and buckets that users write. */
import { expect, it } from 'vitest';
import { findingsProver } from './prove-files.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

const team = (check: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.org_members (org_id uuid not null references public.orgs (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member', primary key (org_id, user_id));
  create index on public.org_members (user_id);
  alter table public.orgs enable row level security; alter table public.org_members enable row level security;
  grant select on public.orgs, public.org_members to authenticated;
  create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.org_members where user_id = auth.uid() $$;
  create policy r on public.orgs for select to authenticated using (id in (select private.my_orgs()));
  create policy r on public.org_members for select to authenticated using (org_id in (select private.my_orgs()));
  insert into storage.buckets (id, name, public) values ('team', 'team', false);
  create policy see on storage.objects for select to authenticated
    using (bucket_id = 'team' and (storage.foldername(name))[1] in (select o::text from private.my_orgs() o));
  create policy put on storage.objects for insert to authenticated with check (bucket_id = 'team' and ${check});`;
const ofUser = `(storage.foldername(name))[2] = (select auth.uid())::text`;
const ofTeam = '(storage.foldername(name))[1] in (select o::text from private.my_orgs() o)';

const buckets = (using: string): string => `grant select, update on storage.buckets to authenticated;
  create policy see on storage.buckets for select to authenticated using (id is not null);
  create policy put on storage.buckets for update to authenticated using (${using}) with check (${using});`;

const pairs: Pair[] = [
  [
    "a file in another's organization, below one's own ID",
    team(`${ofUser} and ${ofTeam}`),
    team(ofUser),
    'isolation-insert storage.objects[team]',
  ],
  [
    'buckets that every user may make public',
    buckets(`(select auth.jwt() -> 'app_metadata' ->> 'role') = 'admin'`),
    buckets('id is not null'),
    'isolation-write storage.buckets',
    'storage.buckets',
  ],
];
testPairs(pairs);

const find = findingsProver();
it('says that what some users may do to buckets is not tried', async () => {
  const own = buckets(`owner = ${me}`);
  expect((await find(own)).filter(({ object }) => object === 'storage.buckets').map(({ rule }) => rule)).toEqual([
    'not-proven',
  ]);
});
