/** What policies and functions ask of a row in forms that only PostgreSQL itself computes: rows are made that meet it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { isWhole } from '../support/sample.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const deals = `
  create type public.stage as enum ('new', 'qualified', 'proposal', 'won', 'lost', 'parked');
  create table public.deals (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    status text not null default 'draft' check (status in ('draft', 'review', 'approved', 'published', 'archived', 'deleted')),
    stage public.stage not null default 'new', kind text, level integer not null default 0, score numeric,
    ratio double precision not null default 0.5, hidden boolean not null default true, locked boolean,
    tags text[] not null default '{}', marks integer[], meta jsonb not null default '{}', due date, starts_at timestamptz,
    ends_at timestamptz, span interval, period tstzrange, country char(2), email text, code text, bits bit(4), addr inet,
    price money, twice integer generated always as (level % 1000 * 2) stored, body text not null);
  alter table public.deals enable row level security;
  grant select, insert, update, delete on public.deals to authenticated;
  create policy own on public.deals for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const conditions: readonly string[] = [
  "d.status <> 'draft' and d.status <> 'archived'",
  "d.status <> 'draft' and d.status <> 'review' and d.status <> 'approved' and d.status <> 'published' and d.status <> 'archived'",
  "not (d.status = 'draft' or d.status = 'review' or d.status = 'approved' or d.status = 'published')",
  "d.status not in ('draft','review','approved','published','archived')",
  "case d.status when 'draft' then false when 'review' then false when 'approved' then false when 'published' then false when 'archived' then false else true end",
  "case when d.status = 'draft' then false when d.status = 'review' then false when d.level > 7 then true else false end",
  "d.stage not in ('new','qualified','proposal')",
  "d.stage > 'proposal'",
  "d.stage::text like 'par%'",
  'd.level between 41 and 43',
  'd.level > 100 and d.level < 102',
  'd.level <> 0 and d.level >= 0 and d.level <= 1',
  'd.level % 7 = 3',
  'd.level & 4 = 4',
  'd.level * 2 = 84',
  'd.level + 10 > 1000',
  'abs(d.level) = 55',
  "d.level in (11, 22, 33) and d.kind = 'x'",
  'd.score is null and d.level = 5',
  'd.score > 99.5',
  "coalesce(d.score, 0) > 10 and coalesce(d.kind, '') = ''",
  'd.ratio > 0.99 and d.ratio < 0.999',
  'not d.hidden',
  'd.hidden is not true',
  'd.locked is null and not d.hidden',
  'd.locked',
  'd.locked is distinct from true and d.level = 3',
  "'vip' = any (d.tags)",
  "d.tags @> array['a','b']",
  "d.tags && array['x','y']",
  'array_length(d.tags, 1) > 2',
  "cardinality(d.tags) = 2 and d.tags[1] = 'open'",
  "d.tags[2] = 'shared'",
  "array_position(d.tags, 'open') is not null",
  '3 = any (d.marks)',
  'd.marks is not null and d.marks[1] > 10',
  "d.meta ->> 'visibility' = 'all'",
  "(d.meta -> 'share' ->> 'public')::boolean",
  "d.meta ? 'open'",
  `d.meta @> '{"flags": ["open"]}'`,
  "(d.meta ->> 'n')::int > 10",
  "coalesce((d.meta ->> 'off')::boolean, false)",
  "d.meta #>> '{a,b}' = 'c'",
  "jsonb_array_length(d.meta -> 'people') > 1",
  "d.meta -> 'roles' ? 'anyone'",
  "jsonb_typeof(d.meta) = 'array'",
  'd.due < current_date - 30',
  "d.due between '2031-03-01' and '2031-03-31'",
  'extract(year from d.due) = 1999',
  "date_trunc('month', d.starts_at) = '2020-02-01'",
  'd.starts_at <= now() and d.ends_at > now()',
  'd.starts_at <= now() and (d.ends_at is null or d.ends_at > now())',
  "d.ends_at - d.starts_at > interval '30 days'",
  'd.starts_at + d.span < now()',
  'd.period @> now()',
  'upper(d.period) < now()',
  "d.country in ('DE','FR')",
  "lower(d.country) = 'at'",
  "d.email like '%@example.org'",
  "split_part(d.email, '@', 2) = 'example.net'",
  "d.email ilike 'Press@%' and d.kind is null",
  "right(d.code, 3) = 'PUB'",
  "left(d.code, 2) = 'OP' and length(d.code) = 5",
  "d.code ~ '^[A-Z]{3}-[0-9]{4}$'",
  "d.code similar to 'P(U|V)B'",
  "starts_with(d.code, 'open/')",
  "position('share' in d.code) > 0",
  "upper(d.kind) = 'OPEN'",
  "d.kind || '-' || d.code = 'a-b'",
  "concat(d.kind, ':', d.status) = 'news:published'",
  "nullif(d.kind, '') is null and d.level = 8",
  'greatest(d.level, 5) = 77',
  "(d.level, d.kind) = (4, 'team')",
  "row(d.status, d.hidden) = row('published', false)",
  "(d.kind = 'a' and d.level = 1) or (d.kind = 'b' and d.level = 2 and d.hidden = false)",
  'num_nonnulls(d.kind, d.code) = 2',
  "d.bits = b'1010'",
  'get_bit(d.bits, 1) = 1',
  "d.addr << '10.0.0.0/8'",
  "d.price > '1000'::money",
  "d.status in (select unnest(array['published','approved']))",
  "exists (select 1 from unnest(d.tags) t where t like 'pub%')",
  "exists (select 1 from jsonb_array_elements(d.meta -> 'grants') g where g ->> 'to' = '*')",
  "exists (select 1 from jsonb_each_text(d.meta) e where e.key = 'mode' and e.value = 'open')",
  "(d.status = 'published') is true",
  "(d.status = 'draft') is false",
  '(d.hidden = false) = (d.level = 0)',
  "(d.status = 'published') <> d.hidden",
  "md5(d.code) = md5('open')",
  "substr(d.code, 1, 1) = 'Z'",
  "d.code = btrim(' shared ')",
  "regexp_replace(d.code, '[^0-9]', '', 'g') = '42'",
  "d.level = length('hello')",
  'd.level = (select 6)',
  "d.status = any (string_to_array('approved,published', ','))",
  "d.status = (array['draft','approved'])[2]",
  "not d.hidden and d.kind is distinct from 'x' and d.level <> 0",
  'd.twice = 84',
];

const mine = '(select auth.uid()) = d.user_id';

/** A condition on a row `d` in each place that may ask for it. */
const forms: readonly { name: string; finds: string; sql: (condition: string) => string }[] = [
  {
    name: 'a policy',
    finds: 'isolation-read public.deals',
    sql: (condition) =>
      `create policy asks on public.deals for select to authenticated using (${condition.replaceAll(/\bd\./g, '')});`,
  },
  {
    name: 'a query in a function',
    finds: 'isolation-read public.deal(uuid)',
    sql: (condition) => `
      create function public.deal(p_id uuid) returns setof public.deals language sql stable security definer set search_path = ''
        as $$ select * from public.deals d where d.id = p_id and (${condition}) $$;
      revoke all on function public.deal from public, anon; grant execute on function public.deal to authenticated;`,
  },
  {
    name: 'IF in a function',
    finds: 'isolation-read public.deal(uuid)',
    sql: (condition) => `
      create function public.deal(p_id uuid) returns text language plpgsql stable security definer set search_path = ''
        as $$ declare d public.deals; begin
          select * into d from public.deals where id = p_id;
          if ${mine} then return d.body; end if;
          if (${condition}) then return d.body; end if;
          return null;
        end $$;
      revoke all on function public.deal from public, anon; grant execute on function public.deal to authenticated;`,
  },
  {
    name: 'a view',
    finds: 'isolation-read public.some_deals',
    sql: (condition) => `
      create view public.some_deals as select d.id, d.body from public.deals d where (${condition});
      grant select on public.some_deals to authenticated;`,
  },
  {
    name: 'a helper of a policy',
    finds: 'isolation-read public.deals',
    sql: (condition) => `
      create schema private; grant usage on schema private to authenticated;
      create function private.is_open(d public.deals) returns boolean language plpgsql stable set search_path = ''
        as $$ begin return (${condition}); end $$;
      grant execute on function private.is_open to authenticated;
      create policy asks on public.deals for select to authenticated using (private.is_open(deals));`,
  },
];

