import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressOf } from '../../src/verify/fixtures/script.ts';
import { runPlan } from '../../src/verify/probes/run-script.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { type BothKinds, openBoth } from '../support/databases.ts';

/** Two tables of a user; the second lets everybody write, so that writes are followed. Its trigger raises on its own. */
const schema = `
  set client_min_messages = error;
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid references auth.users (id), body text);
  create table public.shares (note_id uuid references public.notes (id), user_id uuid references auth.users (id), primary key (note_id, user_id));
  alter table public.notes enable row level security; alter table public.shares enable row level security;
  grant select, insert, update, delete on public.notes, public.shares to authenticated;
  create policy notes_own on public.notes to authenticated using (user_id = (select auth.uid())
    or exists (select from public.shares s where s.note_id = id and s.user_id = (select auth.uid())));
  create policy shares_open on public.shares to authenticated using (true) with check (true);
  create function public.told() returns trigger language plpgsql set search_path = '' as
    $$ begin raise info 'a row of %', tg_table_name; return new; end $$;
  create trigger told before insert on public.shares for each row execute function public.told();`;

describe('how far a proof is', () => {
  let both: BothKinds;
  beforeAll(async () => {
    both = await openBoth();
  });
  afterAll(() => both.close());

  it.each(['embedded', 'postgres'] as const)('is told while it runs: %s', async (kind) => {
    const database = both[kind];
    await database.script(schema);
    const texts: string[] = [];
    let isDone = false;
    const report = await verifyIsolation(database, {
      declarations: [],
      onProgress: (text) => texts.push(isDone ? `too late: ${text}` : text),
    });
    isDone = true;
    const told = texts.map((text) =>
      /^(?:(following what was allowed), )?([\d,]+) of ([\d,]+)(?: checks)?$/.exec(text),
    );
    expect(told).not.toContain(null);
    const numbers = told.map((match) => ({ following: match![1] !== undefined, done: +match![2]!, of: +match![3]! }));
    const checks = numbers.filter(({ following }) => !following);
    const followed = numbers.filter(({ following }) => following);
    expect(checks.map(({ done }) => done)).toEqual(checks.map((_, index) => 20 * (index + 1)));
    expect(checks.length).toBeGreaterThan(1);
    expect(followed.length).toBeGreaterThan(0);
    for (const { done, of } of numbers) expect(done).toBeLessThanOrEqual(of);
    expect(report.tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['public.notes', 'public.shares']));
    // The connection tells nobody afterwards.
    await database.script("do $$ begin raise info 'muse proof: 50'; end $$");
    expect(texts.filter((text) => text.startsWith('too late'))).toEqual([]);
  });

  it('is told while many rows are made, and after a write that much asks', async () => {
    const told: number[] = [];
    const probe = { sql: "select 'x'", mode: 'read' as const, state: '', actors: [] };
    await runPlan(
      both.postgres,
      {
        sequences: [],
        silenced: [],
        fill: Array.from({ length: 250 }, () => ({ settings: {}, sql: ['select 1'] })),
        states: {},
        known: '',
        actors: [{ role: 'authenticated', settings: {}, user: '', organization: '' }],
        probes: Array.from({ length: 121 }, () => probe),
        chains: [
          {
            lead: [[0, 0]],
            afterwards: Array.from({ length: 120 }, (_, index): [number, number] => [index + 1, 0]),
            states: [],
          },
        ],
      },
      (done) => told.push(done),
    );
    // Twice for the rows, twice for what is tried after the one write, which is not done yet.
    expect(told).toEqual([0, 0, 1, 1]);
  });

  it.each([
    ['muse proof: 50', 50],
    ['muse proof: ', undefined],
    ['muse proof: 1 2', undefined],
    ['muse proof: -1', undefined],
    ['a row of shares', undefined],
    ['', undefined],
  ])('is read from what the script raises alone: %j', (raised, expected) => {
    expect(progressOf(raised)).toBe(expected);
  });
});
