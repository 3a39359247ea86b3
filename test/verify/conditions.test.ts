/** Conditions of every form on the rows of a table, wherever they are asked: each hole with the smallest repair. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { callable, helper, mine, ofTeams, ours, owned, partOf, seenBy } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const find = (sql: string): Promise<Finding[]> =>
  withSchema(database, sql, (session) => findingsOf(session, [asMigration('extension_002.sql', sql)]));

/** Further columns, and the condition under which all read the rows. */
const conditions: Record<string, [columns: string, condition: string]> = {
  row_comparison: ["kind text not null default 'x', lang text not null default 'de'", "(kind, lang) = ('open', 'en')"],
  distinct_from: ["status text default 'private'", "status is distinct from 'private'"],
  in_values: ["status text not null default 'draft'", "status in (values ('open'), ('shared'))"],
  split_list: ["status text not null default 'draft'", "status = any (string_to_array('open,shared', ','))"],
  case_when: ['kind text', "case kind when 'note' then true else false end"],
  coalesced: ["status text default 'draft'", "coalesce(status, 'open') = 'open'"],
  nullified: ["status text not null default 'draft'", "nullif(status, 'draft') is not null"],
  long_title: ['', 'length(title) > 40'],
  part_of_title: ['', "position('open' in title) > 0"],
  pattern: ['', "title ~ '^pub-[0-9]+$'"],
  beginning: ['', "starts_with(title, 'open')"],
  searched: ['', "to_tsvector('simple', title) @@ to_tsquery('simple', 'open')"],
  generated: ["is_open boolean generated always as (title like 'open%') stored", 'is_open'],
  generated_text: ['mark text generated always as (lower(title)) stored', "mark = 'open'"],
  overlap: ['during tstzrange', 'during && tstzrange(now(), null)'],
  contained: ['during tstzrange', 'during @> now()'],
  endless: ["during daterange not null default '[2020-01-01,2021-01-01)'", 'upper_inf(during)'],
  today: ["during daterange not null default '[2020-01-01,2021-01-01)'", 'during @> current_date'],
  old: ['made date not null default current_date', 'extract(year from made) < 2000'],
  aged: ['made timestamptz not null default now()', "age(now(), made) > interval '30 days'"],
  brief: ["ttl interval not null default '1 day'", "ttl < interval '1 hour'"],
  outside: [
    "since timestamptz not null default now(), until timestamptz not null default 'infinity'",
    'now() not between since and until',
  ],
  greater: ['x int not null default 1, y int not null default 2', 'x > y'],
  none_of_both: ["x text default 'a', y text default 'b'", 'num_nulls(x, y) = 2'],
  bits: ['flags int not null default 0', 'flags & 4 = 4'],
  within: ['n int not null default 1', 'n between 100 and 200'],
  empty_json: [`tags jsonb not null default '["x"]'`, 'jsonb_array_length(tags) = 0'],
  json_flag: ["acl jsonb not null default '{}'", "(acl ->> 'public')::boolean"],
  json_path: ["acl jsonb not null default '{}'", "acl #>> '{share,mode}' = 'all'"],
  several: ["tags text[] not null default '{}'", 'cardinality(tags) > 1'],
  network: ["ip inet not null default '192.0.2.1'", "ip <<= '10.0.0.0/8'::inet"],
  enumerated: ["mood public.mood not null default 'calm'", "mood > 'glad'"],
};

describe('conditions on the columns of a row', () => {
  const names = Object.keys(conditions);
  const tables = names.map((name) => owned(name, conditions[name]![0], `${mine} or ${conditions[name]![1]}`));
  const sql = `create type public.mood as enum ('calm', 'glad', 'wild'); ${tables.join('\n')}`;

  it('each lets others read rows in some state', async () => {
    expect(errorsOf(await find(sql))).toEqual(names.map((name) => `isolation-read public.${name}`).sort());
  });

  it('without them nobody does', async () => {
    expect(errorsOf(await find(`${sql} ${names.map((name) => seenBy(name, mine)).join('\n')}`))).toEqual([]);
  });
});

