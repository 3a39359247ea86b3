import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commit, put, smallKit } from '../kit/repository.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { startNative } from '../support/native.ts';

let cwd: string;
let directory: string;
const call = async (...args: string[]) => muse(args, { cwd: directory });
const json = async (...args: string[]) => JSON.parse((await call(...args, '--json')).stdout) as Record<string, never>;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  // A small kit: what the commands do with it is the same, and a proof of the built-in one takes seconds.
  const table = 'post_queues: name text!, owner user';
  await createMuse(['product', '--yes', '--no-verify', '--kit', smallKit(), '--table', table], { cwd });
  directory = join(cwd, 'product');
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('commands in a muse, in this order', () => {
  it('status and docs are up to date', async () => {
    expect(await json('status')).toMatchObject({ ok: true, environments: [{ pending: [], edited: [], missing: [] }] });
    expect(await json('docs')).toMatchObject({ changed: false, tables: expect.arrayContaining(['post_queues']) });
    expect((await call('status', '--check')).code).toBe(0);
  });

  it('new adds the next number, with its rollback', async () => {
    const made = await json('new', 'price', 'history', '--table', 'price_points: price numeric!, owner user');
    expect(made).toMatchObject({
      files: ['migrations/extensions/002_price_history.sql', 'migrations/rollback/extensions/002_price_history.sql'],
    });
    expect((await call('status', '--check')).code).toBe(3);
    expect((await call('status')).stdout).toContain('002_price_history.sql');
  });

  it('lint and rehearse find nothing', async () => {
    expect((await call('lint')).code).toBe(0);
    const rehearsed = await call('rehearse');
    expect(rehearsed.stderr).toBe('');
    expect(rehearsed.code).toBe(0);
  });

  it('lint writes formats for other programs', async () => {
    for (const asJson of [['--json'], ['--format', 'json'], ['--format=json']]) {
      const { stdout } = await call('lint', ...asJson);
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        command: 'muse lint',
        name: 'product',
        directory,
        findings: [],
      });
    }
    expect(JSON.parse((await call('lint', '--format', 'sarif')).stdout)).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [] }],
    });
    expect((await call('lint', '--format', 'github')).stdout.trim()).toBe('');
  });

  it('verify proves what is applied, and names what is pending', async () => {
    expect(await json('verify')).toMatchObject({
      ok: true,
      findings: [],
      pending: ['migrations/extensions/002_price_history.sql'],
    });
    expect((await call('verify', '--offline')).stdout).toMatch(
      /Not proven:\n  - migrations\/extensions\/002_price_history\.sql is not applied to\s+development\s+yet/,
    );
  });

  it('migrate applies it, and the second time has nothing to do', async () => {
    expect(await json('migrate')).toMatchObject({
      migrations: { applied: [{ file: 'migrations/extensions/002_price_history.sql' }] },
    });
    expect((await call('migrate')).stdout).toContain('Nothing to do');
    expect(await json('docs')).toMatchObject({
      changed: true,
      files: ['README.md', 'docs/schema.svg'],
      tables: expect.arrayContaining(['price_points']),
    });
  });

  it('verify proves isolation', async () => {
    const verified = await call('verify');
    expect(verified.stdout).toContain('price_points');
    expect(verified.stdout).toContain('no one can reach rows that are not theirs');
    expect(verified.code).toBe(0);
  });

  it('rollback rolls it back, and migrate applies it again', async () => {
    expect(await json('rollback')).toMatchObject({
      rolledBack: [{ file: 'migrations/extensions/002_price_history.sql' }],
    });
    expect(await json('status')).toMatchObject({
      environments: [{ pending: [{ file: 'migrations/extensions/002_price_history.sql' }] }],
    });
    expect((await call('migrate')).code).toBe(0);
  });

  it('an edited file is an error with its name, and nothing runs', async () => {
    const file = join(directory, 'migrations/extensions/002_price_history.sql');
    const before = await readFile(file, 'utf8');
    await writeFile(file, `${before}\n-- edited\n`);
    const refused = await call('migrate');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('002_price_history.sql');
    await writeFile(file, before);
    expect((await call('migrate')).code).toBe(0);
  });
});