/** A trigger that copies, or only tells, where anyone reads it. */
const telling = (condition: string, note: string): string => `
  create table public.feed (id bigint generated always as identity primary key, note text not null);
  alter table public.feed enable row level security; grant select on public.feed to authenticated;
  create policy reads on public.feed for select to authenticated using ((select auth.uid()) is not null);
  create function public.tell() returns trigger language plpgsql security definer set search_path = '' as $$
    begin
      if ${condition.replaceAll(/\bd\./g, 'new.')} then insert into public.feed (note) values (${note}); end if;
      return new;
    end $$;
  revoke all on function public.tell from public, anon, authenticated;
  create trigger tell after insert or update on public.deals for each row execute function public.tell();`;

const prove = (sql: string): Promise<Finding[]> =>
  withSchema(
    database,
    `${deals}\n${sql}`,
    async (session) => (await verifyIsolation(session, { declarations: [] })).findings,
  );

const errorsOf = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule, object }) => `${rule} ${object ?? ''}`);

/** What fails with other JSON, or a larger number, stops all who read or write. */
const isFailing = (condition: string): boolean =>
  /\(d\.meta ->> 'n'\)::int|jsonb_array_length|jsonb_array_elements|jsonb_each_text|level \* 2/.test(condition);

async function expectFound(condition: string, hole: string, repaired: string, finds: string): Promise<void> {
  const isStopped = (one: string): boolean => isFailing(condition) && one.startsWith('policy-error ');
  const errors = errorsOf(await prove(hole));
  if (!errors.some(isStopped)) expect(errors).toContain(finds);
  expect(errorsOf(await prove(repaired)).filter((one) => !isStopped(one))).toEqual([]);
}

