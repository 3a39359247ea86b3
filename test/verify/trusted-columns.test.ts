import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { documentsOf } from '../../src/verify/catalog/json-values.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { sampled, sampleOf } from '../support/sample.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** What users may write about themselves, and notes, of which a policy shows all to some. */
const base = `
  create type public.mood as enum ('small', 'grand');
  create table public.persons (id uuid primary key references auth.users (id), name text, role text not null default 'user', code text,
    tags text[] not null default '{}', level int not null default 1, until timestamptz, since timestamptz, flag boolean not null default false,
    mood public.mood not null default 'small', bits int not null default 0, grp uuid, settings jsonb not null default '{}');
  create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), body text not null);
  create table public.ranks (role text primary key, sees_all boolean not null);
  insert into public.ranks values ('admin', true), ('user', false);
  alter table public.persons enable row level security; alter table public.notes enable row level security; alter table public.ranks enable row level security;
  grant select, update on public.persons to authenticated; grant select on public.notes, public.ranks to authenticated;
  create policy own on public.persons to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  -- muse: public-read
  create policy all_read on public.ranks for select to authenticated using (true);
`;
const notes = (condition: string): string =>
  `create policy r on public.notes for select to authenticated using (user_id = (select auth.uid()) or ${condition})`;
/** The condition on the row of the user who asks. */
const mine = (condition: string, from = 'public.persons p'): string =>
  notes(`exists (select 1 from ${from} where p.id = auth.uid() and ${condition})`);
/** The same in a function with its owner's rights. */
const asked = (language: string, body: string): string =>
  `create function public.sees_all() returns boolean language ${language} stable security definer set search_path = ''
    as $sees$ ${body} $sees$; ${notes('(select public.sees_all())')}`;

