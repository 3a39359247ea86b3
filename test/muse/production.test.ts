import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lostBuckets } from '../../src/muse/guard-plan.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { restoreMuse } from '../../src/muse/restore.ts';
import { rollbackMuse } from '../../src/muse/rollback.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import type { Database } from '../../src/database/database.ts';
import { MuseError } from '../../src/shared/error.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles, tableSql, textRows, unrehearsed } from './muse-on-disk.ts';

let native: Native;
let muse: Muse;
let production: Database;
let url: string;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());
beforeEach(async () => {
  const staging = await nativeDatabase(native, 'staging');
  ({ url, database: production } = await nativeDatabase(native, 'production'));
  muse = await museOnDisk(tableFiles('001', 'homes'), { staging: staging.url, production: url });
});

const agreed = { confirmed: 'production', ...unrehearsed };
const yes = async (): Promise<boolean> => true;
const backups = async (): Promise<string[]> =>
  existsSync(join(muse.directory, '.muse', 'backups')) ? readdir(join(muse.directory, '.muse', 'backups')) : [];
const ada =
  "insert into auth.users (id, email) values ('00000000-0000-4000-8000-000000000001', 'ada@example.com') on conflict do nothing;";
const home = (title: string): string =>
  `${ada} insert into public.homes (user_id, title) values ('00000000-0000-4000-8000-000000000001', '${title}');`;

async function errorOf(work: Promise<unknown>): Promise<MuseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MuseError);
  return error as MuseError;
}