interface Hole {
  name: string;
  sql: string;
  finds: string;
  says: RegExp;
  repair: string;
}

const openParent = (asked: string): string =>
  `${owned('p', 'open boolean not null default false')} ${helper('ok(k uuid)', 'boolean', `select exists (select 1 from public.p where id = k and (${asked}))`)}`;
const byUser = 'owner_id = auth.uid()';

const holes: Hole[] = [
  {
    name: 'the row that it belongs to is open',
    sql: openParent(`${byUser} or open`) + partOf('a', 'p', 'private.ok(p_id)'),
    finds: 'isolation-read public.a',
    says: /reads it where in its p open = true/,
    repair: helper('ok(k uuid)', 'boolean', `select exists (select 1 from public.p where id = k and ${byUser})`),
  },
  {
    name: 'the row above that is open',
    sql: `${owned('g', 'open boolean not null default false')} ${partOf('p', 'g', `exists (select 1 from public.g where g.id = g_id and g.${mine})`)}
      ${helper('ok(k uuid)', 'boolean', `select exists (select 1 from public.p join public.g on g.id = p.g_id where p.id = k and (g.${byUser} or g.open))`)} ${partOf('a', 'p', 'private.ok(p_id)')}`,
    finds: 'isolation-read public.a',
    says: /where in its p in its g open = true/,
    repair: helper(
      'ok(k uuid)',
      'boolean',
      `select exists (select 1 from public.p join public.g on g.id = p.g_id where p.id = k and g.${byUser})`,
    ),
  },
  {
    name: 'the row and what it belongs to are open',
    sql:
      openParent('open') +
      partOf(
        'a',
        'p',
        `kind = 'shown' and private.ok(p_id) or exists (select 1 from public.p where p.id = p_id and p.${mine})`,
        "kind text not null default 'x'",
      ),
    finds: 'isolation-read public.a',
    says: /where kind = 'shown' and in its p open = true/,
    repair: seenBy('a', `exists (select 1 from public.p where p.id = p_id and p.${mine})`),
  },
  {
    name: 'nothing belongs to it',
    sql: `${owned('a')} ${partOf('c', 'a', 'false')} ${helper('used(k uuid)', 'boolean', 'select exists (select 1 from public.c where a_id = k)')} ${seenBy('a', `${mine} or not private.used(id)`)}`,
    finds: 'isolation-read public.a',
    says: /where nothing in c belongs to it/,
    repair: seenBy('a', mine),
  },
  {
    name: 'it is below another',
    sql: owned('a', 'parent_id uuid references public.a (id)', `${mine} or parent_id is not null`),
    finds: 'isolation-read public.a',
    says: /where parent_id is set/,
    repair: seenBy('a', mine),
  },
  {
    name: 'a helper gets the columns',
    sql: `${owned('a', "status text not null default 'x'")} ${helper('seen(s text, o uuid)', 'boolean', `select s = 'open' or o = auth.uid()`)} ${seenBy('a', 'private.seen(status, owner_id)')}`,
    finds: 'isolation-read public.a',
    says: /where status = 'open'/,
    repair: seenBy('a', mine),
  },
  {
    name: 'a helper gets the row',
    sql: `${owned('a', "status text not null default 'x'")} ${helper('seen(item public.a)', 'boolean', `select item.status = 'open' or item.${byUser}`)} ${seenBy('a', 'private.seen(a)')}`,
    finds: 'isolation-read public.a',
    says: /where status = 'open'/,
    repair: seenBy('a', mine),
  },
  {
    name: 'a view shows rows in a state',
    sql: `${owned('a', 'status text')} create view public.v as select id, title from public.a where status = 'open'; grant select on public.v to authenticated;`,
    finds: 'isolation-read public.v',
    says: /shows rows of public\.a where status = 'open'/,
    repair: 'alter view public.v set (security_invoker = true);',
  },
  {
    name: 'a function returns rows in a state',
    sql:
      owned('a', "status text not null default 'x'") +
      callable(
        'public.f()',
        'setof text',
        `begin return query select title from public.a where status = 'open' or ${byUser}; end`,
        'plpgsql',
      ),
    finds: 'isolation-read public.f()',
    says: /returns rows of public\.a where status = 'open'/,
    repair: callable(
      'public.f()',
      'setof text',
      `begin return query select title from public.a where ${byUser}; end`,
      'plpgsql',
    ),
  },
  {
    name: 'a trigger does more for a row in a state',
    sql: `${owned('a')} create schema private; create function private.t() returns trigger language plpgsql security definer set search_path = '' as
      $$ begin if new.title = 'reset' then update public.a set title = 'x' where title like 'old%'; end if; return new; end $$;
      create trigger t after insert on public.a for each row execute function private.t();`,
    finds: 'isolation-write public.a',
    says: /by what a trigger does with its own row/,
    repair: 'drop trigger t on public.a;',
  },
  {
    name: 'rows that lose their owner',
    sql: `create table public.a (id uuid primary key default gen_random_uuid(), owner_id uuid references auth.users (id) on delete set null, title text not null);
      create index on public.a (owner_id); alter table public.a enable row level security; grant select, insert on public.a to authenticated;
      create policy i on public.a for insert to authenticated with check (${mine}); create policy r on public.a for select to authenticated using (owner_id is null or ${mine});`,
    finds: 'isolation-read public.a',
    says: /where owner_id is null/,
    repair: seenBy('a', mine),
  },
  {
    name: 'an admin of any team',
    sql: ofTeams('a', `${ours} or exists (select 1 from public.team_users m where m.role = 'admin')`),
    finds: 'isolation-read public.a',
    says: /reads it/,
    repair: seenBy('a', ours),
  },
  ...[
    `(select auth.jwt() ->> 'email') like '%@example.com'`,
    `split_part((select auth.jwt() ->> 'email'), '@', 2) = 'corp.example.com'`,
    String.raw`(select auth.jwt() ->> 'email') ~ '@example\.com$'`,
  ].map((condition) => ({
    name: `an address that anyone may have: ${condition}`,
    sql: owned('a', '', `${mine} or ${condition}`),
    finds: 'isolation-read public.a',
    says: /other with email muse@\S+ reads it/,
    repair: seenBy('a', mine),
  })),
];

