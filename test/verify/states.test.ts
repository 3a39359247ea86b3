import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'cases', `${name}.sql`), 'utf8');

const profiles = `
  create table public.profiles (id uuid primary key references auth.users (id)); alter table public.profiles enable row level security;
  grant select on public.profiles to authenticated; create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));`;

const own = 'owner_id = (select auth.uid())';

/** A table of users' rows with more columns, and the condition of its read policy. */
const table = (columns: string, using: string): string => `
  create table public.things (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), ${columns});
  alter table public.things enable row level security; grant select, insert, update, delete on public.things to authenticated;
  create policy reads on public.things for select to authenticated using (${using});
  create policy adds on public.things for insert to authenticated with check (${own});
  create policy changes on public.things for update to authenticated using (${own}) with check (${own});
  create policy deletes on public.things for delete to authenticated using (${own});`;

const repair = `alter policy reads on public.things using (${own})`;

interface Case {
  name: string;
  sql: string;
  finds: string;
  says: RegExp;
  repair: string;
}

const read = (name: string, columns: string, condition: string, says: RegExp): Case => ({
  name,
  sql: table(columns, `${own} or ${condition}`),
  finds: 'isolation-read public.things',
  says,
  repair,
});

const cases: Case[] = [
  {
    name: 'an optional user is not set',
    sql: file('unassigned'),
    finds: 'isolation-read public.h01',
    says: /reads it where assigned_to is null/,
    repair: 'alter policy select_p on public.h01 using ((select auth.uid()) = owner_id)',
  },
  {
    name: 'a large amount',
    sql: file('large-amounts'),
    finds: 'isolation-write public.h43',
    says: /where amount > 1000000/,
    repair:
      'alter policy update_p on public.h43 using ((select auth.uid()) = owner_id) with check ((select auth.uid()) = owner_id)',
  },
  read('a small amount', 'amount int not null default 100', 'amount <= 5', /where amount <= 5/),
  read(
    'no user, asked for with IS NOT DISTINCT FROM',
    'helper uuid references public.profiles (id)',
    'helper is not distinct from null',
    /where helper is null/,
  ),
  read(
    'no user, filled by coalesce',
    'helper uuid references public.profiles (id)',
    'coalesce(helper, (select auth.uid())) = (select auth.uid())',
    /where helper is null/,
  ),
  read('a status', "status text not null default 'draft'", "status = 'open'", /where status = 'open'/),
  read(
    'one of several statuses',
    "status text not null default 'draft' check (status in ('draft', 'sent', 'paid'))",
    "status in ('sent', 'paid')",
    /where status = 'sent'/,
  ),
  read(
    'any other status',
    "status text not null default 'draft' check (status in ('draft', 'sent'))",
    "status <> 'draft'",
    /where status = 'sent'/,
  ),
  read('a flag', 'is_open boolean not null default false', 'is_open', /where is_open = true/),
  read('no flag', 'is_closed boolean not null default true', 'not is_closed', /where is_closed = false/),
  read(
    'a flag and a status together',
    "is_open boolean not null default false, status text not null default 'draft'",
    "(is_open and status = 'live')",
    /where is_open = true and status = 'live'/,
  ),
  read(
    'a time that has passed',
    "embargo timestamptz not null default now() + interval '5 years'",
    'embargo < now()',
    /where embargo is in the past/,
  ),
  read(
    'a time to come',
    "valid_until date not null default '2020-01-01'",
    'valid_until > current_date',
    /where valid_until is in the future/,
  ),
  read('a name that begins so', "code text not null default 'x'", "code like 'pub-%'", /where code = 'pub-'/),
  read('a tag', "tags text[] not null default '{}'", "'public' = any (tags)", /where tags has 'public'/),
  read(
    'a key in JSON',
    "data jsonb not null default '{}'",
    "data ->> 'visibility' = 'all'",
    /where data visibility = 'all'/,
  ),
  read('a mark of deletion', 'archived_at timestamptz', 'archived_at is not null', /where archived_at is set/),
];

const ownPrefs = 'user_id = (select auth.uid())';

