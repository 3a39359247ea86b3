/** Of the values that something is compared with, all are tried: the one that opens something may be the last. */
import { describe, expect, it } from 'vitest';
import { callable, mine, owned } from './designs.ts';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

const kinds = Array.from({ length: 9 }, (_, index) => `k${index}`);

/** A condition that is false for each of the kinds, and true for one more. */
const isLast = (what: string): string =>
  `(case ${what} ${kinds.map((kind) => `when '${kind}' then false`).join(' ')} when 'last' then true else false end)`;

const refusesLast = (argument: string): string =>
  `if ${argument} = 'last' then raise exception 'no' using errcode = '42501'; end if;`;

const byMode = owned('notes', '', `${mine} or ${isLast("current_setting('app.mode', true)")}`);
const mode = (guard = ''): string =>
  callable(
    'public.mode(p_mode text)',
    'void',
    `begin ${guard} perform set_config('app.mode', p_mode, false); end`,
    'plpgsql',
  );

const people = `create table public.people (id uuid primary key references auth.users (id) on delete cascade,
    kind text not null default 'k0', name text);
  alter table public.people enable row level security; grant select, update (name) on public.people to authenticated;
  create policy r on public.people for select to authenticated using (id = (select auth.uid()));
  create policy u on public.people for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));`;
const byKind =
  people +
  owned('notes', '', `${mine} or (select ${isLast('p.kind')} from public.people p where p.id = (select auth.uid()))`);
const choose = (guard = ''): string =>
  callable(
    'public.choose(p_kind text)',
    'void',
    `begin ${guard} update public.people set kind = p_kind where id = auth.uid(); end`,
    'plpgsql',
  );

const roles = `create table public.roles (id int primary key, name text not null unique);
  insert into public.roles select i, case when i = 12 then 'admin' else 'role ' || i end from generate_series(1, 12) as i;
  alter table public.roles enable row level security; grant select on public.roles to authenticated;
  create policy r on public.roles for select to authenticated using (true);
  create table public.user_roles (user_id uuid not null references auth.users (id) on delete cascade,
    role_id int not null references public.roles (id), primary key (user_id, role_id));
  create index on public.user_roles (role_id); alter table public.user_roles enable row level security;
  grant select on public.user_roles to authenticated;
  create policy r on public.user_roles for select to authenticated using (user_id = (select auth.uid()));
  ${owned(
    'notes',
    '',
    `${mine} or exists (select from public.user_roles u join public.roles r on r.id = u.role_id
      where u.user_id = (select auth.uid()) and r.name = 'admin')`,
  )}`;
const joins = `grant insert on public.user_roles to authenticated;
  create policy i on public.user_roles for insert to authenticated with check (user_id = (select auth.uid()))`;

describe('the last of many values', () => {
  it.each([
    ['of a setting', byMode + mode(), byMode + mode(refusesLast('p_mode')), 'isolation-escalation public.mode(text)'],
    [
      'that a function writes',
      byKind + choose(),
      byKind + choose(refusesLast('p_kind')),
      'isolation-escalation public.choose(text)',
    ],
    ['that is the key of a row', roles + joins, roles, 'isolation-escalation public.user_roles'],
  ])('%s is tried', async (_, hole, repaired, expected) => {
    expect(await prove(hole)).toContain(expected);
    expect(await prove(repaired)).toEqual([]);
  });
});
