import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { rehearseWhere } from '../../src/rehearsal/rehearse.ts';
import { repair } from '../../src/rules/registry.ts';
import type { Repair } from '../../src/rules/registry.ts';
import { databases } from '../migrations/databases.ts';
import type { Kind } from '../migrations/databases.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { builtinKit } from './kit.ts';
import type { Kit } from './kit.ts';
import { broken } from './broken.ts';
import { isWhole } from '../support/sample.ts';

const builtin = Object.entries(builtinKit()).map(([file, sql]) => ({ file, sql }));

async function fix(kit: Kit, open?: () => Promise<Database>): Promise<Repair> {
  return repair({
    migrations: migrationsOf(kit),
    rollbacks: new Map(),
    folders,
    kit: 'broken',
    builtin,
    ...(open === undefined
      ? {}
      : {
          rehearse: async (migrations, rollbacks, isGood) => {
            const own = migrations.filter(({ file }) => rollbacks.has(file)).map(({ file }) => file);
            const rehearsed = await rehearseWhere(await open(), { migrations, rollbacks, own }, isGood);
            return rehearsed && { findings: rehearsed.report.findings, measured: rehearsed.measured };
          },
        }),
  });
}

// `fix-equal.test.ts` repairs kits on a server.
describe.each<Kind>(isWhole ? ['embedded', 'native'] : ['embedded'])('on %s', (kind) => {
  const open = databases(kind, true);

  it('a kit with every common defect passes lint and rehearsal after its repair', async () => {
    const { remaining, decisions, classes } = await fix(broken, open);
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(classes.map(({ rule }) => rule)).toContain('seed-not-idempotent');
    expect(decisions.map(({ object, after }) => `${object}: ${after}`)).toContain(
      'policy "products_write" on public.products_sold: service_role',
    );
  });

  it('a repair after which more fails is rolled back, and the others are kept', async () => {
    // Without its BEGIN and COMMIT the second file fails as a whole, and then the others have nothing to refer to.
    const houses = (name: string): [string, string] => [
      `migrations/core/${name}_houses.sql`,
      '-- Houses.\ninsert into houses values (1);\n',
    ];
    const seeded = {
      'migrations/core/001_tables.sql':
        '-- Tables.\ncreate table towns (id int primary key);\ncreate table houses (town_id int references towns (id));\n',
      'migrations/core/002_towns.sql': '-- Towns.\nbegin;\ninsert into towns values (1);\ncommit;\nselect 1 / 0;\n',
      ...Object.fromEntries(
        ['003', '004', '005', '006', '007', '008', '009', '010', '011', '012', '013', '014'].map(houses),
      ),
    };
    const { remaining, left, classes } = await fix(seeded, open);
    const errors = remaining.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
    expect(new Set(errors)).toEqual(new Set(['transaction-control', 'statement-failed']));
    expect(classes.map(({ rule }) => rule)).toContain('rls-missing');
    expect(classes.map(({ rule }) => rule)).not.toContain('transaction-control');
    expect(left.find(({ rule }) => rule === 'transaction-control')?.why).toContain('rolled back');
  });

  it('anonymous visitors cannot write, and users can do what the policies say', async () => {
    const { migrations } = await fix(broken, open);
    const database = await open();
    for (const { sql } of migrations) await database.script(`set search_path to public, extensions;${sql}`);
    const user = '11111111-1111-4111-8111-111111111111';
    await database.script(`insert into auth.users (id, email) values ('${user}', 'a@example.com');`);
    const asked = (role: string, sql: string): Promise<unknown> =>
      database
        .transaction(async (session) => {
          await session.query("select set_config('request.jwt.claims', $1, true)", [
            JSON.stringify({ sub: user, role }),
          ]);
          await session.script(`set local role ${role}`);
          return (await session.query(sql)).rows.length;
        })
        .catch((error: { code: string }) => error.code);
    const tables = await database.query<{ name: string }>(
      "select format('%I', tablename) as name from pg_tables where schemaname = 'public'",
    );
    for (const { name } of tables.rows)
      expect(await asked('anon', `insert into ${name} default values`), name).toBe('42501');
    expect(await asked('authenticated', `insert into accounts (user_id) values ('${user}') returning id`)).toBe(1);
    expect(
      await asked('authenticated', "insert into accounts (user_id) values ('22222222-2222-4222-8222-222222222222')"),
    ).toBe('42501');
    // No one can add themselves to a team, although the row would be their own.
    expect(await asked('authenticated', `insert into team_members values (gen_random_uuid(), '${user}')`)).toBe(
      '42501',
    );
    expect(await asked('authenticated', 'select * from user_roles')).toBe(0);
    expect(await asked('anon', 'select * from products_sold')).toBe(1);
    expect(await asked('service_role', 'select * from products_sold')).toBe(2);
  });
});

describe('a missing rollback', () => {
  const fresh = databases('embedded');
  const file = 'migrations/extensions/001_ours.sql';
  const sql = `-- Ours
create schema if not exists ours;
create type ours.level as enum ('low', 'high');
create table if not exists ours.a (id uuid primary key, user_id uuid default auth.uid(), level ours.level);
create or replace function ours.may(a uuid) returns boolean language sql stable security definer set search_path = '' as $$ select a = auth.uid() $$;
create or replace function ours.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create index if not exists a_user on ours.a (user_id);
alter table ours.a enable row level security;
drop policy if exists own on ours.a;
create policy own on ours.a to authenticated using ((select ours.may(user_id)));
drop policy if exists ours_too on public.core;
create policy ours_too on public.core to authenticated using ((select ours.may(user_id)));
drop trigger if exists touch on public.core;
create trigger touch before update on public.core for each row execute function ours.touch();
alter table public.core add column if not exists level ours.level;
create index if not exists core_level on public.core (level);
create or replace view ours.v as select c.level, a.id from public.core c join ours.a a on a.user_id = c.user_id;
create or replace view ours.w as select id from ours.v;
create table if not exists ours.b (id uuid primary key, a_id uuid references ours.a (id));
`;
  const core = '-- Core\ncreate table if not exists public.core (id uuid primary key, user_id uuid);\n';

  it('drops policies, triggers, views, indexes, columns, tables, functions and types in the order of their dependencies', async () => {
    const fixed = await fix({ 'migrations/core/001_core.sql': core, [file]: sql }, fresh);
    const text = fixed.rollbacks.get(file)!.sql;
    expect(text.trim().split('\n').slice(1)).toEqual([
      'DROP POLICY IF EXISTS ours_too ON public.core;',
      'DROP TRIGGER IF EXISTS touch ON public.core;',
      'DROP VIEW IF EXISTS ours.w;',
      'DROP VIEW IF EXISTS ours.v;',
      'DROP INDEX IF EXISTS public.core_level;',
      'ALTER TABLE IF EXISTS public.core DROP COLUMN IF EXISTS level;',
      'DROP TABLE IF EXISTS ours.b CASCADE;',
      'DROP TABLE IF EXISTS ours.a CASCADE;',
      'DROP FUNCTION IF EXISTS ours.touch();',
      'DROP FUNCTION IF EXISTS ours.may(uuid);',
      'DROP TYPE IF EXISTS ours.level;',
      'DROP SCHEMA IF EXISTS ours;',
    ]);
    expect(fixed.remaining.filter(({ rule }) => rule === 'rollback-incomplete' || rule === 'rollback-missing')).toEqual(
      [],
    );
  });
});
