/** What a user writes in its own row, and functions or policies compare with rows of others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

interface Case {
  name: string;
  /** Columns of the user's own row `p`. */
  columns: string;
  /** What lets a task `t` through. */
  asks: string;
  /** What follows the condition. */
  end?: string;
  /** By a policy, who has it from the server reads what begins with it, which is told as a read. */
  isOfFunctions?: true;
}

const cases: Case[] = [
  { name: 'a key', columns: 'task_id uuid', asks: 'p.task_id = t.id' },
  { name: 'a list of keys', columns: "task_ids uuid[] not null default '{}'", asks: 't.id = any (p.task_ids)' },
  {
    name: 'a list that has something in common',
    columns: "task_ids uuid[] not null default '{}'",
    asks: 'array[t.id] && p.task_ids',
  },
  {
    name: 'a key in a document',
    columns: "settings jsonb not null default '{}'",
    asks: "t.id = (p.settings ->> 'task')::uuid",
  },
  {
    name: 'a key deep in a document',
    columns: "settings jsonb not null default '{}'",
    asks: "t.id::text = p.settings #>> '{open,task}'",
  },
  { name: 'a pattern', columns: 'pattern text', asks: 't.title ilike p.pattern' },
  { name: 'a regular expression', columns: 'pattern text', asks: 't.title ~ p.pattern' },
  { name: 'a prefix', columns: 'prefix text', asks: 'starts_with(t.title, p.prefix)', isOfFunctions: true },
  { name: 'a part', columns: 'part text', asks: 'strpos(t.title, p.part) > 0' },
  {
    name: 'a status, and a word for all',
    columns: 'what text, who text',
    asks: "t.status = p.what and p.who = 'everybody'",
  },
  {
    name: 'a number of rows, and a flag',
    columns: 'amount integer not null default 0, is_all boolean not null default false',
    asks: 'p.is_all',
    end: ' limit (select amount from public.prefs where user_id = auth.uid())',
  },
  { name: 'a level that has to be as high', columns: 'level integer not null default 0', asks: 'p.level >= t.level' },
  {
    name: 'a rank that has to be as low, and a word',
    columns: 'rank integer not null default 99999, who text',
    asks: "p.rank <= t.level and p.who = 'boss'",
  },
];

const sql = ({ columns, asks, end = '' }: Case, by: 'function' | 'policy', isOpen: boolean): string => `
  create table public.tasks (
    id uuid primary key default gen_random_uuid(), title text not null, status text not null default 'open', level integer not null default 5,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.tasks enable row level security; grant select, insert, update, delete on public.tasks to authenticated;
  create policy own on public.tasks for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create table public.prefs (
    user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, theme text, ${columns});
  alter table public.prefs enable row level security;
  grant select, insert${isOpen ? '' : ' (user_id, theme)'}, update${isOpen ? '' : ' (theme)'} on public.prefs to authenticated;
  create policy own on public.prefs for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  ${
    by === 'policy'
      ? `create policy let on public.tasks for select to authenticated
          using (exists (select 1 from public.prefs p where p.user_id = (select auth.uid()) and ${asks.replaceAll(/\bt\./g, 'tasks.')}));`
      : `create function public.f() returns setof public.tasks language sql stable security definer set search_path = '' as $$
          select t.* from public.tasks t join public.prefs p on ${asks} where p.user_id = auth.uid()${end} $$;
        revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`
  }`;

const prove = (schema: string): Promise<Finding[]> =>
  withSchema(database, schema, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);

describe.each(
  sampleOf(
    (['function', 'policy'] as const).flatMap((by) =>
      cases
        .filter(({ end, isOfFunctions }) => by === 'function' || (end === undefined && isOfFunctions !== true))
        .map((one) => ({ ...one, by })),
    ),
    3,
  ),
)("$name in a row of one's own, which a $by asks", (one) => {
  it('lets in who may write it', async () => {
    expect((await prove(sql(one, one.by, true))).map(({ rule, object }) => `${rule} ${object}`)).toContain(
      'isolation-escalation public.prefs',
    );
  });

  it('lets nobody in who may not', async () => {
    expect((await prove(sql(one, one.by, false))).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
