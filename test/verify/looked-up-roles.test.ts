/** Users whose role over the whole product is a row in a table of roles. */
import { describe, expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const admin = "(select public.has_role('admin'))";

const trigger = `create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.user_roles (user_id, role_id) select new.id, id from public.roles where name = 'user'; return new; end $$;
  revoke all on function public.handle_new_user() from public, anon, authenticated;
  create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();`;

/** The type of the roles' keys, the key of the table that gives them, and a trigger. */
const forms: [name: string, type: string, id: string, key: string, after: string][] = [
  ['several for a user, by UUIDs', 'uuid', 'uuid primary key default gen_random_uuid()', 'user_id, role_id', ''],
  [
    'several for a user, by numbers',
    'int',
    'int generated always as identity primary key',
    'user_id, role_id',
    trigger,
  ],
  ['one for a user, by UUIDs', 'uuid', 'uuid primary key default gen_random_uuid()', 'user_id', ''],
  ['one for each user, by numbers', 'int', 'int generated always as identity primary key', 'user_id', trigger],
];

const schema = (type: string, id: string, key: string, after: string): string => `
  create table public.roles (id ${id}, name text not null unique);
  insert into public.roles (name) values ('user'), ('admin'), ('editor');
  alter table public.roles enable row level security; grant select on public.roles to authenticated;
  -- muse: public-read
  create policy rr on public.roles for select to authenticated using (true);
  create table public.user_roles (user_id uuid not null references auth.users (id) on delete cascade,
    role_id ${type} not null references public.roles (id), primary key (${key}));
  create index on public.user_roles (role_id); alter table public.user_roles enable row level security;
  grant select, insert, update, delete on public.user_roles to authenticated;
  create function public.has_role(p_role text) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.user_roles ur join public.roles r on r.id = ur.role_id where ur.user_id = auth.uid() and r.name = p_role) $$;
  revoke all on function public.has_role from public, anon; grant execute on function public.has_role to authenticated;
  create policy ur on public.user_roles for select to authenticated using (user_id = (select auth.uid()));
  create policy um on public.user_roles for all to authenticated using (${admin}) with check (${admin});
  create table public.documents (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    title text not null);
  create index on public.documents (owner_id); alter table public.documents enable row level security;
  grant select, insert, update on public.documents to authenticated;
  create policy d1 on public.documents for select to authenticated using (owner_id = (select auth.uid()) or ${admin});
  create policy d2 on public.documents for insert to authenticated with check (owner_id = (select auth.uid()));
  create policy d3 on public.documents for update to authenticated using (${admin}) with check (${admin});
  create table public.sites (id uuid primary key default gen_random_uuid(), name text not null); alter table public.sites enable row level security;
  grant select, insert, update on public.sites to authenticated;
  create policy s on public.sites for all to authenticated using (${admin}) with check (${admin}); ${after}`;

const holes: [name: string, sql: string, finds: string, repair: string][] = [
  [
    'users give themselves roles',
    'create policy own on public.user_roles for insert to authenticated with check (user_id = (select auth.uid()));',
    'isolation-escalation public.user_roles',
    'drop policy own on public.user_roles;',
  ],
  [
    'anybody maintains what staff maintains',
    'alter policy s on public.sites using ((select auth.uid()) is not null) with check ((select auth.uid()) is not null);',
    'isolation-insert public.sites',
    `alter policy s on public.sites using (${admin}) with check (${admin});`,
  ],
  [
    'whose it is, is not asked',
    `alter policy d1 on public.documents using (owner_id is not null or ${admin});`,
    'isolation-read public.documents',
    `alter policy d1 on public.documents using (owner_id = (select auth.uid()) or ${admin});`,
  ],
];

describe.each(forms)('%s', (_name, ...form) => {
  it('is correct', async () => {
    expect(await prove(schema(...form))).toEqual([]);
  });
  it.each(sampleOf(holes, 3))('%s', async (_hole, sql, finds, repair) => {
    expect(await prove(`${schema(...form)} ${sql}`)).toContain(finds);
    expect(await prove(`${schema(...form)} ${sql} ${repair}`)).toEqual([]);
  });
});

it('what everybody has is not enough', async () => {
  const [, ...form] = forms[3]!;
  const open = `alter policy d1 on public.documents using (owner_id = (select auth.uid()) or (select public.has_role('user')));`;
  expect(await prove(`${schema(...form)} ${open}`)).toContain('isolation-read public.documents');
});
