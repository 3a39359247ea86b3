import { describe, expect, it } from 'vitest';
import { installBaseline } from '../../../src/database/baseline/install.ts';
import type { Database } from '../../../src/database/database.ts';
import { readSchema } from '../../../src/database/schema.ts';
import { hasErrors } from '../../../src/finding.ts';
import { rehearse } from '../../../src/migrations/rehearse.ts';
import { repair } from '../../../src/migrations/repair/repair.ts';
import type { Repair } from '../../../src/migrations/repair/repair.ts';
import { databases } from '../databases.ts';
import type { Kind } from '../databases.ts';
import { folders, migrationsOf } from '../files.ts';
import { builtinKit, seeded } from '../lint/kit.ts';
import type { Kit } from '../lint/kit.ts';
import { mutations } from '../lint/mutations.ts';
import { broken } from './broken.ts';

const builtin = Object.entries(builtinKit()).map(([file, sql]) => ({ file, sql }));

async function mend(kit: Kit, open?: () => Promise<Database>): Promise<Repair> {
  return repair({
    migrations: migrationsOf(kit), rollbacks: new Map(), folders, kit: 'broken', builtin,
    ...(open === undefined ? {} : {
      rehearse: async (migrations, rollbacks) =>
        (await rehearse(await open(), { migrations, rollbacks: new Map(rollbacks), own: migrations.filter(({ file }) => rollbacks.has(file)).map(({ file }) => file) })).findings,
    }),
  });
}

describe.each<Kind>(['embedded', 'native'])('on %s', (kind) => {
  const fresh = databases(kind);
  const open = async (): Promise<Database> => {
    const database = await fresh();
    if (kind === 'native') await installBaseline(database);
    return database;
  };

  it('a kit with every common defect is green after its repair, by lint and by rehearsal', async () => {
    const { remaining, decisions, classes } = await mend(broken, open);
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(classes.map(({ rule }) => rule)).toContain('seed-not-idempotent');
    expect(decisions.map(({ object, after }) => `${object}: ${after}`)).toContain('policy "products_write" on public.products_sold: service_role');
  });

  it('nobody who is not signed in can write, and a user can do what the policies say', async () => {
    const { migrations } = await mend(broken, open);
    const database = await open();
    for (const { sql } of migrations) await database.script(`set search_path to public, extensions;${sql}`);
    const user = '11111111-1111-4111-8111-111111111111';
    await database.script(`insert into auth.users (id, email) values ('${user}', 'a@example.com');`);
    const asked = (role: string, sql: string): Promise<unknown> =>
      database.transaction(async (session) => {
        await session.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify({ sub: user, role })]);
        await session.script(`set local role ${role}`);
        return (await session.query(sql)).rows.length;
      }).catch((error: { code: string }) => error.code);
    const tables = await database.query<{ name: string }>("select format('%I', tablename) as name from pg_tables where schemaname = 'public'");
    for (const { name } of tables.rows) expect(await asked('anon', `insert into ${name} default values`), name).toBe('42501');
    expect(await asked('authenticated', `insert into accounts (user_id) values ('${user}') returning id`)).toBe(1);
    expect(await asked('authenticated', "insert into accounts (user_id) values ('22222222-2222-4222-8222-222222222222')")).toBe('42501');
    // Nobody lets themself into a team, though the row would be their own.
    expect(await asked('authenticated', `insert into team_members values (gen_random_uuid(), '${user}')`)).toBe('42501');
    expect(await asked('authenticated', 'select * from user_roles')).toBe(0);
    expect(await asked('anon', 'select * from products_sold')).toBe(1);
    expect(await asked('service_role', 'select * from products_sold')).toBe(2);
  });
});

describe('the built-in kit, broken and mended', () => {
  const fresh = databases('embedded');
  const schemaOf = async (kit: Kit): Promise<string[]> => {
    const database = await fresh();
    for (const sql of Object.values(kit)) await database.script(sql);
    return (await readSchema(database)).map(({ kind, name, definition }) => `${kind} ${name}: ${definition}`);
  };
  const mendedKit = (result: Repair): Kit => Object.fromEntries(result.migrations.map(({ file, sql }) => [file, sql]));

  it.each([
    'a policy if not exists', 'a commit', 'no if not exists', 'no drop before a policy', 'no or replace', 'no row-level security',
    'no role', 'a bare auth.uid()', 'a definer without search_path',
  ])('has the schema that it had: %s', async (title) => {
    const random = seeded(7);
    const kit = builtinKit();
    const expected = await schemaOf(kit);
    for (let count = 0; count < 2; count += 1) {
      const result = await mend(mutations[title]![1](kit, random).kit);
      expect(result.remaining).toEqual([]);
      expect(await schemaOf(mendedKit(result))).toEqual(expected);
    }
  });

  it.each([
    'a table of a later file', 'a table of an extension', 'a table again', 'no policy', 'no grant', 'an open policy',
    'a foreign key without index', 'a policy on a column without index', 'no rollback',
  ])('is green: %s', async (title) => {
    const random = seeded(11);
    for (let count = 0; count < 3; count += 1) {
      const [rule, plant] = mutations[title]!;
      const { remaining } = await mend(plant(builtinKit(), random).kit);
      expect(remaining.filter((finding) => finding.rule === rule || hasErrors([finding]))).toEqual([]);
    }
  });
});
