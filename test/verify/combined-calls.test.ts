/** Calls that meet at once what others meet apart: a place of the function, a key of the caller's own, and a row in a state. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { combinedCalls, mostCombined } from '../../src/verify/catalog/combined-calls.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const lists = `
  create table public.lists (
    id uuid primary key default gen_random_uuid(), name text not null,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.lists enable row level security; grant select, insert, update, delete on public.lists to authenticated;
  create policy own on public.lists for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create table public.tasks (
    id uuid primary key default gen_random_uuid(), list_id uuid not null references public.lists (id) on delete cascade,
    title text not null, status text not null default 'open', n integer not null default 0);
  alter table public.tasks enable row level security; grant select, insert, update, delete on public.tasks to authenticated;
  create policy own on public.tasks for all to authenticated
    using (exists (select 1 from public.lists l where l.id = list_id and l.user_id = (select auth.uid())))
    with check (exists (select 1 from public.lists l where l.id = list_id and l.user_id = (select auth.uid())));`;

const owns = (list: string): string =>
  `exists (select from public.lists l where l.id = ${list} and l.user_id = auth.uid())`;
const may = (list: string): string => `if not ${owns(list)} then raise exception 'no'; end if;`;

interface Case {
  name: string;
  arguments: string;
  returns: string;
  /** The body, with what the right one asks beside. */
  body: (asks: string) => string;
  /** What the right one asks. */
  asks: string;
}

const ofTask = ` and ${owns('t.list_id')}`;

const cases: Case[] = [
  {
    name: "a mode, and an own list beside another's task, which is copied",
    arguments: 'p_task uuid, p_into uuid, p_mode text',
    returns: 'void',
    body: (asks) => `
      ${may('p_into')}
      if p_mode = 'a' then raise notice 'a'; elsif p_mode = 'b' then raise notice 'b'; elsif p_mode = 'c' then raise notice 'c';
      elsif p_mode = 'e' then
        insert into public.tasks (list_id, title) select p_into, t.title from public.tasks t where t.id = p_task${asks};
      end if;`,
    asks: ofTask,
  },
  {
    name: "a number in a range, and an own list beside another's task, which is moved",
    arguments: 'p_task uuid, p_into uuid, p_n integer',
    returns: 'void',
    body: (asks) => `
      if p_n not between 40 and 50 then raise exception 'range'; end if;
      ${may('p_into')}
      update public.tasks t set list_id = p_into, n = p_n where t.id = p_task${asks};`,
    asks: ofTask,
  },
  {
    name: 'a mode, and a row in a state',
    arguments: 'p_task uuid, p_mode text',
    returns: 'text',
    body: (asks) => `
      if p_mode = 'count' then return (select count(*)::text from public.tasks);
      elsif p_mode = 'full' then return (select t.title from public.tasks t where t.id = p_task and t.status = 'done'${asks}); end if;
      return null;`,
    asks: ofTask,
  },
  {
    name: 'an own list, and a row in a state',
    arguments: 'p_list uuid, p_task uuid',
    returns: 'text',
    body: (asks) => `
      ${may('p_list')}
      return (select t.title from public.tasks t where t.id = p_task and t.status = 'done'${asks});`,
    asks: ' and t.list_id = p_list',
  },
  {
    name: 'an own list, a page in a range, and a row in two states',
    arguments: 'p_list uuid, p_task uuid, p_page integer',
    returns: 'text',
    body: (asks) => `
      ${may('p_list')}
      if p_page < 7 or p_page > 9 then return null; end if;
      return (select t.title from public.tasks t where t.id = p_task and t.status = 'done' and t.n > 5${asks});`,
    asks: ' and t.list_id = p_list',
  },
  {
    name: 'an own list in one of two branches that ordinary calls reach',
    arguments: 'p_list uuid, p_task uuid, p_mode text',
    returns: 'setof public.tasks',
    body: (asks) => `
      ${may('p_list')}
      case p_mode when 'list' then return query select * from public.tasks where list_id = p_list;
        when 'peek' then return query select * from public.tasks t where t.id = p_task${asks};
        else return; end case;`,
    asks: ' and t.list_id = p_list',
  },
  {
    name: 'a document with a mode, and an own list in it',
    arguments: 'p jsonb',
    returns: 'void',
    body: (asks) => `
      ${may("(p ->> 'list')::uuid")}
      if p ->> 'action' = 'noop' then return;
      elsif p ->> 'action' = 'take' and (p ->> 'rank')::integer between 70 and 80 then
        update public.tasks t set list_id = (p ->> 'list')::uuid where t.id = (p ->> 'task')::uuid${asks};
      end if;`,
    asks: ofTask,
  },
  {
    name: 'a page and its size in ranges, and an order of two',
    arguments: 'p_list uuid, p_page integer, p_size integer, p_order text',
    returns: 'setof public.tasks',
    body: (asks) => `
      if p_page < 1 or p_size not between 20 and 30 or p_order not in ('title', 'n') then raise exception 'no'; end if;
      return query select * from public.tasks t where t.list_id = p_list${asks} order by title limit p_size offset (p_page - 1) * p_size;`,
    asks: ofTask,
  },
  {
    name: 'a limit',
    arguments: 'p_task uuid, p_limit integer',
    returns: 'setof public.tasks',
    body: (asks) =>
      `return query select * from public.tasks t where t.id = p_task and t.status = 'done'${asks} limit p_limit;`,
    asks: ofTask,
  },
  {
    name: 'a mode that may be left out, an own list, and a row in a state',
    arguments: "p_list uuid, p_task uuid, p_mode text default 'short', p_most integer default 1",
    returns: 'text',
    body: (asks) => `
      ${may('p_list')}
      if p_mode = 'short' then return p_most::text; end if;
      return (select t.title from public.tasks t where t.id = p_task and t.status = 'done'${asks});`,
    asks: ' and t.list_id = p_list',
  },
];

