import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';
import { sessionKit } from './session-kit.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

const cases: { name: string; sql: string; finds: string[] }[] = [
  { name: 'in good order', sql: '', finds: [] },
  {
    name: 'a public table',
    sql: 'alter table public.invoices disable row level security',
    finds: [
      'anon-read public.invoices',
      'anon-write public.invoices',
      'isolation-insert public.invoices',
      'isolation-read public.invoices',
      'isolation-reassign public.invoices',
      'isolation-write public.invoices',
    ],
  },
  {
    name: "the app's role owns the table",
    sql: 'grant app_user to postgres with inherit true; grant create on schema public to app_user; alter table public.invoices owner to app_user',
    finds: [
      'anon-read public.invoices',
      'anon-write public.invoices',
      'isolation-escalation schema public',
      'isolation-insert public.invoices',
      'isolation-read public.invoices',
      'isolation-reassign public.invoices',
      'isolation-write public.invoices',
      'isolation-write role app_user',
    ],
  },
  {
    name: 'open while no organization is set',
    sql: 'alter policy own on public.invoices using (organization_id = coalesce((select app.org_id()), organization_id))',
    finds: [
      'anon-read public.invoices',
      'anon-write public.invoices',
      'isolation-read public.invoices',
      'isolation-write public.invoices',
    ],
  },
  {
    name: 'an empty variable that is no uuid',
    sql: "create or replace function app.org_id() returns uuid language sql stable as 'select current_setting(''app.current_org_id'', true)::uuid'",
    finds: [
      'policy-error public.invoices',
      'policy-error public.organization_members',
      'policy-error public.organizations',
    ],
  },
  {
    name: 'an invoice moved to another organization',
    sql: 'alter policy own on public.invoices with check (true)',
    finds: ['anon-write public.invoices', 'isolation-insert public.invoices', 'isolation-reassign public.invoices'],
  },
];

describe('verifyIsolation with session variables', () => {
  it.each(sampleOf(cases, 2))('$name', async ({ sql, finds }) => {
    const report = await withSchema(database, `${sessionKit}; ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [], isolation: 'session', session: { role: 'app_user' } }),
    );
    expect(report.findings.map((finding) => `${finding.rule} ${finding.object}`).sort()).toEqual(finds);
    expect(report.tables.map((table) => `${table.table} ${table.scope}`)).toEqual([
      'public.invoices organization organization_id',
      'public.organization_members organization organization_id',
      'public.organizations organization id',
      'public.users owner id',
      ...['is_superadmin', 'org_id', 'user_id'].map((name) => `app.${name}() callable by app_user`),
    ]);
  });

  it('uses the app’s names of its variables', async () => {
    const renamed = sessionKit
      .replaceAll('app.current_org_id', 'tenant.id')
      .replaceAll('app.current_user_id', 'tenant.person');
    const run = (session: { role: string; organization?: string; user?: string }) =>
      withSchema(database, renamed, (inner) =>
        verifyIsolation(inner, { declarations: [], isolation: 'session', session }),
      );
    expect((await run({ role: 'app_user', organization: 'tenant.id', user: 'tenant.person' })).findings).toEqual([]);
    expect((await run({ role: 'app_user' })).findings.map((finding) => finding.rule)).toContain('owner-locked-out');
  });

  it.each(['supabase_admin', 'nobody_here'])('reports that the connection cannot act as %s', async (role) => {
    await expect(
      withSchema(database, sessionKit, (session) =>
        verifyIsolation(session, { declarations: [], isolation: 'session', session: { role } }),
      ),
    ).rejects.toMatchObject({ code: 'cannot-act-as', message: expect.stringContaining(role) });
  });
});
