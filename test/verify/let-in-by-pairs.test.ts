/** Rows that join two people, one of whom lets the other one in: a patient and a doctor, who hands on and to whom, for some time. */
import { expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { findingsProver } from './prove-files.ts';

const me = '(select auth.uid())';

const people = (name: string): string => `
  create table public.${name} (id uuid primary key default gen_random_uuid(),
    user_id uuid not null unique references auth.users (id) on delete cascade, name text not null);
  alter table public.${name} enable row level security; grant select on public.${name} to authenticated;`;

const ownDoctor = `doctor_id in (select id from public.doctors where user_id = ${me})`;

/** Doctors, whose names are public, patients, their consents, and what belongs to them. */
const clinic = (lasts: string, asks: string, more = ''): string => `${people('doctors')} ${people('patients')}
  create table public.consents (id uuid primary key default gen_random_uuid(),
    patient_id uuid not null references public.patients (id) on delete cascade,
    doctor_id uuid not null references public.doctors (id) on delete cascade, ${lasts} unique (patient_id, doctor_id));
  create table public.records (id uuid primary key default gen_random_uuid(),
    patient_id uuid not null references public.patients (id) on delete cascade, content text not null);
  create index on public.consents (doctor_id); create index on public.records (patient_id);
  create schema private; grant usage on schema private to authenticated;
  create function private.is_patient(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.patients where id = p and user_id = auth.uid()) $$;
  create function private.consented(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.consents c join public.doctors d on d.id = c.doctor_id
         where c.patient_id = p and d.user_id = auth.uid() ${asks}) $$;
  alter table public.consents enable row level security; alter table public.records enable row level security;
  -- muse: public-read
  create policy s on public.doctors for select to authenticated using (true);
  create policy s on public.patients for select to authenticated using (user_id = ${me} or private.consented(id));
  create policy s on public.consents for select to authenticated using (private.is_patient(patient_id) or ${ownDoctor});
  create policy i on public.consents for insert to authenticated with check (private.is_patient(patient_id));
  create policy u on public.consents for update to authenticated using (private.is_patient(patient_id)) with check (private.is_patient(patient_id));
  create policy s on public.records for select to authenticated using (private.is_patient(patient_id) or private.consented(patient_id));
  create policy i on public.records for insert to authenticated with check (private.consented(patient_id));
  grant select, insert, update on public.consents to authenticated; grant select, insert on public.records to authenticated; ${more}`;

const always = clinic('', '');
const untilThen = ['expires_at timestamptz not null,', 'and c.expires_at > now()'] as const;
const forTime = clinic(...untilThen);
const anyConsent = (sql: string): string => sql.replace('c.patient_id = p and', '');

/** Notes, and whom their owner lets read all of them until a day. */
const notes = (more = ''): string => `
  create table public.delegations (id uuid primary key default gen_random_uuid(),
    from_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    to_id uuid not null references auth.users (id) on delete cascade, until date not null, unique (from_id, to_id));
  create table public.notes (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create index on public.delegations (to_id); create index on public.notes (owner_id);
  create schema private; grant usage on schema private to authenticated;
  create function private.delegated(o uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.delegations where from_id = o and to_id = auth.uid() and until >= current_date) $$;
  alter table public.delegations enable row level security; alter table public.notes enable row level security;
  create policy s on public.delegations for select to authenticated using (${me} in (from_id, to_id));
  create policy i on public.delegations for insert to authenticated with check (from_id = ${me});
  create policy u on public.delegations for update to authenticated using (from_id = ${me}) with check (from_id = ${me});
  create policy s on public.notes for select to authenticated using (owner_id = ${me} or private.delegated(owner_id));
  create policy i on public.notes for insert to authenticated with check (owner_id = ${me});
  grant select, insert, update on public.delegations to authenticated; grant select, insert on public.notes to authenticated; ${more}`;

const pairs: Pair[] = [
  ['a doctor with a consent of anyone', always, anyConsent(always), 'isolation-read public.records'],
  ['the same, for some time', forTime, anyConsent(forTime), 'isolation-read public.records'],
  [
    'a doctor gives itself a consent',
    forTime,
    clinic(...untilThen, `create policy j on public.consents for insert to authenticated with check (${ownDoctor});`),
    'isolation-escalation public.consents',
  ],
  [
    'a doctor prolongs a consent',
    forTime,
    clinic(
      ...untilThen,
      `create policy j on public.consents for update to authenticated using (${ownDoctor}) with check (${ownDoctor});`,
    ),
    'isolation-escalation public.consents',
  ],
  [
    'who was let in prolongs that',
    notes(),
    notes(
      `create policy j on public.delegations for update to authenticated using (to_id = ${me}) with check (to_id = ${me});`,
    ),
    'isolation-escalation public.delegations',
  ],
  [
    'who was let in lets itself in again',
    notes(),
    notes(`create policy j on public.delegations for insert to authenticated with check (to_id = ${me});`),
    'isolation-escalation public.delegations',
  ],
];
testPairs(pairs);

const find = findingsProver();
it.each([
  ['consents', always],
  ['consents for some time', forTime],
  ['delegations until a day', notes()],
])('nothing is unproven: %s', async (_, sql) => {
  expect((await find(sql)).filter(({ rule }) => rule === 'not-proven')).toEqual([]);
});