describe('conditions elsewhere', () => {
  it.each(sampleOf(holes, 3))('$name', async ({ sql, finds, says, repair }) => {
    const found = await find(sql);
    expect(errorsOf(found)).toContain(finds);
    expect(
      found
        .filter(({ rule, object }) => `${rule} ${object}` === finds)
        .map(({ message }) => message)
        .join('\n'),
    ).toMatch(says);
    expect(errorsOf(await find(`${sql} ${repair}`))).toEqual([]);
  });
});

describe('more states than are tried', () => {
  const statuses = (count: number, last: number): string =>
    Array.from({ length: count }, (_, index) => `status = 's${index}' and owner_id = (select auth.uid())`)
      .concat(`status = 's${last}'`)
      .join(' or ');
  const ofStatus = (count: number): string =>
    owned('a', "status text not null default 'draft'", statuses(count, count));

  it('the last of ten parts of a condition is tried as well', async () => {
    expect(errorsOf(await find(ofStatus(9)))).toEqual(['isolation-read public.a']);
  });

  it('those that are not tried are named, and the table does not count as proven', async () => {
    const found = await find(ofStatus(20));
    expect(found.filter(({ rule }) => rule === 'not-proven')).toEqual([
      expect.objectContaining({
        object: 'public.a',
        severity: 'warning',
        message: expect.stringMatching(/not tried in all states .*where status = 's20'/),
      }),
    ]);
  });
});

describe('a row that is changed alone', () => {
  it('is given away where other rows would fail what the policy asks as well', async () => {
    const sql = `${owned('a', "amount numeric not null default 1, status text not null default 'draft'")} ${ofTeams('b', ours)}
      alter table public.b add column kind text not null default 'memo';`;
    const checks = (a: string, b: string): string =>
      `alter policy u on public.a with check (${a}); alter policy u on public.b with check (${b});`;
    const [more, kind] = ["status = 'draft' and amount < 100", "kind = 'memo'"];
    expect(errorsOf(await find(sql + checks(more, kind)))).toEqual([
      'isolation-reassign public.a',
      'isolation-reassign public.b',
    ]);
    expect(errorsOf(await find(sql + checks(`${mine} and ${more}`, `${ours} and ${kind}`)))).toEqual([]);
  });
});

