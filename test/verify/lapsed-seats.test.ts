/** Seats that let a guest in for some time: who is let in must not choose how long. */
import { expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const me = '(select auth.uid())';

const plans = (
  updates: string,
  column = 'during tstzrange not null',
  asked = 'during @> now()',
): string => `create schema private; grant usage on schema private to authenticated;
  create table public.plans (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create table public.plan_access (plan_id uuid not null references public.plans (id) on delete cascade,
    user_id uuid not null references auth.users (id), ${column}, seen boolean not null default false,
    primary key (plan_id, user_id));
  create index on public.plans (owner_id); create index on public.plan_access (user_id);
  alter table public.plans enable row level security; alter table public.plan_access enable row level security;
  grant select, insert, update, delete on public.plans to authenticated; grant select, insert, delete on public.plan_access to authenticated;
  create function private.owns(p uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.plans where id = p and owner_id = auth.uid()) $$;
  create function private.sees(p uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.plan_access where plan_id = p and user_id = auth.uid() and ${asked}) $$;
  create policy own on public.plans for all to authenticated using (owner_id = ${me}) with check (owner_id = ${me});
  create policy guest on public.plans for select to authenticated using (private.sees(id));
  create policy r on public.plan_access for select to authenticated using (user_id = ${me} or private.owns(plan_id));
  create policy i on public.plan_access for insert to authenticated with check (private.owns(plan_id));
  create policy d on public.plan_access for delete to authenticated using (private.owns(plan_id));
  create policy u on public.plan_access for update to authenticated using (user_id = ${me}) with check (user_id = ${me});
  ${updates}`;

const grant = (columns: string): string => `grant update (${columns}) on public.plan_access to authenticated;`;
const until = ['until timestamptz not null', 'until > now()'] as const;
const removed = ['removed_at timestamptz', 'removed_at is null'] as const;
const accepted = ['accepted_at timestamptz', 'accepted_at is not null'] as const;

const pairs: Pair[] = [
  [
    'a guest moves the time in which it sees a plan',
    plans('grant update (seen) on public.plan_access to authenticated;'),
    plans('grant update (seen, during) on public.plan_access to authenticated;'),
    'isolation-escalation public.plan_access',
  ],
  [
    'a guest moves the date until which it sees a plan',
    plans(grant('seen'), ...until),
    plans(grant('seen, until'), ...until),
    'isolation-escalation public.plan_access',
  ],
  [
    'a guest takes back that it was taken out',
    plans(grant('seen'), ...removed),
    plans(grant('seen, removed_at'), ...removed),
    'isolation-escalation public.plan_access',
  ],
];
testPairs(pairs);

const find = findingsProver();
it('a guest may accept what it was offered', async () => {
  expect(errorsOf(await find(plans(grant('seen, accepted_at'), ...accepted)))).toEqual([]);
});
