/** Several writes in a row, each of which permits the next: the last lets in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** A user passes one step after the other, the first by itself or by the server; who has passed them all reads everybody's notes. */
const steps = (count: number, isOpen: boolean): string => `
  create table public.notes (
    id uuid primary key default gen_random_uuid(), body text not null,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.notes enable row level security; grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  ${Array.from({ length: count }, (_, at) => {
    const before = `exists (select from public.step_${at - 1} s where s.user_id = (select auth.uid()))`;
    return `
      create table public.step_${at} (
        user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, passed boolean not null default true);
      alter table public.step_${at} enable row level security; grant select${at > 0 || isOpen ? ', insert' : ''} on public.step_${at} to authenticated;
      create policy reads on public.step_${at} for select to authenticated using (user_id = (select auth.uid()));${
        at === 0 && !isOpen
          ? ''
          : `
      create policy passes on public.step_${at} for insert to authenticated
        with check (user_id = (select auth.uid())${at === 0 ? '' : ` and ${before}`});`
      }`;
  }).join('')}
  create policy all_passed on public.notes for select to authenticated
    using (exists (select from public.step_${count - 1} s where s.user_id = (select auth.uid())));`;

const prove = (sql: string): Promise<Finding[]> =>
  withSchema(database, sql, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);

const told = (findings: readonly Finding[]): string[] =>
  findings
    .filter(({ severity, rule }) => severity === 'error' || rule === 'not-proven')
    .map(({ rule, object }) => `${rule} ${object ?? ''}`);

describe.each([1, 2, 3, 4, 5])('%i writes', (count) => {
  it('are followed', async () => {
    expect(told(await prove(steps(count, true)))).toContain('isolation-escalation public.step_0');
  });
});

describe("a row of one's own, and a function that asks for it", () => {
  const sql = (asks: string): string => `${steps(1, false)}
    create table public.waitlist (
      user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, confirmed boolean not null default false);
    alter table public.waitlist enable row level security; grant select, insert on public.waitlist to authenticated;
    create policy reads on public.waitlist for select to authenticated using (user_id = (select auth.uid()));
    create policy waits on public.waitlist for insert to authenticated with check (user_id = (select auth.uid()) and not confirmed);
    create function public.enter() returns void language plpgsql security definer set search_path = '' as $$
      begin
        if exists (select from public.waitlist w where w.user_id = auth.uid()${asks}) then
          insert into public.step_0 (user_id) values (auth.uid()) on conflict do nothing;
        end if;
      end $$;
    revoke all on function public.enter from public, anon; grant execute on function public.enter to authenticated;`;

  it('lets in', async () => {
    expect(told(await prove(sql('')))).toContain('isolation-escalation public.enter()');
  });

  it('lets nobody in where it asks for what the server says', async () => {
    expect(told(await prove(sql(' and w.confirmed'))).filter((one) => !one.startsWith('not-proven'))).toEqual([]);
  });
});

describe('more writes than are followed', () => {
  it('are not proven', async () => {
    const findings = await prove(steps(7, true));
    expect(told(findings)).toContain('not-proven public.step_5');
    expect(findings.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(
        'what may be done after 5 permitted writes in a row, the last of them a write to it, was not followed',
      ),
    );
  });

  it('are of no concern where the first is refused', async () => {
    expect(told(await prove(steps(7, false))).filter((one) => !one.startsWith('not-proven public.notes'))).toEqual([]);
  });
});