describe('what may be meant', () => {
  const warnings = async (sql: string): Promise<string[]> =>
    (await find(sql))
      .filter(({ rule, severity }) => severity === 'warning' && rule.startsWith('isolation-'))
      .map(({ rule, object, message }) => `${rule} ${object} ${message}`);

  it('rows without an owner, such as the server alone makes', async () => {
    const sql = `${ofTeams('a', `${ours} or team_id is null`)} alter table public.a alter team_id drop not null;`;
    expect(await warnings(sql)).toEqual([expect.stringMatching(/^isolation-read public\.a .* where team_id is null/)]);
    expect(await warnings(`${sql} ${seenBy('a', ours)}`)).toEqual([]);
  });

  it('is an error where a policy to write accepts them, whatever a column of that name in another table must be', async () => {
    const other = 'exists (select 1 from public.p where p.owner_id = (select auth.uid()))';
    const sql = `${owned('p')} ${owned('a', '', `${mine} or owner_id is null`)} alter table public.a alter owner_id drop not null;
      alter policy i on public.a with check (${other});`;
    expect(errorsOf(await find(sql))).toContain('isolation-read public.a');
  });

  it('is an error where a row comes under what the user does not see, and the user does not see it there', async () => {
    const sql = `${owned('p')} ${partOf('a', 'p', `exists (select 1 from public.p where p.id = p_id and p.${mine})`, 'user_id uuid not null default auth.uid() references auth.users (id)')}
      create index on public.a (user_id); grant insert on public.a to authenticated; create policy i on public.a for insert to authenticated with check (user_id = (select auth.uid()));`;
    const asked =
      'alter policy i on public.a with check (user_id = (select auth.uid()) and exists (select 1 from public.p where p.id = p_id));';
    const shown = `alter policy r on public.a using (user_id = (select auth.uid()) or exists (select 1 from public.p where p.id = p_id and p.${mine}));`;
    expect(errorsOf(await find(sql))).toEqual(['isolation-insert public.a']);
    expect(errorsOf(await find(sql + asked))).toEqual([]);
    expect(errorsOf(await find(sql + shown))).toEqual([]);
    expect(await warnings(sql + shown)).toEqual([
      expect.stringMatching(/^isolation-insert public\.a .* adds rows under rows of public\.p that it cannot see/),
    ]);
  });
});

/** Rows of users, to which other rows refer by their owner as well: such a row cannot be handed to another, and a new one can. */
const referred = (check: string): string => `
  create table public.homes (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id),
    title text, unique (id, owner_id));
  create table public.visits (id uuid primary key default gen_random_uuid(), home_id uuid not null, owner_id uuid not null,
    foreign key (home_id, owner_id) references public.homes (id, owner_id));
  alter table public.homes enable row level security; alter table public.visits enable row level security;
  create policy read on public.homes for select to authenticated using (owner_id = (select auth.uid()));
  create policy change on public.homes for update to authenticated using (owner_id = (select auth.uid())) with check (${check});
  create policy own on public.visits for all to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  grant select, update on public.homes to authenticated; grant select, insert, update, delete on public.visits to authenticated;`;

describe('a row that only a reference to it keeps with its owner', () => {
  it.each([
    ['who is signed in', '(select auth.uid()) is not null'],
    ['its key', 'id is not null'],
  ])('may be handed to another where the new row is checked by %s', async (_, check) => {
    expect(errorsOf(await find(referred(check)))).toEqual(['isolation-reassign public.homes']);
  });

  it('stays where its owner is checked', async () => {
    expect(errorsOf(await find(referred('owner_id = (select auth.uid())')))).toEqual([]);
  });
});

