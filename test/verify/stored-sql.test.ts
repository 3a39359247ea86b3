/** SQL that a function takes from rows of users, or from arguments by way of another function. */
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

interface HelperCase {
  name: string;
  arguments: string;
  /** The body of the function that users call. */
  body: string;
  /** The body of the one that it calls with `p_where`, which returns tasks. */
  helper?: string;
}

const tasks = `
  create table public.tasks (
    id uuid primary key default gen_random_uuid(), title text not null,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.tasks enable row level security; grant select, insert, delete on public.tasks to authenticated;
  create policy own on public.tasks for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const unsafe = "return query execute 'select * from public.tasks where user_id = auth.uid() and ' || p_where;";
const safe = 'return query select * from public.tasks where user_id = auth.uid() and title ilike p_where;';

const toldOf = (schema: string, text: string): Promise<string[]> =>
  withSchema(database, schema, async (session) =>
    (await verifyIsolation(session, { declarations: [] })).findings
      .filter(({ message }) => message.includes(text))
      .map(({ rule, severity, object }) => `${severity} ${rule} ${object}`),
  );

describe('arguments of a function that calls another', () => {
  const schema = ({ arguments: list, body, helper = unsafe }: HelperCase): string => `${tasks}
    create schema if not exists private;
    create function private.run(p_where text, p_most integer default 10) returns setof public.tasks
      language plpgsql stable security definer set search_path = '' as $f$ begin ${helper} end $f$;
    revoke all on function private.run from public, anon, authenticated;
    create function public.f(${list}) returns setof public.tasks language plpgsql stable security definer set search_path = '' as $f$
      declare v text; r record; begin ${body} end $f$;
    revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`;
  const gap = "it runs SQL with its owner's rights that includes the argument";

  it.each<HelperCase>([
    { name: 'is run there', arguments: 'p text', body: 'return query select * from private.run(p);' },
    {
      name: 'is run there by its name',
      arguments: 'p text',
      body: 'return query select * from private.run(p_most => 1, p_where => p);',
    },
    {
      name: 'is put together before',
      arguments: 'p_a text, p_b text',
      body: "v := 'title = ' || p_a; return query select * from private.run(v || p_b);",
    },
    {
      name: 'comes out of a list',
      arguments: 'p text[]',
      body: "return query select * from private.run((select string_agg(c, ' and ') from unnest(p) as c));",
    },
    {
      name: 'is one of a list, taken in a loop',
      arguments: 'p text[]',
      body: "foreach v in array p loop return query select * from private.run('title = ' || v); end loop;",
    },
    {
      name: 'comes out of a subquery',
      arguments: 'p text',
      body: 'return query select * from private.run((select w from (select p as w) as given));',
    },
    {
      name: 'comes out of WITH',
      arguments: 'p text',
      body: 'return query select * from private.run((with given as (select p as w) select * from given));',
    },
  ])('are not proven where it $name', async (one) => {
    expect(await toldOf(schema(one), gap)).toEqual([expect.stringMatching(/^error not-proven public\.f/)]);
  });

  it.each<HelperCase>([
    { name: 'is a value there', arguments: 'p text', body: 'return query select * from private.run(p);', helper: safe },
    {
      name: 'is quoted before',
      arguments: 'p text',
      body: "return query select * from private.run(format('title = %L', p));",
    },
    {
      name: 'is quoted, each of a list',
      arguments: 'p text[]',
      body: "return query select * from private.run((select string_agg('title = ' || quote_literal(c), ' and ') from unnest(p) as c));",
    },
    {
      name: 'is one of some words, each of a list',
      arguments: 'p text[]',
      body: "foreach v in array p loop if v not in ('true', 'false') then raise exception 'no'; end if; return query select * from private.run(v); end loop;",
    },
    {
      name: 'is one of some words',
      arguments: 'p text',
      body: "if p not in ('true', 'false') then raise exception 'no'; end if; return query select * from private.run(p);",
    },
    {
      name: 'only decides what a query asks for',
      arguments: 'p text',
      body: "return query select * from private.run((select 'true' from public.tasks where title = p limit 1));",
    },
    {
      name: 'is another argument there',
      arguments: 'p integer',
      body: "return query select * from private.run('true', p);",
    },
  ])('are proven where it $name', async (one) => {
    expect(await toldOf(schema(one), gap)).toEqual([]);
  });
});

describe('what a trigger takes from the row', () => {
  const schema = (body: string, writes = 'select, insert, update'): string => `${tasks}
    create table public.rules (
      id uuid primary key default gen_random_uuid(), expr text not null default '1', result text,
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
    alter table public.rules enable row level security; grant ${writes} on public.rules to authenticated;
    create policy own on public.rules for all to authenticated
      using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
    create function public.calc() returns trigger language plpgsql security definer set search_path = '' as $f$
      declare v text; begin ${body} return new; end $f$;
    revoke all on function public.calc from public, anon, authenticated;
    create trigger calc before insert or update on public.rules for each row execute function public.calc();`;

  it.each([
    ['runs', "execute 'select ' || new.expr into new.result;"],
    [
      'leaves more than a word',
      "execute 'select ' || regexp_replace(new.expr, '[^a-z0-9 ,()]+', '', 'g') into new.result;",
    ],
    ['replaces but one sign', "execute 'select ' || regexp_replace(new.expr, '[^a-z0-9]', '') into new.result;"],
    [
      'runs a word, which may be any name',
      "execute 'select ' || regexp_replace(new.expr, '[^a-z_]', '', 'g') || ' from public.tasks limit 1' into new.result;",
    ],
    [
      'keeps what is between letters and digits',
      "execute 'select ' || regexp_replace(new.expr, '[^0-z]', '', 'g') into new.result;",
    ],
    ['keeps dashes', "execute 'select ' || regexp_replace(new.expr, '[^a-z0-9]', '-', 'g') into new.result;"],
    ['runs from a variable', "v := trim(new.expr); execute format('select %s', v) into new.result;"],
  ])('is not proven where it %s', async (_, body) => {
    expect(await toldOf(schema(body), 'its trigger calc runs SQL')).toEqual(['error not-proven public.rules']);
  });

  it.each([
    ['quotes it', "execute format('select %L', new.expr) into new.result;"],
    ['gives it as a parameter', "execute 'select $1' into new.result using new.expr;"],
    [
      'leaves a word of it',
      "v := regexp_replace(lower(new.expr), '[^a-z0-9]+', '-', 'g'); execute 'select ''' || v || '''' into new.result;",
    ],
    ['runs something else', "execute 'select 1' into new.result; new.result := upper(new.expr);"],
  ])('is proven where it %s', async (_, body) => {
    expect(await toldOf(schema(body), 'its trigger calc runs SQL')).toEqual([]);
  });

  it('is proven where users do not write it', async () => {
    const body = "execute 'select ' || new.expr into new.result;";
    expect(await toldOf(schema(body, 'select, insert (id, user_id)'), 'its trigger calc runs SQL')).toEqual([]);
  });
});