/** One row per user, and the condition of the command's policy. */
const prefs = (key: string, command: 'select' | 'update', using: string): string => `
  create table public.prefs (${key}, color text); alter table public.prefs enable row level security; grant select, insert, update on public.prefs to authenticated;
  create policy adds on public.prefs for insert to authenticated with check (${ownPrefs});
  create policy reads on public.prefs for select to authenticated using (${command === 'select' ? using : ownPrefs});
  create policy changes on public.prefs for update to authenticated using (${command === 'update' ? using : ownPrefs});`;

for (const [name, key] of [
  ['its key is the user', 'user_id uuid primary key references public.profiles (id)'],
  [
    'the user is unique',
    'id uuid primary key default gen_random_uuid(), user_id uuid not null unique references public.profiles (id)',
  ],
] as const) {
  cases.push(
    {
      name: `one row of each user is read; ${name}`,
      sql: prefs(key, 'select', `${ownPrefs} or color is null`),
      finds: 'isolation-read public.prefs',
      says: /where color is null/,
      repair: `alter policy reads on public.prefs using (${ownPrefs})`,
    },
    {
      name: `one row of each user is changed; ${name}`,
      sql: prefs(key, 'update', `${ownPrefs} or color is null`),
      finds: 'isolation-write public.prefs',
      says: /where color is null/,
      repair: `alter policy changes on public.prefs using (${ownPrefs})`,
    },
  );
}

const shares = (asks: string): string => `
  create schema private; grant usage on schema private to authenticated;
  create table public.docs (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), title text);
  create table public.shares (doc_id uuid not null references public.docs (id), user_id uuid not null references public.profiles (id), can_write boolean not null default false, primary key (doc_id, user_id));
  create function private.writes(d uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${asks} $$;
  grant execute on function private.writes(uuid) to authenticated; alter table public.docs enable row level security; alter table public.shares enable row level security;
  grant select, insert, update (title) on public.docs to authenticated; grant select on public.shares to authenticated;
  create policy reads on public.docs for select to authenticated using (${own} or private.writes(id)); create policy adds on public.docs for insert to authenticated with check (${own});
  create policy changes on public.docs for update to authenticated using (${own} or private.writes(id)) with check (${own} or private.writes(id));
  create policy reads on public.shares for select to authenticated using (user_id = (select auth.uid()));`;

const anyShare = 'select exists (select 1 from public.shares where doc_id = d and can_write)';
cases.push({
  name: "a flag in a share that is anybody's",
  sql: shares(anyShare),
  finds: 'isolation-write public.docs',
  says: /other, newcomer updates it/,
  repair: `create or replace function private.writes(d uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${anyShare.replace('can_write', () => 'can_write and user_id = auth.uid()')} $$`,
});

const closed = (
  asks: string,
): string => `create or replace function public.closed() returns table (id uuid, name text, closed_at timestamptz)
  language sql stable security definer set search_path = '' as $$
    select o.id, o.name, o.deleted_at from public.members m join public.organizations o on o.id = m.organization_id
    where ${asks} m.role = 'owner' and o.deleted_at > now() - interval '30 days' $$;
  revoke all on function public.closed() from public; grant execute on function public.closed() to authenticated;`;

cases.push({
  name: 'the closed organizations of everyone, told by their owners',
  sql: `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null, deleted_at timestamptz);
  create table public.members (organization_id uuid not null references public.organizations (id), user_id uuid not null references auth.users (id),
    role text not null default 'member' check (role in ('owner', 'member')), primary key (organization_id, user_id));
  alter table public.organizations enable row level security; alter table public.members enable row level security;
  grant select on public.organizations, public.members to authenticated;
  create policy own on public.members for select to authenticated using (user_id = (select auth.uid()));
  create policy reads on public.organizations for select to authenticated using (deleted_at is null
    and exists (select from public.members m where m.organization_id = organizations.id and m.user_id = (select auth.uid())));
  ${closed('')}`,
  finds: 'isolation-read public.closed()',
  says: /where deleted_at is/,
  repair: closed('m.user_id = (select auth.uid()) and'),
});

