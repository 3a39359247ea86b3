import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { schemaDrift } from '../../src/muse/drift.ts';
import type { Migration } from '../../src/sql/migration.ts';

/** A table by month: the files name one partition, and a function makes those of a month when it is called. */
const files: Migration[] = [
  {
    layer: 'core',
    file: 'migrations/core/001_events.sql',
    number: '001',
    checksum: 'e'.repeat(64),
    sql: `
      create schema if not exists private;
      create table public.events (id bigint not null, at date not null, text text) partition by range (at);
      create index events_at_idx on public.events (at);
      create table public.events_default partition of public.events default;
      create function private.add_month(first_day date) returns void language plpgsql set search_path = '' as $$
      begin
        execute format('create table private.%I partition of public.events for values from (%L) to (%L)',
          'events_' || to_char(first_day, 'YYYY_MM'), first_day, first_day + interval '1 month');
        execute format('alter table private.%I enable row level security', 'events_' || to_char(first_day, 'YYYY_MM'));
      end $$;
      select private.add_month('2026-01-01');`,
  },
];

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
  await migrate(database, files);
});
afterAll(() => database.close());

describe('a partitioned table', () => {
  it.each<[string, string, string[]]>([
    ['as the files left it', 'select 1', []],
    ['with another month', "select private.add_month('2026-02-01')", []],
    [
      'with a policy, a comment, an index, a grant and a column default on that month',
      `create policy own on private.events_2026_02 using (true);
       comment on table private.events_2026_02 is 'February';
       create index february on private.events_2026_02 (text);
       grant select on private.events_2026_02 to anon;
       alter table private.events_2026_02 alter column text set default '';`,
      [],
    ],
    ['without the month that the files made by a function', 'drop table private.events_2026_01', []],
    [
      'with a table that is no partition',
      'create table private.events_2026_03 (id int)',
      ['+ grant relation private.events_2026_03', '+ table private.events_2026_03'],
    ],
    [
      'without the partition that the files name',
      'drop table private.events_2026_03; alter table public.events detach partition public.events_default',
      ['~ table public.events_default'],
    ],
    [
      'with a column of its own on the table',
      'alter table public.events add column by_hand text',
      ['+ column public.events.by_hand', '~ table public.events_default'],
    ],
  ])('%s', async (_, sql, drift) => {
    await database.script(sql);
    const found = await schemaDrift(database, files);
    expect(found.map(({ change, object }) => `${change} ${object}`).sort()).toEqual(drift);
  });
});
