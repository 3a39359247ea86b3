import { describe, expect, it } from 'vitest';
import { signed } from '../../src/migrations/graphile-hash.ts';
import { here } from '../../src/rules/engine/check.ts';
import { repairWith } from '../../src/rules/engine/fix/repair.ts';
import type { Rule } from '../../src/rules/engine/rule.ts';
import { repair, rules } from '../../src/rules/registry.ts';
import type { Repair, RepairInput } from '../../src/rules/registry.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { builtinKit } from './kit.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const ours = 'migrations/extensions/001_ours.sql';

const builtin = Object.entries(builtinKit()).map(([file, sql]) => ({ file, sql }));

function fix(files: Record<string, string>, more: Partial<RepairInput> = {}): Promise<Repair> {
  return repair({ migrations: migrationsOf(files), rollbacks: new Map(), folders, kit: 'my kit', builtin, ...more });
}

/** The new text of a file, or the old one if it is unchanged. */
async function fixedText(files: Record<string, string>, file = one): Promise<string> {
  const { migrations } = await fix(files);
  return migrations.find((migration) => migration.file === file)!.sql;
}

const table =
  '-- notes\ncreate table if not exists notes (id uuid primary key, user_id uuid);\ncreate index if not exists i on notes (user_id);\nalter table notes enable row level security;\n';
const grants = 'grant select, insert, update, delete on notes to authenticated, service_role;\n';