const sql = (one: Case, isOpen: boolean): string => `${lists}
  create function public.f(${one.arguments}) returns ${one.returns} language plpgsql security definer set search_path = '' as $$
    begin ${one.body(isOpen ? '' : one.asks)} end $$;
  revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`;

const prove = (schema: string): Promise<Finding[]> =>
  withSchema(database, schema, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);

const errors = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule, object }) => `${rule} ${object}`);

describe.each(sampleOf(cases, 3))('$name', (one) => {
  it('are tried together', async () => {
    expect(errors(await prove(sql(one, true))).join()).toMatch(/isolation-(read|write|escalation) public\.f\(/);
  });

  it('give nothing where the row is asked for', async () => {
    expect(errors(await prove(sql(one, false)))).toEqual([]);
  });
});

describe('combinations', () => {
  const values = (...texts: string[]): { sql: string }[] => texts.map((text) => ({ sql: text }));
  const usual = values('key', 'mode', 'other');

  it('are of two and of three that change different arguments', () => {
    const { mixed, further, left } = combinedCalls(
      usual,
      [{ values: [undefined, { sql: 'way' }, undefined] }],
      [values('own', 'mode', 'other')],
      [values('state', 'mode', 'stately')],
    );
    const shown = (calls: readonly { sql: string }[][]): string[] =>
      calls.map((call) => call.map((one) => one.sql).join(' '));
    expect(shown(further)).toEqual(['state way stately']);
    expect(shown(mixed)).toEqual(['own way other', 'own mode stately', 'own way stately']);
    expect(left).toBe(0);
  });

  it('leave out what is about the same arguments', () => {
    expect(combinedCalls(usual, [], [values('own', 'mode', 'other')], [values('state', 'mode', 'other')])).toEqual({
      mixed: [],
      further: [],
      left: 0,
    });
  });

  it('put the values of a way into the document with the keys', () => {
    const within = (document: string): string => `set(${document})`;
    const { mixed } = combinedCalls(
      values('doc'),
      [{ values: [{ sql: 'set(doc)', within }] }],
      [values('own doc')],
      [],
    );
    expect(mixed).toEqual([[{ sql: 'set(own doc)' }]]);
  });

  it('are counted beyond as many as are tried', () => {
    const many = (name: string): { sql: string }[][] =>
      Array.from({ length: 20 }, (_, at) =>
        name === 'way' ? values('key', `way ${at}`, 'other') : values(`own ${at}`, 'mode', 'other'),
      );
    const { mixed, left } = combinedCalls(
      usual,
      many('way').map((call) => ({ values: call })),
      many('own'),
      [],
    );
    expect([mixed.length, left]).toEqual([mostCombined, 400 - mostCombined]);
  });
});
