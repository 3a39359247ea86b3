import { expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';

it('does not change a large table entirely, says so, and proves it row by row', async () => {
  const database = await openEmbedded();
  try {
    const report = await withSchema(
      database,
      `
      create table public.events (id bigserial primary key, user_id uuid references auth.users (id), what text default repeat('x', 400));
      insert into public.events (what) select repeat('x', 400) from generate_series(1, 12000); analyze public.events;
      grant select, insert, update, delete on public.events to authenticated; alter table public.events enable row level security;
      create policy p on public.events to authenticated using (true) with check (user_id = (select auth.uid()));
      create view public.recent as select e.what, f.what as other from public.events e join public.events f using (id); grant select on public.recent to authenticated`,
      (session) => verifyIsolation(session, { declarations: [] }),
    );
    const events = report.tables.find((table) => table.table === 'public.events')!;
    expect(events.notes).toEqual([expect.stringContaining('too large')]);
    expect(report.notProven).toBe(2);
    expect(events.checks.filter((check) => check.verb.endsWith('-all'))).toEqual([]);
    expect(report.findings.map((finding) => `${finding.rule} ${finding.object}`).sort()).toEqual([
      'isolation-read public.events',
      'isolation-reassign public.events',
      'isolation-write public.events',
      'not-proven public.events',
      'not-proven public.recent',
    ]);
    expect(report.tables.find((table) => table.table === 'public.recent')).toMatchObject({
      checks: [],
      notes: [expect.stringContaining('too large')],
    });
  } finally {
    await database.close();
  }
});
