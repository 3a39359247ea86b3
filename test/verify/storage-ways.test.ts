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

/** The same, with a fixed folder above that of the organization, whose name is cast to an ID. */
const deeper = (check: string): string =>
  `${team(`(storage.foldername(name))[1] = 'orgs' and ${check}`)}
  alter policy see on storage.objects using (bucket_id = 'team' and (storage.foldername(name))[1] = 'orgs' and ((storage.foldername(name))[2])::uuid in (select private.my_orgs()));`;
const helped = (check: string): string =>
  `${deeper(check)} create function private.is_mine(org uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.org_members where org_id = org and user_id = auth.uid()) $$;
  alter policy see on storage.objects using (bucket_id = 'team' and private.is_mine(((storage.foldername(name))[2])::uuid));`;
const ofDeeper = '((storage.foldername(name))[2])::uuid in (select private.my_orgs())';

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
  ...(
    [
      ['one of a list of organizations', deeper],
      ['an organization that a function is asked about', helped],
    ] as const
  ).map(([name, sql]): Pair => [
    `a file in the second folder: ${name}`,
    sql(ofDeeper),
    sql('name is not null'),
    'isolation-insert storage.objects[team]',
  ]),
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