/** How a policy reads what the user has written. */
const forms: [string, string][] = [
  ['a text', mine("p.role = 'admin'")],
  ['one of several', mine("p.role in ('admin', 'owner')")],
  ['anything but one', mine("coalesce(p.role, 'user') <> 'user'")],
  ['CASE', mine("case p.role when 'admin' then true else false end")],
  ['a pattern', mine("p.role like 'adm%'")],
  ['a row', mine("(p.role, 1) = ('admin', 1)")],
  ['what a function makes of it', mine("lower(p.role) || '!' = 'admin!'")],
  ['a number', mine('p.level between 5 and 9')],
  ['a bit', mine('p.bits & 4 = 4')],
  ['a time', mine('p.until > now()')],
  ['that it is there', mine('p.since is not null')],
  ['a flag', mine('p.flag')],
  ['an enum', mine("p.mood = 'grand'")],
  ['an id', mine("p.grp = '11111111-1111-4111-8111-111111111111'")],
  ['an element of a list', mine("'admin' = any (p.tags)")],
  ['elements of a list', mine("p.tags @> array['admin', 'staff']")],
  ['a list that is unnested', mine("exists (select 1 from unnest(p.tags) t (x) where t.x = 'admin')")],
  ['a text in JSON', mine("p.settings ->> 'role' = 'admin'")],
  ['a text deep in JSON', mine("p.settings #>> '{rights,role}' in ('admin', 'owner')")],
  ['a yes in JSON', mine("coalesce((p.settings ->> 'is_admin')::boolean, false)")],
  ['a number in JSON', mine("(p.settings ->> 'level')::int > 5")],
  ['a key of JSON', mine("p.settings ? 'admin'")],
  ['one of several keys of JSON', mine("p.settings ?| array['admin', 'owner']")],
  ['an element in JSON', mine("p.settings -> 'roles' ? 'admin'")],
  ['a document in JSON', mine('p.settings @> \'{"role": "admin"}\'')],
  ['a subscript of JSON', mine("p.settings['role'] = '\"admin\"'")],
  ['two places of JSON', mine("p.settings ->> 'role' = 'admin' and p.settings ->> 'on' = 'true'")],
  ['the row as JSON', mine("to_jsonb(p) ->> 'role' = 'admin'")],
  ['the row as a text', mine("row(p.*)::text like '%(admin)%' or p::text like '%admin%'")],
  [
    'other names of columns',
    notes("exists (select 1 from public.persons as p (a, b, c) where a = auth.uid() and c = 'admin')"),
  ],
  ['LATERAL', mine("l.x = 'admin'", 'public.persons p, lateral (select p.role as x) l')],
  ['USING', mine('k.sees_all', 'public.persons p join public.ranks k using (role)')],
  ['NATURAL JOIN', mine('sees_all', 'public.persons p natural join public.ranks')],
  ['a join', mine('k.sees_all', 'public.persons p join public.ranks k on k.role = p.code')],
  [
    'a function of the row',
    `create function public.is_it(p public.persons) returns boolean language sql stable as $$ select p.role = 'admin' $$; ${mine('public.is_it(p)')}`,
  ],
  ['a function without qualifiers', asked('sql', "select role = 'admin' from public.persons where id = auth.uid()")],
  [
    'WITH',
    asked(
      'sql',
      "with me as (table public.persons) select exists (select 1 from me where me.id = auth.uid() and me.role = 'admin')",
    ),
  ],
  [
    'a record',
    asked(
      'plpgsql',
      "declare r record; begin select * into r from public.persons where id = auth.uid(); return r.role = 'admin'; end",
    ),
  ],
  [
    'a variable',
    asked(
      'plpgsql',
      "declare r text; begin select p.role into r from public.persons p where p.id = auth.uid(); return r = 'admin'; end",
    ),
  ],
  [
    'a row that another function returns',
    `create function public.me() returns public.persons language sql stable security definer set search_path = '' as $$ select p from public.persons p where id = auth.uid() $$;
      ${asked('plpgsql', "declare r public.persons; begin r := public.me(); return r.role = 'admin'; end")}`,
  ],
  [
    'views on views',
    `create view public.v1 as select id as who, role as rank from public.persons; create view public.v2 as select who, rank as r from public.v1;
      ${asked('sql', "select exists (select 1 from public.v2 where who = auth.uid() and r = 'admin')")}`,
  ],
  [
    'a generated column',
    `alter table public.persons add is_admin boolean generated always as (role = 'admin') stored; ${mine('p.is_admin')}`,
  ],
  [
    'a column that a trigger sets',
    `alter table public.persons add is_admin boolean not null default false; revoke update on public.persons from authenticated; grant update (code) on public.persons to authenticated;
      create function public.sets() returns trigger language plpgsql as $$ begin new.is_admin := new.code = 'open sesame'; return new; end $$;
      create trigger sets before update on public.persons for each row execute function public.sets(); ${mine('p.is_admin')}`,
  ],
  [
    'a column that a trigger sets afterwards',
    `alter table public.persons add is_admin boolean not null default false; revoke update on public.persons from authenticated; grant update (code) on public.persons to authenticated;
      create function public.sets() returns trigger language plpgsql security definer set search_path = '' as
        $$ begin if new.code = 'open sesame' then update public.persons set is_admin = true where id = new.id and not is_admin; end if; return null; end $$;
      create trigger sets after update on public.persons for each row execute function public.sets(); ${mine('p.is_admin')}`,
  ],
  [
    'the table that it inherits from',
    `create table public.people (id uuid, role text not null default 'user'); alter table public.people enable row level security;
      alter table public.persons inherit public.people;
      ${asked('sql', "select exists (select 1 from public.people p where p.id = auth.uid() and p.role = 'admin')")}`,
  ],
];

/** A function that lets its caller write into its own row. */
const saves = (args: string, body: string): string =>
  `revoke update on public.persons from authenticated;
    create function public.save(${args}) returns void language plpgsql security definer set search_path = '' as $save$ begin ${body} end $save$;
    revoke execute on function public.save from public, anon; grant execute on function public.save to authenticated;`;
const sets = (what: string): string => `update public.persons set ${what} where id = auth.uid();`;

