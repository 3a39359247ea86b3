import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import type { Finding } from '../../src/shared/finding.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';
import { asMigration } from './kit.ts';

/** Users and organizations in good order. */
export const base = `
  create schema private; grant usage on schema private to authenticated;
  create table public.profiles (id uuid primary key references auth.users (id), full_name text);
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.organization_members (
    organization_id uuid not null references public.organizations (id), user_id uuid not null references public.profiles (id),
    role text not null default 'member' check (role in ('owner', 'hr', 'member')), primary key (organization_id, user_id));
  create function private.my_organizations() returns setof uuid language sql stable security definer set search_path = ''
    as 'select organization_id from public.organization_members where user_id = auth.uid()';
  grant execute on function private.my_organizations() to authenticated;
  alter table public.profiles enable row level security; alter table public.organizations enable row level security;
  alter table public.organization_members enable row level security;
  grant select on public.organizations, public.organization_members, public.profiles to authenticated;
  create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy mine on public.organizations for select to authenticated using (id in (select private.my_organizations()));
  create policy mine on public.organization_members for select to authenticated using (organization_id in (select private.my_organizations()));
`;

/** A design with a mistake in it. */
export interface Hole {
  name: string;
  /** On top of {@link base}. */
  sql: string;
  /** Rule and object of each error. */
  finds: string[];
  /** What the messages of the errors say. */
  says?: RegExp;
  /** The smallest repair of the same SQL, after which there is no error. */
  repair: string;
}

/** Rule and object of each finding, in order. */
export function named(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, object }) => `${rule} ${object}`).sort();
}

/** Opens a database for the tests of a file; gives a function that proves SQL on top of {@link base}. */
export function useProver(): (sql: string) => Promise<IsolationReport> {
  let database: Database;
  beforeAll(async () => {
    database = await openEmbedded();
  });
  afterAll(() => database.close());
  return async (sql) => {
    const whole = `${base}; ${sql}`;
    const { declarations } = await expectationsOf([asMigration('001_test.sql', whole)]);
    return withSchema(database, whole, (session) => verifyIsolation(session, { declarations }));
  };
}

/** Tests that each hole is found, and that nothing is once it is repaired. */
export function testHoles(prove: (sql: string) => Promise<IsolationReport>, holes: readonly Hole[]): void {
  const errorsOf = async (sql: string): Promise<Finding[]> =>
    (await prove(sql)).findings.filter(({ severity }) => severity === 'error');
  it.each(holes)('$name', async ({ sql, finds, says, repair }) => {
    const found = await errorsOf(sql);
    expect(named(found)).toEqual([...finds].sort());
    if (says !== undefined) expect(found.map(({ message }) => message).join('\n')).toMatch(says);
    expect((await errorsOf(`${sql}; ${repair}`)).map(({ message }) => message)).toEqual([]);
  });
}
