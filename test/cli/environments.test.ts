import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { commit, put, smallKit } from '../kit/repository.ts';
import { temporaryDirectory, type Finished } from '../support/cli.ts';
import { createMuse, muse as runMuse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';
import { type Native, startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** Where not everything is tested, a kit of one table, and a product with the tables and seeds that this test names. */
function smallProduct(): string[] {
  const tables = [
    ['mls_listings', 'city'],
    ['property_alerts', 'name'],
    ['showings', 'note'],
  ] as const;
  const kit = smallKit();
  const id = "'a0000000-0000-4000-8000-00000000000";
  put(kit, {
    'seeds/development.sql': `insert into auth.users (id, email) values
  (${id}1', 'ada@example.com'), (${id}2', 'ben@example.com'), (${id}3', 'cleo@example.com')
on conflict do nothing;
insert into public.profiles (id, full_name) select id, email from auth.users where email like '%@example.com'
on conflict do nothing;
`,
    'seeds/extension.sql': tables
      .map(
        ([name, column]) => `insert into public.${name} (id, user_id, ${column})
select md5('${name}' || n)::uuid, ${id}1', 'Row ' || n from generate_series(1, 12) n
on conflict do nothing;
`,
      )
      .join(''),
  });
  commit(kit);
  return ['--kit', kit, ...tables.flatMap(([name, column]) => ['--table', `${name}: ${column} text!`])];
}

describe('a muse with three environments', () => {
  it('is migrated from development through staging to production, and rolled back', async () => {
    const cwd = await temporaryDirectory();
    const product = isWhole ? ['--preset', 'realty'] : smallProduct();
    const args = ['realtymuse', '--yes', '--no-verify', ...product];
    expect((await createMuse(args, { cwd })).code).toBe(0);
    const directory = join(cwd, 'realtymuse');
    const muse = (...args: string[]): Promise<Finished> => runMuse(args, { cwd: directory });
    const json = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await muse(...args, '--json')).stdout) as Record<string, unknown>;

    // Development: seeded, seeded again, reset.
    const seeded = await json('seed');
    expect(seeded).toMatchObject({
      ok: true,
      environment: 'development',
      seeds: [{ file: 'seeds/development.sql' }, { file: 'seeds/extension.sql' }],
      added: { 'public.profiles': 3 },
    });
    expect(await json('seed')).toMatchObject({ ok: true, added: {} });
    const refused = await muse('reset');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('muse reset --yes')]);
    expect(await json('reset', '--yes')).toMatchObject({ ok: true, rolledBack: [], added: { 'public.profiles': 3 } });
    for (const name of ['staging', 'production']) {
      const { code, stderr } = await muse('reset', '--yes', '--env', name);
      expect([code, stderr]).toEqual([2, expect.stringContaining('development only')]);
    }

    // Every wrong call for production names the right one, before a database is opened.
    const path = join(directory, 'muse.json');
    const museFile = JSON.parse(await readFile(path, 'utf8')) as { environments: Record<string, unknown> };
    museFile.environments['staging'] = { target: 'postgres' };
    museFile.environments['production'] = { target: 'postgres' };
    await writeFile(path, JSON.stringify(museFile));
    const [staging, production] = [
      await platformDatabase(native, 'staging'),
      await platformDatabase(native, 'production'),
    ];
    await writeFile(join(directory, '.env.staging.local'), `DATABASE_URL=${staging}\n`);
    await writeFile(join(directory, '.env.production.local'), `DATABASE_URL=${production}\n`);
    for (const [command, ...more] of [
      ['migrate'],
      ['migrate', '--yes'],
      ['rollback', '--yes'],
      ['seed', '--confirm', 'staging'],
      ['restore some-file', '--json'],
    ] as const) {
      const { code, stdout, stderr } = await muse(...command.split(' '), '--env', 'production', ...more);
      expect([code, stdout + stderr], command).toEqual([
        2,
        expect.stringContaining(`muse ${command} --env production --confirm production`),
      ]);
    }

    const early = await muse('migrate', '--env', 'production', '--confirm', 'production');
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('--force production')]);
    expect((await muse('migrate', '--env', 'staging')).code).toBe(0);
    const check = await muse('status', '--check');
    expect([check.code, check.stderr]).toEqual([3, expect.stringContaining('production')]);
    const applied = await muse('migrate', '--env', 'production', '--confirm', 'production');
    expect([applied.stderr, applied.code]).toEqual(['', 0]);
    expect(applied.stdout).toContain('migrations/extensions/001_realtymuse_tables.sql');
    expect((await muse('status', '--check')).code).toBe(0);
    expect(await json('seed', '--env', 'production', '--confirm', 'production')).toMatchObject({
      ok: true,
      added: { 'public.profiles': 3 },
      backup: expect.any(String),
    });

    // A rollback that drops rows, and the restore afterwards.
    const database = await openPostgres({ url: production });
    await database.script(
      "insert into public.property_alerts (user_id, name) select id, 'Near the lake' from auth.users where email = 'ada@example.com'",
    );
    const undone = await json('rollback', '--env', 'production', '--confirm', 'production', '--yes');
    expect(undone).toMatchObject({
      ok: true,
      rolledBack: [{ file: 'migrations/extensions/001_realtymuse_tables.sql' }],
      backup: expect.any(String),
    });
    const back = await json('restore', String(undone['backup']), '--env', 'production', '--confirm', 'production');
    // Twelve rows each from the seed, and the one above.
    expect((undone['losses'] as { table: string }[]).toSorted((a, b) => a.table.localeCompare(b.table))).toEqual([
      { table: 'public.mls_listings', rows: 12 },
      { table: 'public.property_alerts', rows: 13 },
      { table: 'public.showings', rows: 12 },
    ]);
    expect(back).toMatchObject({
      ok: true,
      applied: [{ file: 'migrations/extensions/001_realtymuse_tables.sql' }],
      notes: [],
    });
    const { rows } = await database.query(
      "select (select count(*)::int from public.profiles) as profiles, (select name from public.property_alerts where name like 'Near%') as alert",
    );
    await database.close();
    expect(rows).toEqual([{ profiles: 3, alert: 'Near the lake' }]);
    expect((await muse('status', '--check')).code).toBe(0);
    for (const name of await readdir(join(directory, '.muse', 'backups')))
      expect(name).toMatch(/^production-\d{8}T\d{6}Z(-\d+)?\.(jsonl\.gz|dump)$/);
  }, 240_000);
});