describe('muse migrate --env production', () => {
  it('is refused without consent, or with another name, before anything is opened', async () => {
    const nowhere = await museOnDisk({}, { production: 'postgres://nobody:x@127.0.0.1:1/none' });
    const error = await errorOf(migrateMuse(nowhere, 'production', {}));
    expect(error.code).toBe('bad-confirmation');
    expect(error.suggestion).toContain('muse migrate --env production --confirm production');
    expect((await errorOf(migrateMuse(nowhere, 'production', {}, { confirmed: 'prod' }))).code).toBe(
      'bad-confirmation',
    );
  });

  it('applies only files that staging has with the same text, unless forced', async () => {
    const error = await errorOf(migrateMuse(muse, 'production', {}, agreed));
    expect(error).toMatchObject({ code: 'not-in-staging' });
    expect(error.suggestion).toContain('--force production');
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    const first = await migrateMuse(muse, 'production', {}, { confirmed: 'production' });
    expect(first).toMatchObject({
      applied: [{ file: 'migrations/extensions/001_homes.sql' }],
      backup: expect.stringContaining('.muse/backups/production-'),
    });
    expect(first.findings?.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(await backups()).toHaveLength(1);
    // Staging has a file of this name, but with another text.
    await addFiles(muse.directory, tableFiles('002', 'gardens'));
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await addFiles(muse.directory, { 'migrations/extensions/002_gardens.sql': `${tableSql('gardens')}-- Edited.\n` });
    expect((await errorOf(migrateMuse(muse, 'production', {}, agreed))).code).toBe('not-in-staging');
    expect(await backups()).toHaveLength(1);
    await migrateMuse(muse, 'production', {}, { ...agreed, force: true });
    expect(await textRows(production, 'public.gardens')).toEqual([]);
    // If there is nothing to do, there is no backup either.
    expect((await migrateMuse(muse, 'production', {}, agreed)).backup).toBeUndefined();
    expect(await backups()).toHaveLength(2);
  });

  it('installs the baseline on plain servers on request, in production after the backup', async () => {
    const urls = {
      staging: await native.createDatabase('plain_staging'),
      production: await native.createDatabase('plain_production'),
    };
    const plain = await museOnDisk(tableFiles('001', 'homes'), urls);
    const error = await errorOf(migrateMuse(plain, 'staging', {}, unrehearsed));
    expect(error).toMatchObject({
      code: 'baseline-missing',
      suggestion: expect.stringContaining('--supabase-baseline'),
    });
    await migrateMuse(plain, 'staging', {}, { ...unrehearsed, supabaseBaseline: true });
    const refused = { ...unrehearsed, supabaseBaseline: true, ask: async (): Promise<string> => 'no' };
    expect((await errorOf(migrateMuse(plain, 'production', {}, refused))).code).toBe('not-confirmed');
    expect((await errorOf(migrateMuse(plain, 'production', {}, agreed))).code).toBe('baseline-missing');
    expect(await migrateMuse(plain, 'production', {}, { ...agreed, supabaseBaseline: true })).toMatchObject({
      applied: [{ file: 'migrations/extensions/001_homes.sql' }],
      findings: [],
    });
  });

  it('detects that staging is the production database, however the URL is written', async () => {
    const other = url.replace('127.0.0.1', 'localhost');
    const same = await museOnDisk(tableFiles('001', 'homes'), { staging: other, production: url });
    await migrateMuse(same, 'staging', {}, unrehearsed);
    await addFiles(same.directory, tableFiles('002', 'gardens'));
    expect((await errorOf(migrateMuse(same, 'production', {}, agreed))).code).toBe('same-database');
  });

  it('shows the files and the row counts of their tables, and continues only after the name is typed', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await migrateMuse(muse, 'production', {}, agreed);
    await production.script(home('one') + home('two'));
    await addFiles(muse.directory, {
      'migrations/extensions/002_rooms.sql':
        '-- Adds the rooms of a home.\nalter table public.homes add column if not exists rooms integer;\n',
      'migrations/rollback/extensions/002_rooms.sql':
        '-- Takes the rooms away.\nalter table public.homes drop column if exists rooms;\n',
    });
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    let plan = '';
    const ask =
      (answer: string) =>
      async (text: string): Promise<string> => {
        plan = text;
        return answer;
      };
    expect((await errorOf(migrateMuse(muse, 'production', {}, { ...unrehearsed, ask: ask('yes') }))).code).toBe(
      'not-confirmed',
    );
    expect(plan).toContain('migrations/extensions/002_rooms.sql');
    expect(plan).toMatch(/public\.homes +2 rows/);
    expect(await backups()).toHaveLength(1);
    expect(
      (await migrateMuse(muse, 'production', {}, { ...unrehearsed, ask: ask('production ') })).applied,
    ).toHaveLength(1);
  });

  it('never waits indefinitely for a lock, says where it stopped, and its backup restores production', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await migrateMuse(muse, 'production', {}, agreed);
    await production.script(home('before'));
    const before = await textRows(production, 'public.homes');
    await addFiles(muse.directory, {
      ...tableFiles('002', 'gardens'),
      'migrations/extensions/003_rooms.sql':
        '-- Adds the rooms of a home.\nalter table public.homes add column if not exists rooms integer;\n',
      'migrations/rollback/extensions/003_rooms.sql':
        '-- Takes the rooms away.\nalter table public.homes drop column if exists rooms;\n',
    });
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    let error: MuseError | undefined;
    await production.transaction(async (session) => {
      await session.query('lock table public.homes in row exclusive mode');
      error = await errorOf(migrateMuse(muse, 'production', {}, { ...agreed, lockTimeoutMs: 200 }));
    });
    expect(error?.message).toContain('003_rooms.sql:2:1: canceling statement due to lock timeout');
    const file = /\.muse\/backups\/\S+\.gz/.exec(error?.detail ?? '')?.[0] ?? '';
    expect(error?.detail).toContain('Done before it: migrations/extensions/002_gardens.sql');
    expect(error?.suggestion).toContain('--lock-timeout');
    expect(error?.suggestion).toContain(
      `run \`muse migrate --env production\` again: it continues from there. To restore the backup instead: muse restore ${file} --env production`,
    );
    await production.script(home('after'));
    const result = await restoreMuse(muse, 'production', {}, join(muse.directory, file), agreed);
    expect(result.rolledBack).toEqual([{ layer: 'extension', file: 'migrations/extensions/002_gardens.sql' }]);
    expect(await textRows(production, 'public.homes')).toEqual(before);
    expect(await textRows(production, "(select to_regclass('public.gardens'))")).toEqual(['()']);
  });

  it.each<[string, { lockTimeoutMs?: number; statementTimeoutMs?: number }, string]>([
    ['its own', {}, '5s 10min'],
    ['those of the call', { lockTimeoutMs: 7000, statementTimeoutMs: 90_500 }, '7s 90500ms'],
  ])('runs the files under %s limits', async (_, limits, expected) => {
    await addFiles(muse.directory, {
      'migrations/extensions/002_told.sql': `-- Tells its limits.
do $$ begin execute format('comment on table public.homes is %L', current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')); end $$;
`,
    });
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await migrateMuse(muse, 'production', {}, { ...agreed, ...limits });
    expect(await textRows(production, "(select obj_description('public.homes'::regclass))")).toEqual([
      `("${expected}")`,
    ]);
  });

  it('stops a statement that takes too long, and does not run it again to find its line', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await migrateMuse(muse, 'production', {}, agreed);
    const sql =
      "do $$ begin if current_database() like 'production%' then perform nextval('public.tries'), pg_sleep(600); end if; end $$;";
    await production.script('create sequence public.tries');
    await addFiles(muse.directory, {
      ...tableFiles('002', 'gardens'),
      'migrations/extensions/003_slow.sql': `-- Is slow in production.\ncomment on table public.homes is 'Homes';\n\n${sql}\n`,
    });
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    const error = await errorOf(migrateMuse(muse, 'production', {}, { ...agreed, statementTimeoutMs: 300 }));
    expect(error.message).toMatch(
      /^migrations\/extensions\/003_slow\.sql:4:\d+: canceling statement due to statement timeout/,
    );
    expect(error.detail).toMatch(
      /Done before it: migrations\/extensions\/002_gardens.sql.\nNot done: migrations\/extensions\/003_slow.sql.\nBackup taken before the run: \.muse\/backups\/production/,
    );
    expect(error.suggestion).toMatch(
      /--statement-timeout \d+.*run `muse migrate --env production` again: it continues from there\. To restore the backup instead: muse restore \.muse\/backups\/production/,
    );
    expect(await textRows(production, '(select last_value from public.tries)')).toEqual(['(1)']);
  });

  it('reports the findings of the verification, and how to continue or roll back', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    // A manual change opened a table that no file creates.
    await production.script(
      'create table public.by_hand (id integer primary key, secret text); grant all on public.by_hand to anon',
    );
    const { applied, error, backup } = await migrateMuse(muse, 'production', {}, { confirmed: 'production' });
    expect(applied).toHaveLength(1);
    expect(error).toMatchObject({ code: 'findings' });
    expect(error?.suggestion).toContain(`muse restore ${backup} --env production`);
    expect(error?.findings?.map(({ rule }) => rule)).toContain('rls-missing');
  });
});