/** What a function writes, and the policy that asks for it. */
const functions: [string, string, string][] = [
  ['a text', saves('p_role text', sets('role = p_role')), "p.role = 'boss'"],
  ['a text under another name', saves('what text', sets('role = what')), "p.role = 'boss'"],
  [
    'one of two texts',
    saves('p_name text, p_role text default null', sets('name = p_name, role = coalesce(p_role, role)')),
    "p.role = 'boss'",
  ],
  [
    'two texts at once',
    saves('p_code text, p_role text', sets('code = p_code, role = p_role')),
    "p.role = 'boss' and p.code = 'x7'",
  ],
  ['a flag', saves('p_flag boolean', sets('flag = p_flag')), 'p.flag'],
  ['a number', saves('n int', sets('level = n')), 'p.level > 5000'],
  ['an enum', saves('p_mood public.mood', sets('mood = p_mood')), "p.mood = 'grand'"],
  ['a list', saves('p_tags text[]', sets('tags = p_tags')), "'boss' = any (p.tags)"],
  ['an element of a list', saves('p_tag text', sets('tags = array_append(tags, p_tag)')), "'boss' = any (p.tags)"],
  [
    'a key of JSON',
    saves('data jsonb', sets("role = coalesce(data ->> 'role', role), name = data ->> 'name'")),
    "p.role = 'boss'",
  ],
  [
    'a row of JSON',
    saves(
      'data jsonb',
      `update public.persons t set role = r.role from jsonb_populate_record(null::public.persons, data) r where t.id = auth.uid();`,
    ),
    "p.role = 'boss'",
  ],
  ['JSON that is merged', saves('data jsonb', sets('settings = settings || data')), "p.settings ->> 'role' = 'boss'"],
  [
    'a key with its value',
    saves('k text, v text', sets('settings = jsonb_set(settings, array[k], to_jsonb(v))')),
    "p.settings ->> 'role' = 'boss'",
  ],
  [
    'a key with its value as JSON',
    saves('k text, v jsonb', sets('settings = jsonb_set(settings, array[k], v)')),
    "(p.settings ->> 'staff')::boolean",
  ],
];

/** Several columns that a policy wants at once. */
const several: [string, string, string][] = [
  [
    'of a row that is changed',
    '',
    "exists (select 1 from public.persons p where p.id = auth.uid() and p.role = 'boss' and p.code = 'x7' and p.flag)",
  ],
  [
    'of a row that is added',
    `create table public.prefs (user_id uuid references auth.users (id), k text, v text, primary key (user_id, k)); alter table public.prefs enable row level security;
      revoke update on public.persons from authenticated; grant select, insert on public.prefs to authenticated;
      create policy own on public.prefs to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`,
    "exists (select 1 from public.prefs x where x.user_id = auth.uid() and x.k = 'role' and x.v = 'boss')",
  ],
];

const ranks = (key: string, more = ''): string =>
  `create table public.user_ranks (user_id uuid references auth.users (id), rank text not null, level int not null default 1${key})${more};
    alter table public.user_ranks enable row level security; grant select, insert, update, delete on public.user_ranks to authenticated;
    create policy own on public.user_ranks to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
    ${notes("exists (select 1 from public.user_ranks r where r.user_id = auth.uid() and r.rank = 'boss' and r.level >= 7)")};`;
const updateOnly = 'revoke insert on public.user_ranks from authenticated';

/** Tables of what users are, with keys of every kind. */
const keys: [string, string][] = [
  ['the user', ranks(', primary key (user_id)')],
  ['the user and the rank', ranks(', primary key (user_id, rank)')],
  ['all columns', ranks(', primary key (user_id, rank, level)')],
  ['an id of its own', `${ranks(', id uuid primary key default gen_random_uuid()')}`],
  ['none', ranks('')],
  ['the user, and rows are only changed', `${ranks(', primary key (user_id)')} ${updateOnly}`],
  ['the user and the rank, and rows are only changed', `${ranks(', primary key (user_id, rank)')} ${updateOnly}`],
  ['none, and rows are only changed', `${ranks('')} ${updateOnly}`],
  [
    'none, in a partition that users write by name',
    `${ranks('', " partition by list (rank); create table public.of_users partition of public.user_ranks for values in ('user'); create table public.of_bosses partition of public.user_ranks for values in ('boss')")}
      revoke all on public.user_ranks from authenticated; drop policy own on public.user_ranks; alter table public.of_users enable row level security; alter table public.of_bosses enable row level security;
      grant insert on public.of_bosses to authenticated; create policy own on public.of_bosses for insert to authenticated with check (user_id = (select auth.uid()));
      create function public.sees_all() returns boolean language sql stable security definer set search_path = ''
        as 'select exists (select 1 from public.user_ranks r where r.user_id = auth.uid() and r.rank = ''boss'')';
      drop policy r on public.notes; ${notes('(select public.sees_all())')}`,
  ],
];

/** The smallest repair of all: users write nothing that is asked for. */
const repair =
  'revoke update on public.persons from authenticated; revoke update (code) on public.persons from authenticated; grant update (name) on public.persons to authenticated';

