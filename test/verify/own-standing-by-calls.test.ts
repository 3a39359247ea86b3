/** A row of one's own that only functions ask: who may write into it what they ask for has what they give. */
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

const words = Array.from({ length: 9 }, (_, at) => `k${at + 1}`);
const choice = `check (plan in (${words.map((word) => `'${word}'`).join(', ')}))`;

interface Case {
  name: string;
  /** The column of the profile. */
  column: string;
  /** What the function asks of the profile `p` of its caller. */
  asks: string;
  /** The function, by its check; the plain one, which gives every task, if left out. */
  routine?: (check: string) => string;
  /** New profiles may be written, and existing ones may not. */
  isInserted?: boolean;
}

const giving = (check: string, language = 'plpgsql'): string => `
  create function public.f() returns setof public.tasks language ${language} stable security definer set search_path = '' as $$ ${
    language === 'sql'
      ? `select t.* from public.tasks t where ${check}`
      : `begin if not (${check}) then raise exception 'no'; end if; return query select * from public.tasks; end`
  } $$;`;

const cases: Case[] = [
  { name: 'a flag', column: 'is_admin boolean not null default false', asks: 'p.is_admin' },
  {
    name: 'a role that SQL asks',
    column: "role text not null default 'user'",
    asks: "p.role = 'admin'",
    routine: (check) => giving(check, 'sql'),
  },
  { name: 'a role without a word for it', column: 'kind text', asks: "p.kind in ('zeta', 'eta')" },
  { name: 'a number', column: 'credits integer not null default 0', asks: 'p.credits >= 100' },
  { name: 'a list', column: "permissions text[] not null default '{}'", asks: "'tasks.all' = any (p.permissions)" },
  { name: 'a document', column: "settings jsonb not null default '{}'", asks: "p.settings ->> 'staff' = 'yes'" },
  { name: 'the eighth of nine words', column: `plan text not null default 'k1' ${choice}`, asks: "p.plan = 'k8'" },
  {
    name: 'a flag of a new profile',
    column: 'is_admin boolean not null default false',
    asks: 'p.is_admin',
    isInserted: true,
  },
  {
    name: 'a role behind another function',
    column: "role text not null default 'user'",
    asks: "p.role = 'support'",
    routine: (check) => `
      create schema private; grant usage on schema private to authenticated;
      create function private.may() returns boolean language sql stable security definer set search_path = '' as $$ select ${check} $$;
      ${giving('private.may()')}`,
  },
  {
    name: 'a role of a function that writes',
    column: "role text not null default 'user'",
    asks: "p.role = 'support'",
    routine: (check) => `
      create function public.f(p_task uuid) returns void language plpgsql security definer set search_path = '' as $$
        begin if ${check} then delete from public.tasks where id = p_task; end if; end $$;`,
  },
  {
    name: 'a plan and a kind of report',
    column: `plan text not null default 'k1' ${choice}`,
    asks: "p.plan = 'k8'",
    routine: (check) => `
      create function public.f(p_user uuid, p_kind text) returns jsonb language plpgsql stable security definer set search_path = '' as $$
        begin
          if not (${check}) then raise exception 'no'; end if;
          return case p_kind ${words.map((word, at) => `when '${word}' then to_jsonb(${at})`).join(' ')}
            when 'all' then (select jsonb_agg(t) from public.tasks t where t.user_id = p_user) end;
        end $$;`,
  },
  {
    name: 'a plan, for rows in a state',
    column: `plan text not null default 'k1' ${choice}`,
    asks: "p.plan = 'k8'",
    routine: (check) => `
      alter table public.tasks add status text not null default 'k1';
      create function public.f(p_task uuid) returns setof public.tasks language plpgsql stable security definer set search_path = '' as $$
        begin
          if not (${check}) then raise exception 'no'; end if;
          return query select t.* from public.tasks t where t.id = p_task and t.status = 'k9';
        end $$;`,
  },
  {
    name: 'a plan, to copy into what is its own in one of five modes',
    column: `plan text not null default 'k1' ${choice}`,
    asks: "p.plan = 'k2'",
    routine: (check) => `
      create function public.f(p_task uuid, p_into uuid, p_mode text) returns void language plpgsql security definer set search_path = '' as $$
        begin
          if not (${check}) then raise exception 'no'; end if;
          if p_mode in ('a', 'b', 'c', 'd') then raise notice 'none';
          elsif p_mode = 'e' then
            insert into public.tasks (title, user_id)
              select t.title, own.user_id from public.tasks t, public.tasks own
              where t.id = p_task and own.id = p_into and own.user_id = auth.uid();
          end if;
        end $$;`,
  },
];

const sql = ({ column, asks, routine = giving, isInserted }: Case, isOpen: boolean): string => {
  const columns = isOpen ? '' : ' (id, name)';
  const verb = isInserted === true ? 'insert' : 'update';
  return `
    create table public.tasks (
      id uuid primary key default gen_random_uuid(), title text not null,
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
    alter table public.tasks enable row level security; grant select, insert, update, delete on public.tasks to authenticated;
    create policy own on public.tasks for all to authenticated
      using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
    create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, name text, ${column});
    alter table public.profiles enable row level security; grant select, ${verb}${columns} on public.profiles to authenticated;
    create policy reads on public.profiles for select to authenticated using (id = (select auth.uid()));
    create policy writes on public.profiles for ${verb} to authenticated
      ${isInserted === true ? '' : 'using (id = (select auth.uid()))'} with check (id = (select auth.uid()));
    ${routine(`exists (select from public.profiles p where p.id = auth.uid() and ${asks})`)}
    revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`;
};

const prove = (schema: string): Promise<Finding[]> =>
  withSchema(database, schema, async (session) => (await verifyIsolation(session, { declarations: [] })).findings);

describe.each(sampleOf(cases, 3))("$name of one's own", (one) => {
  it('lets in who may write it', async () => {
    expect((await prove(sql(one, true))).map(({ rule, object }) => `${rule} ${object}`)).toContain(
      'isolation-escalation public.profiles',
    );
  });

  it('lets nobody in who may not', async () => {
    expect((await prove(sql(one, false))).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