describe('rows in every state that policies read', () => {
  it.each(sampleOf(cases, 3))('$name', async ({ sql, finds, says, repair }) => {
    const found = await errorsOf(sql);
    expect(
      found.map(({ rule, object }) => `${rule} ${object}`),
      text(found),
    ).toContain(finds);
    expect(text(found)).toMatch(says);
    expect(text(await errorsOf(`${sql};\n${repair}`))).toBe('');
  });
});

describe('a state in which no row can be made', () => {
  const status = "status text not null default 'open'";
  const kinds =
    "create table public.kinds (name text primary key); alter table public.kinds enable row level security; insert into public.kinds values ('open');";
  const kind = "kind text not null default 'open' references public.kinds (name)";
  it.each([
    [
      'is not proven where a key is in the way',
      `${kinds} ${table(kind, `${own} or kind = 'shared'`)}`,
      [
        /^warning not-proven: public\.things is not proven: no row could be made where kind = 'shared': insert .* \(23503\)\.$/,
      ],
    ],
    ['is none where no policy reads it', `${kinds} ${table(kind, own)}`, []],
    [
      'is none where a CHECK forbids it',
      table(`${status} check (status in ('open', 'closed'))`, `${own} or status = 'shared'`),
      [],
    ],
  ])('%s', async (_, sql, finds) => {
    const { findings } = await withSchema(database, `${profiles}\n${sql}`, (session) =>
      verifyIsolation(session, { declarations: [] }),
    );
    expect(findings.map(({ rule, severity, message }) => `${severity} ${rule}: ${message}`)).toEqual(
      finds.map((says) => expect.stringMatching(says) as string),
    );
  });
});

describe('a policy that reads only the current time', () => {
  it.each([
    ['opens on a day to come', "now() > timestamptz '2227-03-01'", 'on 2227-03-01): other reads it'],
    [
      'opens on a day to come, the other way round',
      "date '2227-03-01' <= current_date",
      'on 2227-03-01): other reads it',
    ],
    [
      'opens on a day to come, by what does not hold until then',
      "not (now() < timestamptz '2227-03-01')",
      'on 2227-03-01): other reads it',
    ],
    ['opens at some hours', 'extract(hour from now()) between 26 and 30', 'at another time): other reads it'],
    ['opens on a day to come to what is its own', `now() > timestamptz '2227-03-01' and ${own}`, undefined],
    ['opened long ago, and closed', "now() < timestamptz '2020-01-01'", undefined],
    ['asks for a time in the row', 'false and expires_at > now()', undefined],
  ])('%s', async (_, condition, says) => {
    const sql = `${profiles}\n${table('expires_at timestamptz', `${own} or (${condition})`)}`;
    const { findings } = await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }));
    expect(findings.map(({ rule, object, severity }) => `${severity} ${rule} ${object}`)).toEqual(
      says === undefined ? [] : ['error isolation-read public.things'],
    );
    if (says !== undefined) expect(text(findings)).toContain(says);
  });

  it('is not proven where a function asks for it', async () => {
    const sql = `${profiles}\n create schema private; grant usage on schema private to authenticated;
      create function private.is_open() returns boolean language sql stable as $$ select now() > timestamptz '2227-03-01' $$; grant execute on function private.is_open() to authenticated;
      ${table('expires_at timestamptz', `${own} or (select private.is_open())`)}`;
    const { findings } = await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }));
    expect(findings.map(({ rule, object, severity }) => `${severity} ${rule} ${object}`)).toEqual([
      'warning not-proven public.things',
    ]);
    expect(text(findings)).toContain('its policy reads opens on 2227-03-01');
  });
});

async function errorsOf(sql: string): Promise<Finding[]> {
  const { findings } = await withSchema(database, `${profiles}\n${sql}`, (session) =>
    verifyIsolation(session, { declarations: [] }),
  );
  return findings.filter(({ severity }) => severity === 'error');
}

function text(findings: readonly Finding[]): string {
  return findings.map(({ rule, message }) => `${rule}: ${message}`).join('\n');
}
