import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';

let database: Database;
beforeAll(async () => { database = await openEmbedded(); });
afterAll(() => database.close());

/** A kit whose app sets variables on its own connection, as a role that owns nothing. */
const good = `
  create role app_user nologin; grant app_user to postgres;
  create schema app; grant usage on schema app, public to app_user;
  create function app.user_id() returns uuid language sql stable as 'select nullif(current_setting(''app.current_user_id'', true), '''')::uuid';
  create function app.org_id() returns uuid language sql stable as 'select nullif(current_setting(''app.current_org_id'', true), '''')::uuid';
  create function app.is_superadmin() returns boolean language sql stable as 'select coalesce(nullif(current_setting(''app.is_superadmin'', true), '''')::boolean, false)';
  create type public.organization_role as enum ('owner', 'admin', 'member');
  create table public.users (id uuid primary key default gen_random_uuid(), clerk_id text not null unique, email text not null);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id), user_id uuid not null references public.users (id), role public.organization_role not null default 'member');
  create table public.invoices (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), total int not null);
  alter table public.users enable row level security; alter table public.organizations enable row level security;
  alter table public.organization_members enable row level security; alter table public.invoices enable row level security;
  grant select on public.users, public.organizations, public.organization_members to app_user;
  grant select, insert, update, delete on public.invoices to app_user;
  create policy own on public.users for select to app_user using (id = (select app.user_id()) or (select app.is_superadmin()));
  create policy own on public.organizations for select to app_user using (id = (select app.org_id()) or (select app.is_superadmin()));
  create policy own on public.organization_members for select to app_user using (organization_id = (select app.org_id()) or (select app.is_superadmin()));
  create policy own on public.invoices to app_user using (organization_id = (select app.org_id()) or (select app.is_superadmin()))
    with check (organization_id = (select app.org_id()) or (select app.is_superadmin()));
`;

const cases: { name: string; sql: string; finds: string[] }[] = [
  { name: 'in good order', sql: '', finds: [] },
  { name: 'a table of everybody', sql: 'alter table public.invoices disable row level security', finds: ['anon-read public.invoices', 'anon-write public.invoices', 'isolation-insert public.invoices', 'isolation-read public.invoices', 'isolation-reassign public.invoices', 'isolation-write public.invoices'] },
  { name: 'the app\'s role owns the table', sql: 'grant app_user to postgres with inherit true; grant create on schema public to app_user; alter table public.invoices owner to app_user', finds: ['anon-read public.invoices', 'anon-write public.invoices', 'isolation-escalation schema public', 'isolation-insert public.invoices', 'isolation-read public.invoices', 'isolation-reassign public.invoices', 'isolation-write public.invoices', 'isolation-write role app_user'] },
  { name: 'open while no organization is set', sql: 'alter policy own on public.invoices using (organization_id = coalesce((select app.org_id()), organization_id))', finds: ['anon-read public.invoices', 'anon-write public.invoices', 'isolation-read public.invoices', 'isolation-write public.invoices'] },
  { name: 'an empty variable that is no uuid', sql: "create or replace function app.org_id() returns uuid language sql stable as 'select current_setting(''app.current_org_id'', true)::uuid'", finds: ['policy-error public.invoices', 'policy-error public.organization_members', 'policy-error public.organizations'] },
  { name: 'an invoice moved to another organization', sql: 'alter policy own on public.invoices with check (true)', finds: ['anon-write public.invoices', 'isolation-insert public.invoices', 'isolation-reassign public.invoices'] },
];

describe('verifyIsolation by session variables', () => {
  it.each(cases)('$name', async ({ sql, finds }) => {
    const report = await withSchema(database, `${good}; ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [], isolation: 'session', session: { role: 'app_user' } }));
    expect(report.findings.map((finding) => `${finding.rule} ${finding.object}`).sort()).toEqual(finds);
    expect(report.tables.map((table) => `${table.table} ${table.scope}`)).toEqual([
      'public.invoices organization organization_id', 'public.organization_members organization organization_id',
      'public.organizations organization id', 'public.users owner id',
      ...['is_superadmin', 'org_id', 'user_id'].map((name) => `app.${name}() callable by app_user`),
    ]);
  });

  it('takes the names that the app gives its variables', async () => {
    const renamed = good.replaceAll('app.current_org_id', 'tenant.id').replaceAll('app.current_user_id', 'tenant.person');
    const run = (session: { role: string; organization?: string; user?: string }) => withSchema(database, renamed, (inner) =>
      verifyIsolation(inner, { declarations: [], isolation: 'session', session }));
    expect((await run({ role: 'app_user', organization: 'tenant.id', user: 'tenant.person' })).findings).toEqual([]);
    expect((await run({ role: 'app_user' })).findings.map((finding) => finding.rule)).toContain('owner-locked-out');
  });

  it.each(['supabase_admin', 'nobody_here'])('says that the connection may not act as %s', async (role) => {
    await expect(withSchema(database, good, (session) =>
      verifyIsolation(session, { declarations: [], isolation: 'session', session: { role } })))
      .rejects.toMatchObject({ code: 'cannot-act-as', message: expect.stringContaining(role) });
  });
});
