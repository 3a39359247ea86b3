/** Jobs of pg_cron, which are run once after the rows were made: what they bring to where strangers read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { pgCron } from '../../src/database/extension-stubs/pg-cron.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const notes = `
  create schema private;
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), title text not null,
    is_done boolean not null default false, made_at timestamptz not null default now());
  alter table public.notes enable row level security; grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

/** A table that all users read. */
const digest = `
  create table public.digest (id bigint generated always as identity primary key, line text not null);
  alter table public.digest enable row level security; grant select on public.digest to authenticated;
  create policy r on public.digest for select to authenticated using (true);`;

const job = (command: string): string => `select cron.schedule('nightly', '0 3 * * *', $job$${command}$job$);`;

const find = async (sql: string): Promise<Finding[]> =>
  (
    await withSchema(database, `${pgCron.sql} ${notes} ${digest} ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [] }),
    )
  ).findings;

const errorsIn = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ severity, rule, object }) => (severity === 'error' ? [`${rule} ${object}`] : []));

const planners = `
  create table public.requests (user_id uuid primary key default auth.uid() references auth.users (id), why text not null, is_approved boolean not null default false);
  alter table public.requests enable row level security; grant select, insert (user_id, why) on public.requests to authenticated;
  create policy own on public.requests to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  create table public.planners (user_id uuid primary key references auth.users (id));
  alter table public.planners enable row level security; grant select on public.planners to authenticated;
  create policy own on public.planners for select to authenticated using (user_id = (select auth.uid()));
  create table public.plans (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  alter table public.plans enable row level security; grant select on public.plans to authenticated;
  create policy own on public.plans for select to authenticated
    using (user_id = (select auth.uid()) or exists (select 1 from public.planners p where p.user_id = (select auth.uid())));`;

describe('a job of pg_cron', () => {
  it.each<[name: string, correct: string, hole: string, finds?: string]>([
    [
      'copies texts to where all read',
      job("insert into public.digest (line) select count(*) || ' notes' from public.notes"),
      job('insert into public.digest (line) select title from public.notes'),
    ],
    [
      'copies by a function',
      `create function private.fill() returns void language plpgsql as $$ declare r record; begin
        for r in select * from public.notes loop insert into public.digest (line) values ('a note'); end loop; end $$; ${job('select private.fill()')}`,
      `create function private.fill() returns void language plpgsql as $$ declare r record; begin
        for r in select * from public.notes loop insert into public.digest (line) values (left(r.title, 80)); end loop; end $$; ${job('select private.fill()')}`,
    ],
    [
      'copies in a DO block',
      job("do $x$ begin insert into public.digest (line) select 'a note' from public.notes; end $x$"),
      job('do $x$ begin insert into public.digest (line) select title from public.notes; end $x$'),
    ],
    [
      'copies into a row that is there',
      `insert into public.digest (line) values ('nothing'); ${job('update public.digest set line = (select count(*)::text from public.notes)')}`,
      `insert into public.digest (line) values ('nothing'); ${job('update public.digest set line = (select string_agg(title, chr(10)) from public.notes)')}`,
    ],
    [
      'copies what is in a state, and is old',
      job(
        "insert into public.digest (line) select 'done' from public.notes where is_done and made_at < now() - interval '30 days'",
      ),
      job('insert into public.digest (line) select title from public.notes where is_done'),
    ],
    [
      'copies by a trigger of what it writes',
      `create table private.lines (line text); create function private.pass() returns trigger language plpgsql as
        $$ begin insert into public.digest (line) values ('a note'); return new; end $$;
      create trigger pass after insert on private.lines for each row execute function private.pass();
      ${job('insert into private.lines select title from public.notes')}`,
      `create table private.lines (line text); create function private.pass() returns trigger language plpgsql as
        $$ begin insert into public.digest (line) values (new.line); return new; end $$;
      create trigger pass after insert on private.lines for each row execute function private.pass();
      ${job('insert into private.lines select title from public.notes')}`,
    ],
    [
      'lets in who has asked for it',
      `${planners} ${job('insert into public.planners select user_id from public.requests where is_approved on conflict do nothing')}`,
      `${planners} ${job('insert into public.planners select user_id from public.requests on conflict do nothing')}`,
      'isolation-escalation public.plans',
    ],
  ])('%s', async (_, correct, hole, finds = 'isolation-read public.digest') => {
    expect(errorsIn(await find(correct))).toEqual([]);
    expect(errorsIn(await find(hole))).toEqual([finds]);
  });

  it.each<[name: string, sql: string]>([
    [
      'reminds each user',
      `create table public.reminders (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), line text not null);
      alter table public.reminders enable row level security; grant select on public.reminders to authenticated;
      create policy own on public.reminders for select to authenticated using (user_id = (select auth.uid()));
      ${job("insert into public.reminders (user_id, line) select user_id, 'Remember: ' || title from public.notes")}`,
    ],
    ['deletes', job("delete from public.notes where made_at < now() - interval '1 year'")],
    ['only cleans up', job('vacuum analyze public.notes')],
    [
      'makes and drops partitions',
      `create table public.logs (made_at timestamptz not null, line text not null) partition by range (made_at);
      alter table public.logs enable row level security;
      create function private.partition() returns void language plpgsql set search_path = '' as $$
        declare name text := 'logs_' || to_char(now(), 'YYYYMM'); one record; begin
        execute format('create table if not exists public.%I partition of public.logs for values from (%L) to (%L)',
          name, date_trunc('month', now()), date_trunc('month', now()) + interval '1 month');
        execute 'alter table public.' || quote_ident(name) || ' enable row level security';
        for one in select c.relname from pg_class c join pg_inherits i on i.inhrelid = c.oid
          where i.inhparent = 'public.logs'::regclass and c.relname < name loop
          execute format('alter table public.logs detach partition public.%I', one.relname);
          execute format('drop table public.%I', one.relname); end loop; end $$;
      create table public.logs_rest partition of public.logs default; alter table public.logs_rest enable row level security;
      ${job('select private.partition()')}`,
    ],
    ['deletes what pg_cron notes', job('delete from cron.job_run_details where end_time < now()')],
    [
      'is off',
      `${job('insert into public.digest (line) select title from public.notes')} update cron.job set active = false`,
    ],
    ['is for another database', `${job('select 1')} update cron.job set database = 'other', command = 'insert'`],
  ])('%s, of which nothing is said', async (_, sql) => {
    expect((await find(sql)).filter(({ rule }) => rule !== 'policy-always-true')).toEqual([]);
  });

  const copying = 'insert into public.digest (line) select title from public.notes';

  it.each<[name: string, sql: string, why: string]>([
    ['ends with an error', job(`${copying} where id = 'x'`), 'could not be run: invalid input syntax for type uuid'],
    [
      'commits',
      `create procedure private.fill() language plpgsql as $$ begin ${copying}; commit; end $$; ${job('call private.fill()')}`,
      'could not be run: invalid transaction termination',
    ],
    [
      'reaches out of the database',
      job(`${copying}; select dblink_exec('x')`),
      'was not run: it talks to another database (dblink)',
    ],
    [
      'reads a table with many rows',
      `insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001'); insert into public.notes (user_id, title)
        select '00000000-0000-4000-8000-000000000001', 'x' from generate_series(1, 12000); analyze public.notes; ${job(copying)}`,
      'was not run: public.notes is too large for that',
    ],
    ['cannot be read', job(`${copying}; do $x$ begin null; end $x$`), 'was not run: it is written in DO blocks'],
    [
      'puts its SQL together',
      `create function private.fill(name text) returns void language plpgsql as $$ begin
        execute format('insert into public.%I (line) select title from public.notes where false', name); end $$;
      ${job("select private.fill('digest')")}`,
      'changed nothing with the rows that were tried',
    ],
    ['does nothing with any row', job(`${copying} where false`), 'changed nothing with the rows that were tried'],
    [
      'is of a role that is not there',
      `${job(copying)} update cron.job set username = 'nobody_there'`,
      'could not be run: role "nobody_there" does not exist',
    ],
  ])('that %s is not proven', async (_, sql, why) => {
    const found = await find(sql);
    expect(errorsIn(found)).toEqual([]);
    const gap = found.find(({ rule, object }) => rule === 'not-proven' && object === 'public.digest');
    expect(gap?.message).toContain(
      `the cron job "nightly" may copy rows of public.notes into it, where others read them`,
    );
    expect(gap?.message).toContain(why);
  });

  it('is read from the extension, and leaves nothing behind', async () => {
    const embedded = await openEmbedded();
    try {
      await embedded.script(`create extension pg_cron; ${notes} ${digest} ${job(copying)}`);
      const { findings } = await verifyIsolation(embedded, { declarations: [] });
      expect(errorsIn(findings)).toEqual(['isolation-read public.digest']);
      const { rows } = await embedded.query(
        'select ((select count(*) from public.digest) + (select count(*) from auth.users))::int as left',
      );
      expect(rows).toEqual([{ left: 0 }]);
    } finally {
      await embedded.close();
    }
  });
});