describe('muse rollback --env production', () => {
  it('requires its name and makes a backup with the rows', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await migrateMuse(muse, 'production', {}, agreed);
    await production.script(home('kept'));
    const before = await textRows(production, 'public.homes');
    expect((await errorOf(rollbackMuse(muse, 'production', {}, {}, yes))).code).toBe('bad-confirmation');
    const refused = await errorOf(rollbackMuse(muse, 'production', {}, { steps: 1 }, async () => false, agreed));
    expect(refused).toMatchObject({
      code: 'data-would-be-lost',
      detail: 'public.homes: 1 row',
      suggestion: expect.stringContaining('muse rollback --env production --steps 1 --confirm production --yes'),
    });
    const { backup, losses } = await rollbackMuse(muse, 'production', {}, {}, yes, agreed);
    expect(losses).toEqual([{ table: 'public.homes', rows: 1 }]);
    const result = await restoreMuse(muse, 'production', {}, join(muse.directory, backup ?? ''), agreed);
    expect(result.applied).toMatchObject([{ file: 'migrations/extensions/001_homes.sql' }]);
    expect(await textRows(production, 'public.homes')).toEqual(before);
  });

  it('is refused if a bucket with files would be deleted', async () => {
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    const { database } = await openEnvironment(muse, 'staging', {});
    await database.script(
      "insert into storage.buckets (id, name) values ('photos', 'photos'), ('empty', 'empty'); insert into storage.objects (bucket_id, name) values ('photos', 'a.png'), ('photos', 'b.png')",
    );
    const lost = [{ bucket: 'photos', files: 2 }];
    const cases: [sql: string, lost: typeof lost][] = [
      ["delete from storage.buckets where id = 'photos'", lost],
      ["delete from storage.objects where bucket_id in ('films', 'photos')", lost],
      ['with gone as (delete from storage.objects returning 1) select count(*) from gone', lost],
      ["delete from storage.buckets where id = 'empty'", []],
      ["select 'delete from storage.buckets'", []],
      ["delete from public.homes where title = 'photos'", []],
    ];
    for (const [sql, expected] of cases) expect(await lostBuckets(database, [sql]), sql).toEqual(expected);
    await database.close();
    await addFiles(muse.directory, {
      'migrations/rollback/extensions/001_homes.sql': `${cases[0]![0]};\ndrop table if exists public.homes;\n`,
    });
    expect(await errorOf(rollbackMuse(muse, 'staging', {}, {}, yes))).toMatchObject({
      code: 'bucket-not-empty',
      detail: 'photos: 2 files',
    });
  });
});