const errorsOf = async (sql: string): Promise<string[]> => {
  const { findings } = await withSchema(database, `${base}; ${sql}`, (session) =>
    verifyIsolation(session, { declarations: [{ table: 'public.ranks', scope: 'public-read' }] }),
  );
  return findings
    .filter(({ severity }) => severity === 'error')
    .map(({ rule, object }) => `${rule} ${object}`)
    .toSorted();
};

describe('what users write about themselves opens the rows of others', () => {
  it.each(sampleOf(forms, 3))('by %s', async (_, sql) => {
    expect(await errorsOf(sql)).toEqual(['isolation-escalation public.persons']);
  });

  const every = Math.floor(forms.length / sampled(forms.length));
  it.each(forms.filter((_, index) => index % every === 0))(
    'and not where they may not write it: %s',
    async (name, sql) => {
      const readsName = name === 'the row as a text';
      expect(await errorsOf(`${sql}; ${repair}`)).toEqual(readsName ? ['isolation-escalation public.persons'] : []);
    },
  );
});

describe('what users write by a function of their own row opens the rows of others', () => {
  it.each(sampleOf(functions, 3))('%s', async (_, sql, condition) => {
    const given = `${sql} ${mine(condition)}`;
    const [found, ...more] = await errorsOf(given);
    expect([found?.replace(/\(.*/, ''), ...more]).toEqual(['isolation-escalation public.save']);
    expect(await errorsOf(`${given}; revoke execute on function public.save from authenticated`)).toEqual([]);
  });
});

describe('several values that a policy wants at once open the rows of others', () => {
  it.each(sampleOf(several, 3))('%s', async (_, sql, condition) => {
    const [found, ...more] = await errorsOf(`${sql} ${notes(condition)}`);
    expect([found?.replace(/persons|prefs/, '…'), ...more]).toEqual(['isolation-escalation public.…']);
  });
});

describe('what users are, in a table whose key is …', () => {
  it.each(sampleOf(keys, 3))('%s', async (name, sql) => {
    const table = name.includes('partition') ? 'public.of_bosses' : 'public.user_ranks';
    expect(await errorsOf(sql)).toEqual([`isolation-escalation ${table}`]);
    const repaired = `${sql}; revoke insert, update, delete on ${table} from authenticated`;
    expect((await errorsOf(repaired)).filter((found) => !found.startsWith('owner-locked-out'))).toEqual([]);
  });
});

describe('what a JSON path expression wants is not proven', () => {
  it.each([
    ['jsonb_path_exists', "jsonb_path_exists(p.settings, '$.admin')"],
    ['@?', `p.settings @? '$.role ? (@ == "admin")'`],
    ['@@', "p.settings @@ '$.level > 5'"],
  ])('%s', async (_, condition) => {
    const gaps = async (sql: string): Promise<string[]> => {
      const { findings } = await withSchema(database, `${base}; ${mine(condition)}; ${sql}`, (session) =>
        verifyIsolation(session, { declarations: [{ table: 'public.ranks', scope: 'public-read' }] }),
      );
      // That nobody has it, so that nobody reads the notes by it, is told of those.
      return findings
        .filter(({ rule, object }) => rule === 'not-proven' && object !== 'public.notes')
        .map(({ object }) => object ?? '');
    };
    expect([await gaps('select 1'), await gaps(repair)]).toEqual([['public.persons'], []]);
  });
});

describe('rows that a JSON path expression finds are not proven', () => {
  const docs = (condition: string): string => `
    create table public.docs (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), acl jsonb not null default '[]');
    alter table public.docs enable row level security; grant select on public.docs to authenticated;
    create policy r on public.docs for select to authenticated using (owner_id = (select auth.uid()) or ${condition});`;
  it.each([
    ['jsonb_path_exists', `jsonb_path_exists(acl, '$[*] ? (@.role == "viewer")')`, ['public.docs']],
    ['@?', `acl @? '$[*] ? (@.role == "viewer")'`, ['public.docs']],
    ['but for a key', `acl ? 'nobody'`, []],
  ])('%s', async (_, condition, expected) => {
    const { findings } = await withSchema(database, docs(condition), (session) =>
      verifyIsolation(session, { declarations: [] }),
    );
    expect(findings.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object)).toEqual(expected);
  });
});