describe('an edit changes its span and leaves every other byte alone', () => {
  it.each([
    [
      'policy-if-not-exists',
      `${table}${grants}\n-- a\r\ncreate policy  if not exists\n "ä b"\n\ton notes /* x */ to authenticated using ((select auth.uid()) = user_id); -- b\r\n`,
      `${table}${grants}\ndrop policy if exists "ä b" on notes;\n-- a\r\ncreate policy  "ä b"\n\ton notes /* x */ to authenticated using ((select auth.uid()) = user_id); -- b\r\n`,
    ],
    [
      'foreign-dialect',
      '-- x\ncreate schema if not exists s;\ncreate table if not exists s.app (\r\n  id int, -- key\r\n  "a b" text,\r\n\r\n  index ia ("a b"), -- by a\r\n  INDEX ib (id, "a b")\r\n);\n',
      '-- x\ncreate schema if not exists s;\ncreate table if not exists s.app (\r\n  id int, -- key\r\n  "a b" text\r\n -- by a\r\n);\n\nCREATE INDEX IF NOT EXISTS ia ON s.app ("a b");\nCREATE INDEX IF NOT EXISTS ib ON s.app (id, "a b");\n',
    ],
    [
      'foreign-dialect, at the start',
      '-- x\ncreate schema if not exists s;\ncreate table if not exists s.a (index i (id), id int)',
      '-- x\ncreate schema if not exists s;\ncreate table if not exists s.a ( id int);\n\nCREATE INDEX IF NOT EXISTS i ON s.a (id)',
    ],
    [
      'unknown-relation, the history of a migration tool',
      '-- x\ngrant select on schema_migrations to anon; -- for the app\nalter table public._prisma_migrations enable row level security;\ncreate trigger t before insert on _sqlx_migrations execute function suppress_redundant_updates_trigger();\n',
      "-- x\nDO $do$ BEGIN\n  IF to_regclass('public.schema_migrations') IS NOT NULL THEN\n    grant select on schema_migrations to anon;\n  END IF;\nEND $do$; -- for the app\nDO $do$ BEGIN\n  IF to_regclass('public._prisma_migrations') IS NOT NULL THEN\n    alter table public._prisma_migrations enable row level security;\n  END IF;\nEND $do$;\nDO $do$ BEGIN\n  IF to_regclass('public._sqlx_migrations') IS NOT NULL THEN\n    create trigger t before insert on _sqlx_migrations execute function suppress_redundant_updates_trigger();\n  END IF;\nEND $do$;\n",
    ],
    ['transaction-control', `-- x\nbegin;\nselect 1;\n  commit; -- end\n`, '-- x\nselect 1;\n   -- end\n'],
    ...['rollback;', 'savepoint s;\nselect 2;\nrollback to s;\ncommit;'].map((end): [string, string, string] => [
      'transaction-control, where something is undone',
      `-- x\nbegin;\nselect 1;\n${end}\n`,
      `-- x\nbegin;\nselect 1;\n${end}\n`,
    ]),
    [
      'not-idempotent',
      '-- x\ncreate schema app;\ncreate table app.a (id int);\ncreate unique index on app.a (id);\ncreate function app.f() returns int language sql as $$ select 1 $$;',
      '-- x\ncreate schema IF NOT EXISTS app;\ncreate table IF NOT EXISTS app.a (id int);\ncreate unique index IF NOT EXISTS idx_a_id on app.a (id);\ncreate OR REPLACE function app.f() returns int language sql as $$ select 1 $$;',
    ],
    [
      'not-idempotent',
      '-- x\ncreate schema if not exists app;\ncreate table if not exists app.a (id int);\nalter table app.a add b int, add column"c" int;\nalter table app.a add constraint k unique (b)',
      '-- x\ncreate schema if not exists app;\ncreate table if not exists app.a (id int);\nalter table app.a add IF NOT EXISTS b int, add column IF NOT EXISTS "c" int;\nDO $do$ BEGIN\n  alter table app.a add constraint k unique (b);\nEXCEPTION WHEN duplicate_object OR duplicate_table OR invalid_table_definition THEN NULL;\nEND $do$',
    ],
    [
      'not-idempotent, of which a rename has no such form',
      "-- x\ncreate type public.mood as enum ('a');\nalter type public.mood add value 'b';\nalter type public.mood rename value 'a' to 'c';\n",
      "-- x\nDO $do$ BEGIN\n  create type public.mood as enum ('a');\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $do$;\nalter type public.mood add value IF NOT EXISTS 'b';\nalter type public.mood rename value 'a' to 'c';\n",
    ],
    [
      'policy-without-role',
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes for select\n  using ((select auth.uid()) = user_id);\n`,
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes for select\n  TO authenticated\n  using ((select auth.uid()) = user_id);\n`,
    ],
    [
      'policy-without-role, of the server',
      `${table}${grants}drop policy if exists "Service role does all" on notes;\ncreate policy "Service role does all" on notes using (true) with check (true);\n`,
      `${table}${grants}drop policy if exists "Service role does all" on notes;\ncreate policy "Service role does all" on notes TO service_role using (true) with check (true);\n`,
    ],
    [
      'policy-always-true, by the column',
      `${table}${grants}drop policy if exists w on notes;\ncreate policy w on notes for update to authenticated using (true) with check ( true );\n`,
      `${table}${grants}drop policy if exists w on notes;\ncreate policy w on notes for update to authenticated using ((SELECT auth.uid()) = user_id) with check ( (SELECT auth.uid()) = user_id );\n`,
    ],
    ...[
      ['by what the other policies compare', '(select auth.uid()) = who', '(SELECT auth.uid()) = who'],
      ['not where they ask for more', '(select auth.uid()) = who and label is null', 'true'],
    ].map(([how, reads, adds]): [string, string, string] => {
      const people = (check: string): string =>
        '-- People.\ncreate table if not exists people (who uuid primary key, label text);\nalter table people enable row level security;\n' +
        `grant select, insert on people to authenticated, service_role;\ndrop policy if exists r on people;\n` +
        `create policy r on people for select to authenticated using (${reads});\ndrop policy if exists w on people;\n` +
        `create policy w on people for insert to authenticated with check (${check});\n`;
      return [`policy-always-true, ${how}`, people('true'), people(adds!)];
    }),
    [
      'policy-per-row-call',
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes to authenticated using (auth.uid ( ) = user_id and auth.jwt()->>'a' = 'b');\n`,
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes to authenticated using ((select auth.uid ( )) = user_id and (select auth.jwt())->>'a' = 'b');\n`,
    ],
    [
      'policy-per-row-call, of lists',
      `${table}${grants}create or replace function ids() returns uuid[] language sql stable as $$ select null::uuid[] $$;\ndrop policy if exists own on notes;\ncreate policy own on notes to authenticated using (user_id = any(ids()));\n`,
      `${table}${grants}create or replace function ids() returns uuid[] language sql stable as $$ select null::uuid[] $$;\ndrop policy if exists own on notes;\ncreate policy own on notes to authenticated using (user_id = any((select ids())::uuid[]));\n`,
    ],
    [
      'definer-without-search-path',
      '-- x\ncreate or replace function f() returns bigint language sql security definer\nas $$ select count(*) from auth.users $$;',
      "-- x\ncreate or replace function f() returns bigint language sql security definer\nSET search_path = ''\nas $$ select count(*) from auth.users $$;",
    ],
    [
      'definer-without-search-path, unqualified',
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes to authenticated using ((select auth.uid()) = user_id);\ncreate or replace function f() returns bigint language sql security definer as $$ select count(*) from notes $$;`,
      `${table}${grants}drop policy if exists own on notes;\ncreate policy own on notes to authenticated using ((select auth.uid()) = user_id);\ncreate or replace function f() returns bigint language sql security definer SET search_path = pg_catalog, public, extensions as $$ select count(*) from notes $$;`,
    ],
  ])('%s', async (_, before, after) => {
    expect(await fixedText({ [one]: before })).toBe(after);
  });

  it('adds the columns of a second CREATE TABLE, without constraints that existing rows would violate', async () => {
    const sql = await fixedText(
      {
        [one]: `${table}${grants}`,
        [two]:
          "-- more\ncreate table if not exists notes (\n  id uuid,\n  kind text not null check (kind in ('a', 'b')),\n  tags text[] not null default '{}'\n);\ncreate index if not exists k on notes (kind);\n",
      },
      two,
    );
    expect(sql).toContain(
      ");\n\n-- The table exists already, so the new columns of this definition are added to it.\nALTER TABLE public.notes\n  ADD COLUMN IF NOT EXISTS kind text check (kind in ('a', 'b')),\n  ADD COLUMN IF NOT EXISTS tags text[] not null default '{}';\ncreate index",
    );
  });

  it('moves what core needs, with related statements and its comment, before the first use', async () => {
    const { migrations } = await fix({
      [one]: '-- one\nselect 1;\n\n-- use\nalter table late add column if not exists b int;\n',
      [ours]:
        "-- ours\n\n-- late things\ncreate table if not exists late (id uuid primary key); -- beside\ncreate index if not exists li on late (id);\nselect 'stays';\n",
    });
    expect(migrations[0]?.sql).toContain(
      'select 1;\n\n-- late things\ncreate table if not exists late (id uuid primary key); -- beside\n\ncreate index if not exists li on late (id);\n\n-- use\nalter table late',
    );
    expect(migrations[1]?.sql).toBe("-- ours\n\nselect 'stays';\n");
  });
});

it('committed files of Graphile Migrate get the hashes of what they are now', async () => {
  const sources = ['-- Notes.\ncreate table notes (id uuid);\n', '-- More.\nselect 1;\n'];
  const [first, second] = signed(sources.map((sql) => `--! Previous: -\n--! Hash: sha1:0\n\n${sql}`));
  const { migrations, classes } = await fix({ [one]: first!, [two]: second! });
  const texts = migrations.map(({ sql }) => sql);
  expect(texts[0]).toContain('create table IF NOT EXISTS notes');
  expect(texts[1]).not.toBe(second);
  expect(signed(texts)).toEqual(texts);
  expect([...classes.at(-1)!.files]).toEqual(migrations.map(({ file, sql }) => [file, sql]));
});

describe('missing tables', () => {
  it('come from the built-in core with only what they need, before core', async () => {
    const { migrations, remaining, newFiles } = await fix({
      [one]: `-- x\ncreate table if not exists teams (id uuid primary key, organization_id uuid references organizations (id));\n`,
    });
    const [base] = migrations;
    expect(base?.file).toBe('migrations/core/000_my_kit_base.sql');
    expect([...newFiles.keys()]).toEqual([base?.file]);
    expect(base?.sql.match(/create table if not exists public\.\w+/g)).toEqual([
      'create table if not exists public.organizations',
      'create table if not exists public.organization_members',
    ]);
    expect(remaining).toEqual([]);
  });

  it('are derived from their use if the built-in core has none, or one whose key does not fit', async () => {
    const { migrations, remaining } = await fix({
      [one]:
        "-- x\nalter table email_templates add column if not exists category text default 'a';\ncreate index if not exists e on email_templates (category, slug);\ncreate table if not exists x (id bigint primary key, p bigint references profiles (id));\n",
    });
    expect(migrations[0]?.sql).toContain(
      'CREATE TABLE IF NOT EXISTS public.email_templates (\n  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),\n  slug text,\n',
    );
    expect(migrations[0]?.sql).toContain(
      'CREATE TABLE IF NOT EXISTS public.profiles (\n  id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,',
    );
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('missing tables that are derived from their use', () => {
  it('have the keys that foreign keys reference, with the types of those', async () => {
    const { migrations, remaining } = await fix({
      [one]:
        '-- x\ncreate table if not exists x (id uuid primary key, up bigint not null references news (up_id), a int, b text,\n  foreign key (a, b) references pairs (x, y));\ncreate index if not exists i on x (up);\ncreate index if not exists j on x (a, b);\n',
    });
    expect(migrations[0]?.sql).toMatch(
      /public\.news \(\n {2}id uuid [^;]+ {2}up_id bigint,\n[^;]+ {2}UNIQUE \(up_id\)\n\);/,
    );
    expect(migrations[0]?.sql).toMatch(
      /public\.pairs \([^;]+ {2}x integer,\n {2}y text,\n[^;]+ {2}UNIQUE \(x, y\)\n\);/,
    );
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it.each([
    ['a temporary table that ended with its file', 'create temp table x as select 1 as id;', 'select id from x;'],
    ['a row whose columns nothing names', 'select 1;', "insert into x values (1, 'a');"],
  ])('are not made up for %s', async (_, first, second) => {
    const { newFiles, remaining } = await fix({ [one]: `-- x\n${first}\n`, [two]: `-- x\n${second}\n` });
    expect([...newFiles.keys()]).toEqual([]);
    expect(remaining.map(({ rule, file }) => `${rule} ${file}`)).toEqual([`unknown-relation ${two}`]);
  });

  it("are not made in a schema of PostgreSQL's own", async () => {
    const { migrations } = await fix({
      [one]:
        "-- x\ncreate function f() returns bigint language sql security definer set search_path = pg_catalog, public as 'select count(*) from users_of_old';\n",
    });
    expect(migrations[0]?.sql).toContain('CREATE TABLE IF NOT EXISTS public.users_of_old (');
  });
});

describe('applied files', () => {
  it('are never edited: a new migration fixes them', async () => {
    const files = {
      [one]:
        '-- a\ncreate table notes (id uuid primary key, user_id uuid references auth.users (id));\ncreate function f() returns int language sql security definer as $$ select 1 $$;\n',
    };
    const { migrations, edits, newFiles, remaining } = await fix(files, { applied: new Set([one]) });
    expect(edits.size).toBe(0);
    expect([...newFiles.keys()]).toEqual(['migrations/core/002_repair.sql']);
    expect(migrations[0]?.sql).toBe(files[one]);
    expect(newFiles.get('migrations/core/002_repair.sql')).toContain(
      'ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;',
    );
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('keep their numbers if others share them', async () => {
    const files = {
      'migrations/core/001_a.sql': '-- a\nselect 1;',
      'migrations/core/001_b.sql': '-- b\nselect 2;',
      'migrations/core/002_c.sql': '-- c\nselect 3;',
    };
    const open = await fix(files);
    expect(open.migrations.map(({ file }) => file)).toEqual([
      'migrations/core/001_a.sql',
      'migrations/core/002_b.sql',
      'migrations/core/003_c.sql',
    ]);
    expect(open.removed).toEqual(['migrations/core/001_b.sql', 'migrations/core/002_c.sql']);
    const fixed = await fix(files, { applied: new Set(['migrations/core/002_c.sql']) });
    expect(fixed.migrations.map(({ file }) => file)).toEqual(Object.keys(files));
  });
});

it('reports each change of who can do what, before and after, and commits by class', async () => {
  const { decisions, classes } = await fix({
    [one]: `${table}create policy "Anyone reads" on notes for select using (true);\ncreate policy w on notes for all using (true);\n`,
  });
  expect(decisions).toMatchObject([
    {
      object: 'policy "w" on public.notes',
      before: 'everyone, including anon: any row',
      after: 'authenticated: rows with (SELECT auth.uid()) = user_id',
    },
    {
      object: 'policy "Anyone reads" on public.notes',
      before: 'everyone, including anon',
      after: 'anon, authenticated',
      reason: 'The policy\'s name says: "Anyone reads".',
    },
    {
      object: 'public.notes',
      before: 'anon: refused before policies apply',
      after: 'anon: SELECT of the rows that the policies allow',
    },
    {
      object: 'public.notes',
      after: 'authenticated: SELECT, INSERT, UPDATE, DELETE of the rows that the policies allow',
    },
  ]);
  expect(classes.map(({ rule }) => rule)).toEqual([
    'not-idempotent',
    'policy-always-true',
    'policy-without-role',
    'grant-missing',
  ]);
  expect(classes.at(-1)?.files.get(one)).toContain(
    '-- muse: public-read\ncreate policy "Anyone reads" on notes for select TO anon, authenticated using (true);',
  );
});

describe("if the app's own connection sets the current user", () => {
  const session =
    "create schema if not exists app;\ncreate or replace function app.current_user_id() returns uuid language sql stable as $$ select current_setting('app.user', true)::uuid $$;\ncreate or replace function app.is_superadmin() returns boolean language sql stable as $$ select current_setting('app.super', true) = 'on' $$;\n";
  it.each([
    [
      'reads are for signed-in users',
      'for select using (true)',
      'for select using ((SELECT app.current_user_id()) IS NOT NULL OR (SELECT app.is_superadmin()))',
    ],
    [
      'writes are for the owner',
      'for update using (true)',
      'for update using (user_id = (SELECT app.current_user_id()))',
    ],
    ['and a condition on only the row stays', 'for select using (id is not null)', 'for select using (id is not null)'],
  ])('no role is named: %s', async (_, before, after) => {
    const drop = 'drop policy if exists p on notes;\n';
    expect(await fixedText({ [one]: `${session}${table}${drop}create policy p on notes ${before};` })).toContain(
      `create policy p on notes ${after};`,
    );
  });
});

it('makes a helper SECURITY DEFINER if a policy reads its own table through it', async () => {
  const members =
    '-- members\ncreate table if not exists members (org uuid, user_id uuid, primary key (user_id, org));\nalter table members enable row level security;\n';
  const policy =
    'drop policy if exists see on members;\ncreate policy see on members for select to authenticated using (org in (select mine()));\ngrant select on members to authenticated;\n';
  const body =
    'create or replace function mine() returns setof uuid language sql stable as $$ select m.org from public.members m where m.user_id = (select auth.uid()) $$;\n';
  const text = await fixedText({ [one]: members + body + policy });
  expect(text).toContain("language sql stable SECURITY DEFINER SET search_path = '' as $$");
  expect(text).not.toContain('private.');
  // A function that already has SECURITY INVOKER is changed by a separate statement.
  expect(await fixedText({ [one]: members + body.replace('stable', 'stable security invoker') + policy })).toContain(
    "ALTER FUNCTION public.mine() SECURITY DEFINER SET search_path = '';",
  );
});

it('leaves a table without a policy to a manual fix, and grants nothing that the files revoked', async () => {
  const files = {
    [one]: `${table}alter table notes enable row level security;\ngrant select on notes to authenticated;\n`,
  };
  expect(await fixedText(files)).not.toMatch(/create policy|service-only/i);
  const revoked = `${table}alter table notes enable row level security;\ndrop policy if exists p on notes;\ncreate policy p on notes for all to authenticated using ((select auth.uid()) = user_id);\ngrant all on notes to authenticated;\nrevoke all on notes from authenticated;\n`;
  expect(await fixedText({ [one]: revoked })).not.toContain('GRANT');
});

describe('numbers that two files share', () => {
  it('no file is lost if one takes the old name of another', async () => {
    const files = {
      'migrations/core/001_a.sql': '-- a\nselect 1;',
      'migrations/core/001_x.sql': '-- b\nselect 2;',
      'migrations/core/002_x.sql': '-- c\nselect 3;',
    };
    const { migrations, removed, classes } = await fix(files);
    expect(migrations.map(({ file, sql }) => [file, sql])).toEqual([
      ['migrations/core/001_a.sql', '-- a\nselect 1;'],
      ['migrations/core/002_x.sql', '-- b\nselect 2;'],
      ['migrations/core/003_x.sql', '-- c\nselect 3;'],
    ]);
    expect(removed).toEqual(['migrations/core/001_x.sql']);
    expect(classes[0]?.renamed).toEqual([
      ['migrations/core/001_x.sql', 'migrations/core/002_x.sql'],
      ['migrations/core/002_x.sql', 'migrations/core/003_x.sql'],
    ]);
  });
});

/** Kits that cannot be repaired completely: each must reach a stable result, the same one every time. */
const unrepairable: [string, Record<string, string>][] = [
  [
    'a table that a later file drops',
    {
      [one]: '-- a\nalter table gone add column if not exists b int;\n',
      [two]:
        '-- b\ndrop schema public cascade;\ncreate schema public;\nalter table gone add column if not exists c int;\n',
    },
  ],
  [
    'a table that is created after the DROP of it',
    {
      [one]: '-- a\nalter table late add column if not exists b int;\n',
      [two]: '-- b\ndrop table if exists late;\ncreate table if not exists late (id int);\n',
    },
  ],
  [
    'a policy in a block, on a table that nothing makes',
    {
      [one]:
        "-- a\ndo $$ begin if exists (select from pg_tables where tablename = 'gone') then create policy p on gone using (id = 1); end if; end $$;\n",
    },
  ],
  ['a name over two lines', { [one]: '-- a\nalter table "two\nlines" add column if not exists b int;\n' }],
  [
    'one policy twice, once before its table',
    {
      [one]: '-- a\ncreate policy p on notes for select using (true);\n',
      [two]: `-- b\ndrop table if exists notes;\n${table}create policy p on notes for select using (true);\n`,
    },
  ],
];

it('moves nothing before a DROP that would remove it again', async () => {
  const files = unrepairable.find(([title]) => title.startsWith('a table that is created after'))![1];
  expect(await fixedText(files, two)).toContain(
    'drop table if exists late;\ncreate table if not exists late (id int);',
  );
});

it.each(unrepairable)('reaches a stable result: %s', async (_, files) => {
  const first = await fix(files);
  const second = await fix(Object.fromEntries(first.migrations.map(({ file, sql }) => [file, sql])));
  expect(second.classes).toEqual([]);
  expect(first.migrations.map(({ sql }) => sql).join('\n')).not.toMatch(/TO \w+(?:, \w+)? TO /);
  expect(first.migrations.map(({ sql }) => sql.length).reduce((sum, length) => sum + length)).toBeLessThan(3000);
});

it('changes nothing in repaired files', async () => {
  const first = await fix({ [one]: `${table}create policy p on notes using (auth.uid() = user_id);` });
  const second = await repair({
    migrations: first.migrations,
    rollbacks: first.rollbacks,
    folders,
    kit: 'my kit',
    builtin,
  });
  expect(second.classes).toEqual([]);
});

it('counts once what lint and the rehearsal both find', async () => {
  const missing: Finding = {
    rule: 'unknown-relation',
    severity: 'error',
    file: one,
    line: 2,
    column: 15,
    object: 'nowhere',
    message: 'relation "nowhere" does not exist',
    suggestion: 'Create it.',
  };
  const { remaining } = await fix(
    { [one]: '-- x\nselect a from nowhere;\n' },
    { rehearse: async () => ({ findings: [missing], measured: undefined }) },
  );
  expect(remaining.filter(({ severity }) => severity === 'error')).toMatchObject([{ rule: missing.rule, line: 2 }]);
});

it('rehearses the same files once, and says at every repair what it does', async () => {
  const told: string[] = [];
  const seen: string[] = [];
  const { classes } = await fix(
    { [one]: `${table}create policy p on notes using (auth.uid() = user_id);` },
    {
      onProgress: (text) => told.push(text),
      measure: async () => ({ access: { cells: [], objects: new Set() }, failed: new Map(), doubtful: new Set() }),
      async rehearse(migrations, _rollbacks, isGood) {
        seen.push(migrations.map(({ sql }) => sql).join());
        const measured = {
          access: { cells: [], objects: new Set<string>() },
          failed: new Map(),
          doubtful: new Set<string>(),
        };
        return (await isGood?.(measured)) === false ? undefined : { findings: [], measured };
      },
    },
  );
  expect(classes.map(({ rule }) => rule)).toContain('policy-without-role');
  expect(new Set(seen).size).toBe(seen.length);
  for (const { rule } of classes) expect(told).toContain(`repairing ${rule}`);
});

it('ends a run at the first file that runs worse, and names that one', async () => {
  const two = 'migrations/core/002_two.sql';
  const asked: string[][] = [];
  const { left } = await fix(
    { [one]: `-- one\n${table}`, [two]: '-- two\ncreate table if not exists a (id uuid primary key);\n' },
    {
      async measure(migrations, goesOn) {
        const files: string[] = [];
        asked.push(files);
        const failed = new Map<string, number>();
        for (const { file, sql } of migrations) {
          files.push(file);
          failed.set(file, /row level security/i.test(sql) ? 1 : 0);
          if (goesOn?.(file, failed.get(file)!) === false) return undefined;
        }
        return { access: { cells: [], objects: new Set() }, failed, doubtful: new Set() };
      },
    },
  );
  expect(left).toMatchObject([
    { rule: 'rls-missing', file: two, why: `its repair was rolled back, because ${two} would no longer run.` },
  ]);
  expect(asked[0]).toEqual([one, two]);
});

it('writes nothing that its own check does not see', async () => {
  const rule: Rule = {
    ...rules['missing-header'],
    check: {
      piece: (piece, _catalog, report) =>
        piece.type === 'CreatePolicyStmt' && report({ ...here(piece), message: 'blind', suggestion: '' }),
    },
    fix: {
      does: '',
      stage: 'repetition',
      apply: ({ migrations }) => ({
        edits: migrations.map(({ file }) => ({ file, start: 0, end: 0, text: '-- again\n' })),
      }),
    },
  };
  const { edits, remaining } = await repairWith([rule], {
    migrations: migrationsOf({ [one]: `${table}create policy p on notes for select using (true);` }),
    rollbacks: new Map(),
    folders,
    kit: 'my kit',
    builtin,
  });
  expect([...edits]).toEqual([]);
  expect(remaining).toHaveLength(1);
});

it('keeps the repairs after one that renames files, although a renamed file fails as it did before', async () => {
  const other = 'migrations/core/001_two.sql';
  let runs = 0;
  const { classes, left } = await fix(
    { [one]: '-- one\ncreate table if not exists a (id uuid primary key);\n', [other]: '-- two\nselect broken();\n' },
    {
      // The second run, of all repairs together, shows a file that no longer runs: then they are tried one after another.
      measure: async (migrations) => ({
        access: { cells: [], objects: new Set() },
        failed: new Map(
          migrations.map(({ file, sql }): [string, number] => [file, sql.includes('broken()') ? 1 : 0]),
        ).set(one, (runs += 1) === 2 ? 1 : 0),
        doubtful: new Set(),
      }),
    },
  );
  expect(classes.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['duplicate-number', 'rls-missing']));
  expect(left.filter(({ rule }) => rule === 'rls-missing')).toEqual([]);
});
