/** Users whose profile says which clinic they work for, and policies that ask for the same one. */
import { describe, expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const helper = (name: string, language: string, body: string): string =>
  `create function public.${name} returns uuid language ${language} stable security definer set search_path = '' as $$ ${body} $$;
  revoke all on function public.${name} from public, anon; grant execute on function public.${name} to authenticated;`;
const ofUser = (user: string): string => `select p.clinic_id from public.profiles p where p.id = ${user}`;

/** How policies ask for it: what has to be there, and the expression. */
const ways: [name: string, first: string, mine: string][] = [
  ['a query', '', `(${ofUser('(select auth.uid())')})`],
  ['a helper', helper('my_clinic()', 'sql', ofUser('auth.uid()')), '(select public.my_clinic())'],
  [
    'a helper in PL/pgSQL',
    helper(
      'my_clinic()',
      'plpgsql',
      'declare v uuid; begin select p.clinic_id into v from public.profiles p where p.id = auth.uid(); return v; end',
    ),
    '(select public.my_clinic())',
  ],
  [
    'a helper that is told who asks',
    helper('clinic_of(u uuid)', 'sql', `${ofUser('u')} and u = auth.uid()`),
    'public.clinic_of((select auth.uid()))',
  ],
];

const clinics = (first: string, mine: string): string => `
  create table public.clinics (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, clinic_id uuid references public.clinics (id),
    full_name text);
  create index on public.profiles (clinic_id); ${first}
  alter table public.clinics enable row level security; alter table public.profiles enable row level security;
  grant select on public.clinics to authenticated; grant select, update (full_name) on public.profiles to authenticated;
  create policy o on public.clinics for select to authenticated using (id = ${mine});
  create policy p on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy pu on public.profiles for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create table public.patients (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id), name text not null,
    email text);
  create index on public.patients (clinic_id); alter table public.patients enable row level security;
  grant select, insert, update, delete on public.patients to authenticated;
  create policy c1 on public.patients for select to authenticated using (clinic_id = ${mine});
  create policy c2 on public.patients for insert to authenticated with check (clinic_id = ${mine});
  create policy c3 on public.patients for update to authenticated using (clinic_id = ${mine}) with check (clinic_id = ${mine});
  create policy c4 on public.patients for delete to authenticated using (clinic_id = ${mine});
  create table public.visits (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id),
    patient_id uuid not null references public.patients (id), assigned_to uuid references public.profiles (id));
  create index on public.visits (clinic_id); create index on public.visits (patient_id); create index on public.visits (assigned_to);
  alter table public.visits enable row level security; grant select, insert on public.visits to authenticated;
  create policy j1 on public.visits for select to authenticated using (clinic_id = ${mine});
  create policy j2 on public.visits for insert to authenticated with check (clinic_id = ${mine}
    and exists (select 1 from public.patients c where c.id = patient_id and c.clinic_id = visits.clinic_id));`;

/** Profiles with a role, which a trigger makes for new users, and of which only some delete patients. */
const byRole = (asked: string): string => `
  alter table public.profiles add column role text not null default 'member' check (role in ('owner', 'admin', 'member'));
  create function public.manages() returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.profiles where id = auth.uid() and role in ('owner', 'admin')) $$;
  revoke all on function public.manages() from public, anon; grant execute on function public.manages() to authenticated;
  create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as
    $$ begin insert into public.profiles (id, full_name) values (new.id, new.raw_user_meta_data ->> 'full_name'); return new; end $$;
  revoke all on function public.welcome() from public, anon, authenticated; create trigger welcome after insert on auth.users for each row execute function public.welcome();
  alter policy c4 on public.patients using (${asked});`;

describe.each(sampleOf(ways, 2))('%s', (_name, first, mine) => {
  const made = clinics(first, mine);
  it('is correct where only some roles delete', async () => {
    const managed = `${made} ${byRole(`clinic_id = ${mine} and (select public.manages())`)}`;
    expect(await prove(managed)).toEqual([]);
    expect(await prove(`${managed} grant update (role) on public.profiles to authenticated;`)).toContain(
      'isolation-write public.profiles',
    );
  });

  it('is correct', async () => {
    expect(await prove(made)).toEqual([]);
  });
  it.each([
    [
      'users choose their clinic',
      'grant update (clinic_id) on public.profiles to authenticated;',
      'isolation-escalation public.profiles',
    ],
    [
      'rows are handed to other clinics',
      'alter policy c3 on public.patients with check (clinic_id is not null);',
      'isolation-reassign public.patients',
    ],
    [
      'any clinic will do',
      `alter policy c1 on public.patients using (${mine} is not null);`,
      'isolation-read public.patients',
    ],
    [
      'rows are added to other clinics',
      'alter policy c2 on public.patients with check (clinic_id is not null);',
      'isolation-insert public.patients',
    ],
  ])('%s', async (_hole, sql, finds) => {
    expect(await prove(`${made} ${sql}`)).toContain(finds);
  });
});