/** Tables of the muse's own staff, which strangers have no row in, and what their users may write. */
const staff = `
  create table public.staff (user_id uuid primary key references auth.users (id), name text, level int not null default 1, rank text not null default 'helper');
  alter table public.staff enable row level security; grant select on public.staff to authenticated;
  create policy own on public.staff for select to authenticated using (user_id = (select auth.uid()));`;
const staffSees = (condition: string): string =>
  notes(`exists (select 1 from public.staff s where s.user_id = auth.uid() and ${condition})`);
const writes = (columns: string): string =>
  `grant update ${columns} on public.staff to authenticated;
    create policy changes on public.staff for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;
const appoints = `create function public.appoint(who uuid, rank_given int) returns void language plpgsql security definer set search_path = '' as $appoint$ begin
    if not exists (select 1 from public.staff where user_id = auth.uid() and level >= 9) then raise exception 'no' using errcode = '42501'; end if;
    insert into public.staff (user_id, level) values (who, rank_given) on conflict (user_id) do update set level = excluded.level; end $appoint$;
  revoke execute on function public.appoint from public, anon; grant execute on function public.appoint to authenticated;`;

const forAll = `create function public.joined() returns trigger language plpgsql security definer set search_path = '' as $joined$
    begin insert into public.staff (user_id) values (new.id); return new; end $joined$;
  create trigger joined after insert on auth.users for each row execute function public.joined()`;

describe('tables of staff are no mistake', () => {
  it.each<[string, string, string[]]>([
    ['with nothing that users write', staffSees('s.level >= 1'), []],
    ['with a column of their own to write', `${staffSees('s.level >= 1')}; ${writes('(name)')}`, []],
    ['with a rank of a list', staffSees("s.rank in ('helper', 'boss')"), ['not-proven public.staff']],
    ['with a rank', staffSees("s.rank = 'boss'"), []],
    [
      'unless every user gets a row there',
      `${staffSees("s.rank in ('helper', 'boss')")}; ${forAll}`,
      ['isolation-read public.notes'],
    ],
    [
      'unless every user gets a row there that is enough',
      `${staffSees('true')}; ${forAll}`,
      ['isolation-read public.notes'],
    ],
    ['with a level that only staff gives', `${staffSees('s.level >= 1')}; ${appoints}`, ['not-proven public.staff']],
    [
      'with rows that they write',
      `${staffSees("lower(s.rank) <> 'none'")}; ${writes('')}`,
      ['not-proven public.staff'],
    ],
  ])('%s', async (_, sql, expected) => {
    const { findings } = await withSchema(database, `${base}; ${staff} ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [{ table: 'public.ranks', scope: 'public-read' }] }),
    );
    const told = findings.filter(({ rule, severity }) => severity === 'error' || rule === 'not-proven');
    expect(told.map(({ rule, object }) => `${rule} ${object}`)).toEqual(expected);
  });
});

describe('documents for what is read of JSON', () => {
  it.each<[string, Parameters<typeof documentsOf>, string[]]>([
    ['nothing', [[], ['a']], []],
    ['a value', [[{ column: 'c', path: ['a', 'b'], values: ['x'] }], []], ['{"a":{"b":"x"}}']],
    [
      'what is only read',
      [[{ column: 'c', path: ['a'], values: [] }], ['x', '5']],
      ['{"a":true}', '{"a":"x"}', '{"a":5}', '{"a":6}', '{"a":4}'],
    ],
    [
      'two places',
      [
        [
          { column: 'c', path: ['a'], values: [1] },
          { column: 'c', path: ['b'], values: [2] },
        ],
        [],
      ],
      ['{"a":1,"b":2}', '{"a":1}', '{"b":2}'],
    ],
    [
      'a place below a value',
      [
        [
          { column: 'c', path: ['a'], values: [1] },
          { column: 'c', path: ['a', 'b'], values: [2] },
        ],
        [],
      ],
      ['{"a":1}', '{"a":{"b":2}}'],
    ],
    [
      'names of what every object has',
      [[{ column: 'c', path: ['__proto__', 'toString'], values: [1] }], []],
      ['{"__proto__":{"toString":1}}'],
    ],
  ])('%s', (_, given, expected) => {
    expect(documentsOf(...given)).toEqual(expected);
    expect(({} as Record<string, unknown>)['toString']).toBe(Object.prototype.toString);
  });
});
