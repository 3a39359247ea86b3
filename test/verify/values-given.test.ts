/** Functions that give no text of a row of another: what belongs together, each of which everyone may read, and times and lists. */
import { expect, it } from 'vitest';
import { callable, mine, owned } from './designs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const find = findingsProver();

const everyone = (table: string, columns: string): string =>
  `create table public.${table} (${columns}); alter table public.${table} enable row level security;
  -- muse: public-read
  create policy r on public.${table} for select to anon, authenticated using (true); grant select on public.${table} to anon, authenticated;`;

/** People and clinics that everyone sees, and who is treated where and by whom, which only those two see. */
const clinics = `${everyone('people', 'id uuid primary key references auth.users (id) on delete cascade, name text not null')}
  ${everyone('clinics', 'id uuid primary key default gen_random_uuid(), name text not null, owner_id uuid not null references auth.users (id)')}
  create table public.treatments (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id),
    patient_id uuid not null references auth.users (id), doctor_id uuid not null references auth.users (id));
  create index on public.clinics (owner_id); create index on public.treatments (clinic_id);
  create index on public.treatments (patient_id); create index on public.treatments (doctor_id);
  alter table public.treatments enable row level security; grant select on public.treatments to authenticated;
  create policy r on public.treatments for select to authenticated using ((select auth.uid()) in (patient_id, doctor_id));`;

const f = (returns: string, query: string): string => callable('public.f(p uuid)', returns, query);

it.each<[name: string, sql: string, isUnproven: boolean]>([
  ['the patients of a doctor', f('setof uuid', 'select patient_id from public.treatments where doctor_id = p'), true],
  [
    'their names',
    f(
      'setof text',
      'select n.name from public.treatments t join public.people n on n.id = t.patient_id where t.doctor_id = p',
    ),
    true,
  ],
  [
    'a document of them',
    f(
      'jsonb',
      "select jsonb_agg(jsonb_build_object('who', n.name)) from public.people n where n.id in (select patient_id from public.treatments where clinic_id = p)",
    ),
    true,
  ],
  [
    'them for anyone who is signed in',
    f(
      'setof uuid',
      'select patient_id from public.treatments where doctor_id = p and (select auth.uid()) is not null and auth.role() = $r$authenticated$r$',
    ),
    true,
  ],
  [
    'not to their doctor alone',
    f('setof uuid', 'select patient_id from public.treatments where clinic_id = p and doctor_id = auth.uid()'),
    false,
  ],
  [
    "not with its caller's rights",
    f('setof uuid', 'select patient_id from public.treatments where doctor_id = p').replace('security definer', ''),
    false,
  ],
  [
    'not how many there are',
    f(
      'table (name text, number bigint)',
      'select c.name, (select count(*) from public.treatments t where t.clinic_id = c.id) from public.clinics c where c.id = p',
    ),
    false,
  ],
  [
    'not whether there is one',
    f(
      'setof public.clinics',
      'select * from public.clinics c where c.id = p and exists (select from public.treatments t where t.clinic_id = c.id)',
    ),
    false,
  ],
])('%s', async (_, sql, isUnproven) => {
  const found = await find(`${clinics} ${sql}`);
  expect(errorsOf(found)).toEqual([]);
  const told = found.filter(({ rule, object }) => rule === 'not-proven' && object === 'public.f(uuid)');
  expect(told.map(({ message }) => message.includes('public.treatments'))).toEqual(isUnproven ? [true] : []);
});

/** What everyone may read of the places names their owner, and the seats hold only those names. */
const seats = `${everyone('places', 'id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id)')}
  create index on public.places (owner_id);
  create table public.seats (id uuid primary key default gen_random_uuid(), place_id uuid not null references public.places (id),
    owner_id uuid not null references auth.users (id), kind text not null default 'plain' check (kind in ('plain', 'window')));
  create index on public.seats (place_id); create index on public.seats (owner_id); alter table public.seats enable row level security;
  grant select on public.seats to authenticated;
  create policy r on public.seats for select to authenticated using (owner_id = (select auth.uid()));`;

it.each<[name: string, sql: string, found: string]>([
  ['as JSON', f('jsonb', 'select to_jsonb(s) from public.seats s where s.id = p'), 'isolation-read'],
  ['as a list', f('json', 'select json_agg(o) from (select * from public.seats where id = p) as o'), 'isolation-read'],
  ['as a text', f('text', 'select seats::text from public.seats where id = p'), 'not-proven'],
])('a whole row, all of whose parts may be known, %s', async (_, sql, found) => {
  const findings = await find(`${seats} ${sql}`);
  expect(findings.filter(({ object }) => object === 'public.f(uuid)').map(({ rule }) => rule)).toEqual([found]);
});

const born = owned(
  'pets',
  "made timestamptz not null default now(), born date, tags text[] not null default '{}', seen timestamptz",
);
const pet = (returns: string, query: string): string => `${born} ${f(returns, query)}`;
const all = (returns: string, query: string): string => `${born} ${callable('public.f()', returns, query)}`;

it.each<[name: string, sql: string, found: string[]]>([
  ['a date', pet('date', 'select born from public.pets where id = p'), ['error']],
  ['a year', pet('int', 'select extract(year from born)::int from public.pets where id = p'), ['error']],
  ['a time that every row has', pet('timestamptz', 'select made from public.pets where id = p'), ['error']],
  ['the last time of a user', pet('timestamptz', 'select max(made) from public.pets where owner_id = p'), ['error']],
  ['a list', pet('text[]', 'select tags from public.pets where id = p'), ['error']],
  ['a time, only to its owner', pet('timestamptz', `select made from public.pets where id = p and ${mine}`), []],
  [
    'how many there are by day',
    all('table (day date, number bigint)', 'select made::date, count(*) from public.pets group by 1'),
    ['warning'],
  ],
  ['how many are new', all('bigint', "select count(*) from public.pets where made > now() - interval '30 days'"), []],
  ['how many were seen', all('bigint', 'select count(*) from public.pets where seen is not null'), []],
])('of rows of others: %s', async (_, sql, found) => {
  const findings = await find(sql);
  expect(findings.filter(({ object }) => object?.startsWith('public.f(')).map(({ severity }) => severity)).toEqual(
    found,
  );
});