describe('a branch of a policy that nothing meets is not proven', () => {
  const gaps = async (sql: string): Promise<string[]> =>
    (await find(sql))
      .filter(({ message }) => message.includes('no row and no user that were made up meet'))
      .map(({ severity, object, message }) => `${severity} ${object} ${message.split(' meet ')[1]}`);
  const likes = `${owned('posts')} create table public.likes (post_id uuid not null references public.posts (id) on delete cascade,
      owner_id uuid not null default auth.uid() references auth.users (id), primary key (post_id, owner_id));
    create index on public.likes (owner_id); alter table public.likes enable row level security; grant select, insert, delete on public.likes to authenticated;
    create policy own on public.likes to authenticated using (${mine}) with check (${mine} and exists (select 1 from public.posts p where p.id = post_id));
    create function public.like_count(p uuid) returns bigint language sql stable security definer set search_path = '' as
      $$ select count(*) from public.likes where post_id = p $$;`;
  const trending = (least: number): string =>
    `create policy trending on public.posts for select to authenticated using (public.like_count(id) >= ${least});`;

  it.each([
    [
      'of a policy beside another',
      likes + trending(1000),
      ['warning public.posts `like_count(id) >= 1000` (policy trending).'],
    ],
    ['that something meets', likes + trending(1), []],
    [
      'beside OR',
      owned('posts', '', `(select auth.uid()) = owner_id or md5(title) = 'none' or (title = 'a' and false)`),
      ["warning public.posts `md5(title) = 'none'::text` (policy r)."],
    ],
    [
      'of a policy for the server alone',
      `${owned('posts')} create policy p on public.posts for select to service_role using (md5(title) = 'none');`,
      [],
    ],
    ['with which nobody reads anything is told once', owned('posts', '', `md5(title) = 'none' and ${mine}`), []],
  ])('%s', async (_, sql, expected) => {
    expect(await gaps(sql)).toEqual(expected);
  });
});

it('a role in any organization of the token is not proven to be of staff alone', async () => {
  const gaps = async (condition: string): Promise<string[]> => {
    const sql = `create table public.firms (id uuid primary key default gen_random_uuid(), name text not null); alter table public.firms enable row level security;
      create table public.bills (id uuid primary key default gen_random_uuid(), firm_id uuid not null references public.firms (id), total numeric not null);
      create index on public.bills (firm_id); alter table public.bills enable row level security; grant select on public.bills to authenticated;
      create policy r on public.bills for select to authenticated using (exists (select 1 from jsonb_array_elements(
        (select auth.jwt() -> 'app_metadata' -> 'firms')) f where f ->> 'role' = 'admin' ${condition}));`;
    return (await find(sql)).flatMap(({ rule, message }) => (rule === 'not-proven' ? [message] : []));
  };
  expect(await gaps('')).toEqual([
    expect.stringContaining("the claim app_metadata.firms.role = 'admin' alone opens rows"),
  ]);
  expect(await gaps("and (f ->> 'id')::uuid = firm_id")).toEqual([]);
});

describe('lists of objects in JSON', () => {
  const shared = (condition: string): string =>
    `${owned('papers', "readers jsonb not null default '[]'")} create policy shared on public.papers for select to authenticated using (${condition});`;
  const uid = '(select auth.uid())';

  it.each([
    [
      'a role of any user',
      `exists (select 1 from jsonb_array_elements(readers) c where c ->> 'role' in ('viewer', 'editor'))`,
      `exists (select 1 from jsonb_array_elements(readers) c where c ->> 'role' in ('viewer', 'editor') and c ->> 'user_id' = ${uid}::text)`,
    ],
    [
      'a role or a user',
      `exists (select 1 from jsonb_to_recordset(readers) as c (user_id uuid, role text) where c.role = 'editor' or c.user_id = ${uid})`,
      `exists (select 1 from jsonb_to_recordset(readers) as c (user_id uuid, role text) where c.role = 'editor' and c.user_id = ${uid})`,
    ],
  ])('let all read by %s', async (_, open, repaired) => {
    expect(errorsOf(await find(shared(open)))).toEqual(['isolation-read public.papers']);
    expect(errorsOf(await find(shared(repaired)))).toEqual([]);
  });
});
