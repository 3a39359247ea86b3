import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { broken } from '../rules/broken.ts';
import { git, put } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { type Native, startNative } from '../support/native.ts';
import { isWhole } from '../support/sample.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** The broken kit as a repository. */
function kitIn(place: string): string {
  const kit = join(place, 'kit');
  put(kit, broken);
  git(place, 'init', '--quiet', '--initial-branch=main', 'kit');
  git(kit, 'add', '--all');
  git(kit, 'commit', '--quiet', '--message=Kit');
  return kit;
}

describe('create-muse --fix', { timeout: 180_000 }, () => {
  it('runs on a native server, repeats there without a change, and lets no anonymous visitor write', async () => {
    const cwd = await temporaryDirectory();
    const url = await native.createDatabase('fixed');
    // Without the proof, which would fail: `muse verify` below has the same findings.
    const made = await createMuse(
      [
        'mine',
        '--yes',
        '--json',
        '--fix',
        '--allow-widening',
        '--no-verify',
        '--kit',
        kitIn(cwd),
        '--kit-extensions',
        'keep',
        '--target',
        'postgres',
        '--supabase-baseline',
      ],
      { cwd, env: { DATABASE_URL: url } },
    );
    const { migrations, error } = JSON.parse(made.stdout) as {
      migrations: { applied: { file: string }[] };
      error?: unknown;
    };
    expect(error).toBeUndefined();
    expect(made.code).toBe(0);
    const directory = join(cwd, 'mine');
    const again = await muse(['migrate', '--json'], { cwd: directory });
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, migrations: { applied: [] } });
    const verified = JSON.parse((await muse(['verify', '--json'], { cwd: directory })).stdout) as {
      findings: { rule: string; severity: string; object?: string }[];
    };
    // Only a condition says that anonymous visitors read what is published, so that is declared by hand.
    expect(
      verified.findings
        .filter(({ severity }) => severity === 'error')
        .map(({ rule, object }) => `${rule} ${object}`)
        .sort(),
    ).toEqual(['anon-read public.products_sold', 'isolation-read public.products_sold']);

    const database = await openPostgres({ url });
    try {
      const { rows: tables } = await database.query<{ name: string }>(
        "select format('public.%I', tablename) as name from pg_tables where schemaname = 'public' order by 1",
      );
      expect(tables.length).toBeGreaterThan(8);
      const counts = async (): Promise<unknown[]> =>
        (
          await database.query(
            tables
              .map(({ name }) => `select '${name}', count(*) from ${name}`)
              .join(' union all ')
              .concat(' order by 1'),
          )
        ).rows;
      const before = await counts();
      for (const { file } of migrations.applied)
        await database.script(
          `set search_path to public, extensions;\n${await readFile(join(directory, file), 'utf8')}`,
        );
      expect(await counts()).toEqual(before);
      for (const { name } of tables) {
        for (const sql of [`insert into ${name} default values`, `delete from ${name}`]) {
          const refused = database.transaction(async (session) => {
            await session.script('set local role anon');
            await session.query(sql);
          });
          await expect(refused, sql).rejects.toMatchObject({ code: '42501' });
        }
      }
    } finally {
      await database.close();
    }
  });

  it('names what it left out because it gives more access, where errors remain', async () => {
    const cwd = await temporaryDirectory();
    const owned = 'FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);';
    const table = (name: string): string =>
      `CREATE TABLE public.${name} (id uuid PRIMARY KEY, user_id uuid);\nCREATE INDEX ON public.${name} (user_id);\n` +
      `ALTER TABLE public.${name} ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON public.${name} ${owned}\n`;
    const tables = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(table).join('');
    for (const [kit, sql, words] of [
      [
        'kept',
        `${table('notes')}CREATE TABLE public.tags (id uuid PRIMARY KEY);\nALTER TABLE public.tags ENABLE ROW LEVEL SECURITY;\n` +
          'CREATE POLICY p ON public.tags FOR INSERT TO authenticated WITH CHECK (true);\n' +
          'CREATE POLICY q ON public.tags FOR UPDATE TO authenticated USING (true);\n',
        ['keeps its policy-always-true: policy "p" on public.tags', 'And 1 more like it.', 'changes of grant-missing'],
      ],
      ['many', tables, ['7 changes of grant-missing', 'authenticated SELECT public.a: nothing → ', 'and 2 more']],
    ] as const) {
      put(join(cwd, kit), { 'migrations/core/001_tables.sql': `-- Tables.\n${sql}`, 'package.json': '{}' });
      git(cwd, 'init', '--quiet', '--initial-branch=main', kit);
      git(join(cwd, kit), 'add', '--all');
      git(join(cwd, kit), 'commit', '--quiet', '--message=Kit');
      const made = await createMuse(['mine', '--yes', '--fix', '--no-verify', '--kit', join(cwd, kit)], { cwd });
      expect(made.code).toBe(3);
      for (const word of [...words, 'To allow them: --fix --allow-widening.']) expect(made.stderr).toContain(word);
    }
  });

  it('shows the changes as diffs with --dry-run, and creates nothing', async () => {
    const cwd = await temporaryDirectory();
    // Without the proof, which would refuse the run, and so its dry run.
    const args = ['mine', '--yes', '--fix', '--allow-widening', '--no-verify', '--dry-run', '--kit', kitIn(cwd)];
    const shown = await createMuse(args, { cwd });
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('no errors remain');
    expect(shown.stdout).toContain('--- a/migrations/core/001_social.sql\n+++ b/migrations/core/001_social.sql');
    expect(shown.stdout).toContain('policy "products_write" on public.products_sold');
    expect(await readdir(cwd)).toEqual(['kit']);
  });

  it.runIf(isWhole)('shows them in JSON too', async () => {
    const cwd = await temporaryDirectory();
    const args = ['mine', '--yes', '--fix', '--allow-widening', '--no-verify', '--dry-run', '--kit', kitIn(cwd)];
    const told = JSON.parse((await createMuse([...args, '--json'], { cwd })).stdout) as {
      repairs: { classes: { rule: string; diff: string }[]; decisions: unknown[] };
      files: string[];
    };
    expect(told.repairs.classes[0]).toMatchObject({
      rule: 'policy-if-not-exists',
      diff: expect.stringContaining('-create policy if not exists "Users can view own accounts"'),
    });
    expect(told.files.filter((file) => file.startsWith('.git/'))).toEqual([]);
    expect(await readdir(cwd)).toEqual(['kit']);
  });
});