describe.each(forms)('$name', ({ finds, sql }) => {
  const own = forms.findIndex((form) => form.finds === finds && form.sql === sql);
  it.each(conditions.filter((_, at) => isWhole || (at + own) % 24 === 0))('%s', async (condition) => {
    await expectFound(condition, sql(condition), sql(`(${condition}) and ${mine}`), finds);
  });
});

describe('CASE over a value', () => {
  const states = Array.from({ length: 14 }, (_, at) => `s${at}`);
  const sql = (which: string): string => `
    create table public.jobs (id uuid primary key default gen_random_uuid(), body text not null,
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
      state text not null default 's0' check (state in (${states.map((one) => `'${one}'`).join(', ')})));
    alter table public.jobs enable row level security; grant select, insert on public.jobs to authenticated;
    create policy own on public.jobs for all to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
    create policy asks on public.jobs for select to authenticated using (case state when '${which}' then true else false end);`;

  it.each(['s6', 's13'])('finds %s', async (which) => {
    expect(errorsOf(await prove(sql(which)))).toEqual(['isolation-read public.jobs']);
    expect(errorsOf(await prove(sql(`${which}x`)))).toEqual([]);
  });
});

describe('a trigger', () => {
  it.each(conditions.filter((_, at) => isWhole || at % 12 === 6))('that asks %s', async (condition) => {
    const [copies, tells] = ['new.body', "'a deal'"].map((note) => telling(`(${condition})`, note)) as [string, string];
    await expectFound(condition, copies, tells, 'isolation-read public.deals');
  });
});

describe('what no row can meet', () => {
  it('is not proven where it may well be met', async () => {
    const findings = await prove(forms[0]!.sql("md5(d.code) = 'e4d909c290d0fb1ca068ffaddf22cbd0'"));
    expect(findings.find(({ rule }) => rule === 'not-proven')?.message).toMatch(
      /no row and no user that were made up meet `md5\(code\) = 'e4d909c290d0fb1ca068ffaddf22cbd0'/,
    );
  });

  it('is not proven in a function', async () => {
    const findings = await prove(forms[2]!.sql("md5(d.code) = 'e4d909c290d0fb1ca068ffaddf22cbd0'"));
    expect(findings.find(({ rule }) => rule === 'not-proven')?.message).toMatch(
      /it asks for rows of public\.deals where `md5\(code\) = 'e4d909c290d0fb1ca068ffaddf22cbd0'.*and no such row could be made/,
    );
  });

  it('is not proven in the trigger of another table', async () => {
    const findings = await prove(`
      create table public.orders (id uuid primary key default gen_random_uuid(), deal_id uuid not null references public.deals (id),
        user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, note text);
      alter table public.orders enable row level security; grant select, insert on public.orders to authenticated;
      create policy own on public.orders for all to authenticated
        using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
      create function public.fill() returns trigger language plpgsql security definer set search_path = '' as $$
        declare d public.deals; begin
          select * into d from public.deals where id = new.deal_id;
          if md5(d.code) = 'e4d909c290d0fb1ca068ffaddf22cbd0' then new.note := d.body; end if;
          return new;
        end $$;
      revoke all on function public.fill from public, anon, authenticated;
      create trigger fill before insert on public.orders for each row execute function public.fill();`);
    expect(findings.filter(({ rule }) => rule === 'not-proven').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('the trigger function public.fill asks for rows of public.deals where'),
    );
  });

  it('says nothing where the column has no other values', async () => {
    const findings = await prove(
      forms[2]!.sql(
        `case d.status when 'draft' then false when 'review' then false when 'approved' then false when 'published' then false
         when 'archived' then false when 'deleted' then false else true end`,
      ),
    );
    expect(findings.filter(({ rule }) => rule === 'not-proven')).toEqual([]);
  });
});
