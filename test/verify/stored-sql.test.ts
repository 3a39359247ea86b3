/** SQL that a function takes from rows of users. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

interface Case {
  name: string;
  body: string;
  /** The column, if it is another. */
  column?: string;
  /** What users may write of the table with it, if it is not all. */
  writes?: string;
}

const mine = 'select p.filter from public.prefs p where p.user_id = auth.uid()';

const sql = ({ body, column = 'filter text', writes = 'select, insert, update' }: Case): string => `
  create table public.tasks (
    id uuid primary key default gen_random_uuid(), title text not null, filter text,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.tasks enable row level security; grant select, insert (title), delete on public.tasks to authenticated;
  create policy own on public.tasks for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create table public.prefs (
    user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade, theme text, ${column});
  alter table public.prefs enable row level security; grant ${writes} on public.prefs to authenticated;
  create policy own on public.prefs for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create function public.f() returns setof text language plpgsql stable security definer set search_path = '' as $f$
    declare v text; r record;
    begin ${body} end $f$;
  revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`;

const told = async (one: Case): Promise<string[]> =>
  withSchema(database, sql(one), async (session) =>
    (await verifyIsolation(session, { declarations: [] })).findings
      .filter(({ message }) => message.includes('which users write'))
      .map(({ rule, severity, object }) => `${severity} ${rule} ${object}`),
  );

describe('SQL in rows that users write', () => {
  it.each<Case>([
    {
      name: 'in a query',
      body: `return query execute 'select title from public.tasks where ' || coalesce((${mine}), 'false');`,
    },
    {
      name: 'in a variable',
      body: `select p.filter into v from public.prefs p where p.user_id = auth.uid(); return query execute format('select title from public.tasks where %s', v);`,
    },
    {
      name: 'assigned and trimmed',
      body: `v := (${mine}); v := trim(v); return query execute 'select title from public.tasks where ' || v;`,
    },
    {
      name: 'in the record of a loop',
      body: `for r in select * from public.prefs loop return query execute 'select title from public.tasks where ' || r.filter; end loop;`,
    },
    {
      name: 'in a document',
      column: "settings jsonb not null default '{}'",
      body: `select p.settings ->> 'filter' into v from public.prefs p where p.user_id = auth.uid(); return query execute 'select title from public.tasks where ' || v;`,
    },
    {
      name: 'in a column that is added alone',
      writes: 'select, insert (user_id, filter)',
      body: `return query execute 'select title from public.tasks where ' || (${mine});`,
    },
  ])('is not proven $name', async (one) => {
    expect(await told(one)).toEqual(['error not-proven public.f()']);
  });

  it.each<Case>([
    {
      name: 'quoted',
      body: `select p.filter into v from public.prefs p where p.user_id = auth.uid(); return query execute format('select title from public.tasks where title = %L and user_id = auth.uid()', v);`,
    },
    {
      name: 'a parameter',
      body: `select p.filter into v from public.prefs p where p.user_id = auth.uid(); return query execute 'select title from public.tasks where title = $1 and user_id = auth.uid()' using v;`,
    },
    {
      name: 'one of some words',
      column: "filter text not null default 'true' check (filter in ('true', 'false'))",
      body: `return query execute 'select title from public.tasks where user_id = auth.uid() and ' || (${mine});`,
    },
    {
      name: 'what the server writes',
      writes: 'select, insert (user_id, theme), update (theme)',
      body: `return query execute 'select title from public.tasks where user_id = auth.uid() and ' || (${mine});`,
    },
    {
      name: 'from another table, which users do not write',
      body: `for r in select t.filter from public.tasks t loop return query execute 'select title from public.tasks where user_id = auth.uid() and ' || r.filter; end loop;`,
    },
    {
      name: 'not in what is run',
      body: `select p.filter into v from public.prefs p where p.user_id = auth.uid(); execute 'select 1'; return query select t.title from public.tasks t where t.user_id = auth.uid() and t.title = v;`,
    },
  ])('is proven $name', async (one) => {
    expect(await told(one)).toEqual([]);
  });
});
