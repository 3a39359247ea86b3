/** Seats that have ended, withdrawn consents, subscriptions that run out, and rows that only the server adds: who is still let in. */
import { describe } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';

const uid = '(select auth.uid())';

/** Firms, whose members leave; `boss` is what the helper for their role asks besides who it is. */
const firms = (boss: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.firms (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.firm_people (firm_id uuid not null references public.firms (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'staff' check (role in ('staff', 'boss')), left_at timestamptz, primary key (firm_id, user_id));
  create table public.shifts (id uuid primary key default gen_random_uuid(),
    firm_id uuid not null references public.firms (id) on delete cascade, starts timestamptz not null);
  create table public.salaries (id uuid primary key default gen_random_uuid(),
    firm_id uuid not null references public.firms (id) on delete cascade, amount numeric not null);
  create index on public.firm_people (user_id); create index on public.shifts (firm_id); create index on public.salaries (firm_id);
  create function private.works_for(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.firm_people where firm_id = p and user_id = auth.uid() and left_at is null) $$;
  create function private.role_for(p uuid) returns text language sql stable security definer set search_path = '' as
    $$ select role from public.firm_people where firm_id = p and user_id = auth.uid()${boss} $$;
  alter table public.firms enable row level security; alter table public.firm_people enable row level security;
  alter table public.shifts enable row level security; alter table public.salaries enable row level security;
  grant select on public.firms, public.firm_people, public.shifts, public.salaries to authenticated;
  create policy r on public.firms for select to authenticated using (private.works_for(id));
  create policy r on public.firm_people for select to authenticated using (user_id = ${uid} or private.works_for(firm_id));
  create policy r on public.shifts for select to authenticated using (private.works_for(firm_id));
  create policy r on public.salaries for select to authenticated using (private.role_for(firm_id) = 'boss');`;

/** What a patient lets a doctor read until it is withdrawn. */
const consents = (check: string): string => `
  create table public.records (id uuid primary key default gen_random_uuid(),
    patient_id uuid not null default auth.uid() references auth.users (id), finding text not null);
  create table public.consents (patient_id uuid not null default auth.uid() references auth.users (id),
    clinician_id uuid not null references auth.users (id), withdrawn_at timestamptz, primary key (patient_id, clinician_id));
  create index on public.records (patient_id); create index on public.consents (clinician_id);
  alter table public.records enable row level security; alter table public.consents enable row level security;
  grant select, insert on public.records, public.consents to authenticated; grant update (withdrawn_at) on public.consents to authenticated;
  create policy r on public.records for select to authenticated using (patient_id = ${uid} or exists (select 1 from public.consents c
    where c.patient_id = records.patient_id and c.clinician_id = ${uid} and c.withdrawn_at is null));
  create policy i on public.records for insert to authenticated with check (patient_id = ${uid});
  create policy r on public.consents for select to authenticated using (${uid} in (patient_id, clinician_id));
  create policy i on public.consents for insert to authenticated with check (patient_id = ${uid});
  create policy u on public.consents for update to authenticated using (${uid} in (patient_id, clinician_id))
    with check (patient_id = ${uid} or (clinician_id = ${uid}${check}));`;

/** Lessons for those whose subscription has not run out. */
const lessons = (columns: string): string => `
  create table public.lessons (id uuid primary key default gen_random_uuid(), video_url text not null);
  create table public.subscriptions (id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade, period_end timestamptz not null,
    cancel_at_end boolean not null default false);
  create index on public.subscriptions (user_id);
  alter table public.lessons enable row level security; alter table public.subscriptions enable row level security;
  grant select on public.lessons, public.subscriptions to authenticated; grant update (${columns}) on public.subscriptions to authenticated;
  create policy r on public.subscriptions for select to authenticated using (user_id = ${uid});
  create policy u on public.subscriptions for update to authenticated using (user_id = ${uid}) with check (user_id = ${uid});
  create policy r on public.lessons for select to authenticated
    using (exists (select 1 from public.subscriptions s where s.user_id = ${uid} and s.period_end > now()));`;

/** Shipments of a depot, which only the server adds; a trigger asks about the row as `asked`. */
const shipments = (asked: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.depots (id bigint generated always as identity primary key, label text not null);
  create table public.depot_staff (depot_id bigint not null references public.depots (id) on delete cascade,
    account_id uuid not null references auth.users (id) on delete cascade, primary key (depot_id, account_id));
  create table public.shipments (id bigint generated always as identity primary key,
    depot_id bigint not null references public.depots (id), weight_kg numeric not null default 1);
  create index on public.depot_staff (account_id); create index on public.shipments (depot_id);
  create function private.at_depot(p bigint) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.depot_staff where depot_id = p and account_id = auth.uid()) $$;
  create function public.check_depot() returns trigger language plpgsql set search_path = '' as $$
    begin if not private.at_depot(${asked}.depot_id) then raise exception 'not your depot'; end if; return new; end $$;
  create trigger check_depot before update on public.shipments for each row execute function public.check_depot();
  alter table public.depots enable row level security; alter table public.depot_staff enable row level security;
  alter table public.shipments enable row level security;
  grant select on public.depots, public.depot_staff, public.shipments to authenticated; grant update on public.shipments to authenticated;
  create policy r on public.depots for select to authenticated using (private.at_depot(id));
  create policy r on public.depot_staff for select to authenticated using (private.at_depot(depot_id));
  create policy r on public.shipments for select to authenticated using (private.at_depot(depot_id));
  create policy u on public.shipments for update to authenticated using (private.at_depot(depot_id)) with check (weight_kg > 0);`;

/** What is seen by the group that a carer is in; a group that is gone leaves its rows without one. */
const observations = (group: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.care_groups (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.carers (user_id uuid primary key references auth.users (id) on delete cascade,
    group_id uuid not null references public.care_groups (id));
  create table public.observations (id uuid primary key default gen_random_uuid(),
    group_id uuid references public.care_groups (id) on delete set null, patient text not null);
  create index on public.carers (group_id); create index on public.observations (group_id);
  create function private.my_group() returns uuid language sql stable security definer set search_path = '' as
    $$ select group_id from public.carers where user_id = auth.uid() $$;
  alter table public.care_groups enable row level security; alter table public.carers enable row level security;
  alter table public.observations enable row level security;
  grant select on public.care_groups, public.carers, public.observations to authenticated;
  create policy r on public.care_groups for select to authenticated using (id = private.my_group());
  create policy r on public.carers for select to authenticated using (user_id = ${uid});
  create policy r on public.observations for select to authenticated using (${group} = private.my_group());`;

const cases: Pair[] = [
  [
    'a member who has left, with the role that it had',
    firms(' and left_at is null'),
    firms(''),
    'isolation-read public.salaries',
  ],
  [
    'a consent that was withdrawn',
    consents(' and withdrawn_at is not null'),
    consents(''),
    'isolation-escalation public.consents',
  ],
  [
    'a subscription that its user prolongs',
    lessons('cancel_at_end'),
    lessons('cancel_at_end, period_end'),
    'isolation-escalation public.subscriptions',
  ],
  [
    'a shipment that goes to a depot of others',
    shipments('new'),
    shipments('old'),
    'isolation-reassign public.shipments',
  ],
  [
    'what belongs to no group any more',
    observations('group_id'),
    observations('coalesce(group_id, private.my_group())'),
    'isolation-read public.observations',
  ],
];

describe('what has ended', () => {
  testPairs(cases);
});
