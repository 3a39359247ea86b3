/** Places of a function that only certain arguments lead to, which are found by asking PostgreSQL. */
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

const notes = `
  create table public.notes (
    id uuid primary key default gen_random_uuid(), title text not null, body text not null,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.notes enable row level security; grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const mine = 'n.user_id = auth.uid()';

interface Case {
  name: string;
  arguments: string;
  declares?: string;
  /** The body, with what the query at the last place asks in the end. */
  body: (asks: string) => string;
}

const all = (asks: string): string => `return query select n.body from public.notes n where true${asks};`;
const own = all(` and ${mine}`);

const cases: Case[] = [
  {
    name: 'nested conditions',
    arguments: 'p_a text, p_b text, p_c text',
    body: (asks) => `
      if p_a = 'x1' then ${own} return; end if;
      if p_a = 'x2' and p_b = 'y1' then return query select 'two'; return; end if;
      if p_a = 'x2' then
        if p_b = 'y3' and p_c = 'z1' then return query select 'three'; elsif p_b = 'y3' and p_c = 'z4' then ${all(asks)} end if;
      end if;`,
  },
  {
    name: 'the last of many words',
    arguments: 'p_kind text',
    body: (asks) => `
      ${Array.from({ length: 20 }, (_, at) => `if p_kind = 'kind ${at}' then ${own} return; end if;`).join('\n')}
      if p_kind = 'kind 20' then ${all(asks)} end if;`,
  },
  {
    name: 'ELSE of CASE',
    arguments: 'p_kind text, p_level integer',
    body: (asks) => `
      case p_kind when 'a', 'b' then ${own} when 'c' then ${own}
        else case when p_level between 1 and 1000 then ${own} when p_level % 7 = 3 then ${all(asks)} else ${own} end case;
      end case;`,
  },
  {
    name: 'a number far away',
    arguments: 'p_level integer',
    body: (asks) => `if p_level * 3 > 300000 and p_level < 100010 then ${all(asks)} else ${own} end if;`,
  },
  {
    name: 'what is made of an argument',
    arguments: 'p_kind text',
    declares: 'v_kind text := lower(btrim(p_kind));',
    body: (asks) => `
      if length(v_kind) <> 6 then raise exception 'six letters'; end if;
      if left(v_kind, 2) = 'ad' then ${all(asks)} else ${own} end if;`,
  },
  {
    name: 'a day of the week',
    arguments: 'p_on date',
    body: (asks) => `if extract(isodow from p_on) = 7 then ${all(asks)} else ${own} end if;`,
  },
  {
    name: 'a list',
    arguments: 'p_with text[]',
    body: (asks) => `
      if cardinality(p_with) > 3 then raise exception 'too many'; end if;
      if p_with[2] = 'everything' then ${all(asks)} else ${own} end if;`,
  },
  {
    name: 'a pattern with a key in it',
    arguments: 'p_path text',
    body: (asks) => `
      if p_path like 'mine/%' then ${own} return; end if;
      if p_path like 'note/%/body' then
        return query select n.body from public.notes n where n.id = split_part(p_path, '/', 2)::uuid${asks};
      end if;`,
  },
  {
    name: 'an envelope of JSON',
    arguments: 'p jsonb',
    body: (asks) => `
      if p ->> 'version' <> '2' or p ->> 'version' is null then raise exception 'version'; end if;
      if p ->> 'client' is null then raise exception 'client'; end if;
      if not (p ? 'trace') then raise exception 'trace'; end if;
      if p -> 'options' ->> 'mode' = 'ping' then return query select 'pong';
      elsif p -> 'options' ->> 'mode' = 'read' and (p -> 'options' ->> 'deep')::boolean then
        return query select n.body from public.notes n where n.id = (p -> 'target' ->> 'id')::uuid${asks};
      end if;`,
  },
];

const sqlOf = ({ arguments: given, declares = '', body }: Case, asks: string): string => `${notes}
  create function public.peek(${given}) returns setof text language plpgsql stable security definer set search_path = '' as $$
    declare ${declares || 'v_unused integer;'} begin ${body(asks)} end $$;
  revoke all on function public.peek from public, anon; grant execute on function public.peek to authenticated;`;

const prove = (sql: string): Promise<Finding[]> =>
  withSchema(database, sql, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);

const errorsOf = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);

describe.each(sampleOf(cases, 3))('$name', (one) => {
  it('leads to the rows of others', async () => {
    expect(errorsOf(await prove(sqlOf(one, '')))).toEqual(['isolation-read']);
  });

  it("leads to one's own", async () => {
    expect(errorsOf(await prove(sqlOf(one, ` and ${mine}`)))).toEqual([]);
  });
});

describe('what no arguments were found for', () => {
  const behind = (condition: string): Case => ({
    name: '',
    arguments: 'p_code text',
    body: () => `if ${condition} then ${all(` and ${mine}`)} else ${own} end if;`,
  });

  it.each([
    [
      'is told',
      "md5(p_code) = 'e4d909c290d0fb1ca068ffaddf22cbd0'",
      ['no arguments were found with which `md5(p_code) = '],
    ],
    ['is none where one way is enough', "p_code = 'a' or md5(p_code) = md5('b')", []],
  ])('%s', async (_, condition, expected) => {
    const gaps = (await prove(sqlOf(behind(condition), ''))).filter(({ rule }) => rule === 'not-proven');
    expect(gaps.map(({ message }) => message)).toEqual(
      expected.map((text) => expect.stringContaining(text) as unknown),
    );
  });
});

describe('keys of functions', () => {
  const tables = ['teams', 'projects', 'folders', 'files'];
  /** A chain of tables, of which a function checks each link but one. */
  const sql = (unchecked: string): string => `
    create table public.teams (id uuid primary key default gen_random_uuid(), name text not null,
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
    ${tables
      .slice(1)
      .map(
        (name, at) => `create table public.${name} (id uuid primary key default gen_random_uuid(), name text not null,
          parent_id uuid not null references public.${tables[at]!} (id) on delete cascade);`,
      )
      .join('\n')}
    ${tables.map((name) => `alter table public.${name} enable row level security; grant select on public.${name} to authenticated;`).join('\n')}
    create policy own on public.teams for select to authenticated using (user_id = (select auth.uid()));
    ${tables
      .slice(1)
      .map(
        (name, at) =>
          `create policy own on public.${name} for select to authenticated using (exists (select from public.${tables[at]!} p where p.id = parent_id));`,
      )
      .join('\n')}
    create function public.file_name(p_team uuid, p_project uuid, p_folder uuid, p_file uuid) returns text
      language plpgsql stable security definer set search_path = '' as $$
      begin
        if not exists (select from public.teams t where t.id = p_team and t.user_id = auth.uid()) then return null; end if;
        if not exists (select from public.projects p where p.id = p_project${unchecked === 'projects' ? '' : ' and p.parent_id = p_team'})
          then return null; end if;
        if not exists (select from public.folders f where f.id = p_folder${unchecked === 'folders' ? '' : ' and f.parent_id = p_project'})
          then return null; end if;
        return (select f.name from public.files f where f.id = p_file${unchecked === 'files' ? '' : ' and f.parent_id = p_folder'});
      end $$;
    revoke all on function public.file_name from public, anon; grant execute on function public.file_name to authenticated;`;

  it.each([
    ['projects', ['isolation-read']],
    ['folders', ['isolation-read']],
    ['files', ['isolation-read']],
    ['none', []],
  ])('of which the link of %s is not checked', async (unchecked, expected) => {
    expect(errorsOf(await prove(sql(unchecked)))).toEqual(expected);
  });
});
