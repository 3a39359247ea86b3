import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { owned } from './designs.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Accounts of their owners, and payments to accounts, of which a trigger fills a column. */
const base = `${owned('accounts', 'iban text not null')}
  ${owned('payments', 'account_id uuid not null references public.accounts (id), filled text, details jsonb')}
  create table public.receipts (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text not null);
  alter table public.receipts enable row level security; grant select on public.receipts to authenticated;
  create policy r on public.receipts for select to authenticated using (owner_id = (select auth.uid()));`;
const onPayments = (body: string, when: string, rights = 'security definer'): string =>
  `create or replace function public.fill() returns trigger language plpgsql ${rights} set search_path = '' as $$ begin ${body} return new; end $$;
  create or replace trigger fill ${when} on public.payments for each row execute function public.fill();`;

/** Triggers that bring what is in the row of another into the row of the one who names it, and their repairs. */
const holes: [name: string, hole: string, repair: string][] = (
  [
    [
      'before an insert',
      'before insert',
      (own) => `select a.iban into new.filled from public.accounts a where a.id = new.account_id ${own};`,
    ],
    [
      'an assignment',
      'before insert or update',
      (own) => `new.filled := 'to ' || (select a.iban from public.accounts a where a.id = new.account_id ${own});`,
    ],
    [
      'after an insert',
      'after insert',
      (own) =>
        `update public.payments p set filled = left(a.iban, 60) from public.accounts a where a.id = new.account_id and p.id = new.id ${own};`,
    ],
    [
      'a row as JSON',
      'before insert',
      (own) => `select to_jsonb(a) into new.details from public.accounts a where a.id = new.account_id ${own};`,
    ],
    [
      'a row of another table',
      'after insert',
      (own) =>
        `insert into public.receipts (owner_id, body) select new.owner_id, a.iban from public.accounts a where a.id = new.account_id ${own};`,
    ],
  ] satisfies [string, string, (own: string) => string][]
).map(([name, when, body]) => [
  name,
  onPayments(body(''), when),
  onPayments(body('and a.owner_id = new.owner_id'), when),
]);

const errorsOf = async (sql: string): Promise<Finding[]> => {
  const { findings } = await withSchema(database, base + sql, (session) =>
    verifyIsolation(session, { declarations: [] }),
  );
  return findings.filter(({ severity }) => severity === 'error');
};

describe('what a trigger brings into the row of one who writes', () => {
  it.each(holes)('%s', async (_, hole, repair) => {
    expect((await errorsOf(hole)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'isolation-escalation public.payments',
    ]);
    expect((await errorsOf(hole + repair)).map(({ message }) => message)).toEqual([]);
  });
  it("correct: by the caller's own rights", async () => {
    const sql = onPayments(
      'select a.iban into new.filled from public.accounts a where a.id = new.account_id;',
      'before insert',
      'security invoker',
    );
    expect((await errorsOf(sql)).map(({ message }) => message)).toEqual([]);
  });
  it('correct: what everyone reads', async () => {
    const sql = onPayments(
      'select a.iban into new.filled from public.accounts a where a.id = new.account_id;',
      'before insert',
    );
    const shown = 'alter policy r on public.accounts using (true);';
    const declarations = [{ table: 'public.accounts', scope: 'public-read' as const }];
    const { findings } = await withSchema(database, base + sql + shown, (session) =>
      verifyIsolation(session, { declarations }),
    );
    expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([]);
  });
});