describe('wrong calls', () => {
  it.each([
    [['migrat'], 'Did you mean muse migrate?'],
    [['status', 'extra'], 'takes no "extra"'],
    [['new'], 'The name of the migration is missing'],
    [['rollback', '--steps', 'two'], '--steps takes how many'],
    [['hlep'], 'Did you mean muse help?'],
    [['--env', 'staging', 'migrat'], 'Did you mean muse migrate?'],
    [['help', 'migrat'], 'Did you mean muse migrate?'],
    [['migrat', '--help'], 'Did you mean muse migrate?'],
    [['--steps', '1', 'rollback'], 'Write it after the command'],
    [['--json'], ''],
    [['migrate', '--env', 'prod'], 'production'],
    [['verify', '--formt', 'markdown'], 'Did you mean --format?'],
  ])('%j', async (args, words) => {
    const { code, stderr } = await call(...args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });

  it('outside a muse is an error that says so', async () => {
    const { code, stderr } = await muse(['status'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('create-muse <name>');
  });
});

describe('target postgres', () => {
  it('installs the baseline on a plain server only on request, and never prints the URL', async () => {
    const native = await startNative();
    const url = await native.createDatabase('target');
    const call = (...args: string[]) =>
      createMuse(['served', '--yes', '--json', '--no-verify', '--target', 'postgres', '--kit', smallKit(), ...args], {
        cwd,
        env: { DATABASE_URL: url },
      });
    const refused = await call();
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('--supabase-baseline');
    const made = await call('--supabase-baseline');
    expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, target: { kind: 'postgres' } });
    const served = join(cwd, 'served');
    const status = await muse(['status', '--json'], { cwd: served });
    expect(JSON.parse(status.stdout)).toMatchObject({ environments: [{ target: 'postgres', pending: [] }] });
    const password = decodeURIComponent(new URL(url).password);
    for (const text of [
      made.stdout,
      made.stderr,
      status.stdout,
      await readFile(join(served, '.muse', 'journal.json'), 'utf8'),
      await readFile(join(served, 'muse.json'), 'utf8'),
    ]) {
      expect(text).not.toContain(url);
      if (password.length > 8) expect(text).not.toContain(password);
    }
    await native.stop();
  });
});

describe('drift', () => {
  it('names manual changes', async () => {
    const native = await startNative();
    const url = await native.createDatabase('drift');
    const env = { DATABASE_URL: url };
    const kit = smallKit();
    put(kit, {
      'migrations/core/002_organizations.sql': [
        '-- Organizations.',
        'create table if not exists public.organizations (',
        '  id uuid primary key,',
        '  name text not null,',
        '  founder uuid references auth.users (id)',
        ');',
        'create index if not exists organizations_founder_idx on public.organizations (founder);',
        'alter table public.organizations enable row level security;',
        'drop policy if exists "The founder reads it" on public.organizations;',
        'create policy "The founder reads it" on public.organizations for select to authenticated',
        '  using (founder = (select auth.uid()));',
        'grant select on public.organizations to authenticated;',
        '',
      ].join('\n'),
    });
    commit(kit);
    const flags = ['--yes', '--quiet', '--no-verify', '--target', 'postgres', '--supabase-baseline', '--kit', kit];
    await createMuse(['drifting', ...flags], { cwd, env });
    const at = join(cwd, 'drifting');
    expect(JSON.parse((await muse(['status', '--drift', '--json'], { cwd: at, env })).stdout)).toMatchObject({
      environments: [{ drift: [] }],
    });
    const { openPostgres } = await import('../../src/database/postgres/postgres.ts');
    const database = await openPostgres({ url });
    await database.script(`
      alter table public.profiles add column by_hand text not null default 'x; y';
      create table public.scratch (id uuid primary key, "odd ""name" text);
      alter table public.organizations alter column name drop not null;
      revoke select on public.organizations from authenticated;
      drop policy "The founder reads it" on public.organizations;
      create index by_hand_idx on public.profiles (by_hand);
    `);
    await database.close();
    const { stdout } = await muse(['status', '--drift'], { cwd: at, env });
    for (const lines of [
      /^  \+ column public\.profiles\.by_hand migrations\/core\/\d+_profiles\.sql:\d+\n      ALTER TABLE public\.profiles ADD COLUMN by_hand text not null default 'x; y'::text;$/m,
      /^  \+ table public\.scratch\n      CREATE TABLE public\.scratch \(\n        "odd ""name" text,\n        id uuid not null\n      \);$/m,
      /^  \+ index public\.by_hand_idx\n      CREATE INDEX by_hand_idx ON public\.profiles USING btree \(by_hand\);$/m,
      /^  ~ column public\.organizations\.name \S+\n      - text not null\n      \+ text$/m,
      /^  ~ grant relation public\.organizations \S+\n      - GRANT [A-Z, ]*SELECT[A-Z, ]* ON public\.organizations TO authenticated;$/m,
      /^  - policy ".*" on public\.organizations \S+\n      CREATE POLICY ".*" ON public\.organizations AS permissive FOR select to authenticated using .*;$/m,
    ])
      expect(stdout).toMatch(lines);
    const check = await muse(['status', '--check', '--drift'], { cwd: at, env });
    expect([check.code, check.stderr]).toEqual([3, expect.stringMatching(/Not up to date: development\.[^]*by_hand/)]);
    expect((await muse(['status', '--check'], { cwd: at, env })).code).toBe(0);
    await native.stop();
  });
});
