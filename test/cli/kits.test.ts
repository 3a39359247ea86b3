import { execFile } from 'node:child_process';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/shared/finding.ts';
import { repository } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';

const run = promisify(execFile);

const table = (name: string): string => `-- Adds ${name}.
create table if not exists public.${name} (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table public.${name} enable row level security;
drop policy if exists "own rows" on public.${name};
create policy "own rows" on public.${name} for all to authenticated using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
grant select, insert, update, delete on public.${name} to authenticated;
grant all on public.${name} to service_role;
create index if not exists ${name}_user_id_idx on public.${name} (user_id);
`;

/** Every test of what a proof finds has one; here it is that a kit passes, which the test of `--fix` tries to the end. */
const unproven = isWhole ? [] : ['--no-verify'];

describe('correct kits pass', () => {
  const supabase: [string, Record<string, string>, string] = [
    'supabase/migrations',
    { 'supabase/migrations/20260101000000_first.sql': table('first') },
    'supabase',
  ];
  it.each<[string, Record<string, string>, string]>([
    // Of two such folders: layouts.test.ts.
    ...(isWhole ? [supabase] : []),
    [
      'a byte order mark, CRLF and an empty file',
      {
        'migrations/core/001_first.sql': `\uFEFF${table('first').replaceAll('\n', '\r\n')}`,
        'migrations/core/002_empty.sql': '',
      },
      'musekit',
    ],
    [
      'names with spaces and letters of every kind',
      { 'migrations/core/001_first.sql': table('first'), 'docs/ein Bild ü.txt': 'x' },
      'musekit',
    ],
  ])('%s', async (_, files, layout) => {
    const cwd = await temporaryDirectory();
    const kit = repository(files).directory;
    const { code, stdout } = await createMuse(
      ['mine', '--yes', '--json', '--kit', kit, '--table', 'notes: title text!, owner user', ...unproven],
      { cwd },
    );
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      kit: { layout, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect(code).toBe(0);
    expect((await run('git', ['remote', '-v'], { cwd: join(cwd, 'mine') })).stdout).toContain('upstream');
  });
});

describe('kits that cannot be used leave nothing behind', () => {
  const broken = `-- Adds things.\ncreate table public.things (id uuid primary key);\ncreate policy if not exists "p" on public.things for select using (true);\nselect * from public.nowhere;\nalter table public.things add column x misspelt;\n`;
  it('every error of a file is listed at once, with its line', async () => {
    const cwd = await temporaryDirectory();
    const kit = repository({
      'migrations/core/001_things.sql': broken,
      'migrations/core/002_more.sql': `${table('more')}insert into public.absent values (1);\n`,
    }).directory;
    const { code, stdout } = await createMuse(['mine', '--yes', '--json', '--kit', kit], { cwd });
    expect(code).toBe(3);
    const { findings, error } = JSON.parse(stdout) as { findings: Finding[]; error: { code: string } };
    expect(error.code).toBe('findings');
    const errors = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, file, line }) => `${rule} ${file}:${line}`);
    for (const expected of [
      'policy-if-not-exists migrations/core/001_things.sql:3',
      'unknown-relation migrations/core/001_things.sql:4',
      'unknown-relation migrations/core/001_things.sql:5',
      'unknown-relation migrations/core/002_more.sql:14',
    ]) {
      expect(errors).toContain(expected);
    }
    expect(await readdir(cwd)).toEqual([]);
  });

  it('the text output shows the line, a caret and what to write instead', async () => {
    const cwd = await temporaryDirectory();
    const kit = repository({ 'migrations/core/001_things.sql': broken }).directory;
    const { code, stderr } = await createMuse(['mine', '--yes', '--kit', kit], { cwd });
    expect(code).toBe(3);
    expect(stderr).toContain('migrations/core/001_things.sql:3:');
    expect(stderr).toContain('^');
    expect(stderr).toContain('DROP POLICY IF EXISTS');
    expect(stderr).toContain('Nothing was provisioned');
  });

  it('the kit’s own extensions are listed, although they would be archived', async () => {
    const cwd = await temporaryDirectory();
    const kit = repository({
      'migrations/core/001_things.sql': broken,
      'migrations/extensions/001_own.sql': '-- Adds nothing.\nselect wrong from;\n',
    }).directory;
    const { stdout } = await createMuse(['mine', '--yes', '--json', '--kit', kit], { cwd });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings).toContainEqual(
      expect.objectContaining({ rule: 'syntax-error', file: 'migrations/extensions/001_own.sql', line: 2 }),
    );
  });

  it.each([
    ['without migrations', { 'README.md': 'x' }, 1, 'The kit has no SQL migrations'],
    [
      'with a file that is not UTF-8',
      { 'migrations/core/001_first.sql': new Uint8Array([0x2d, 0x2d, 0xff, 0xfe, 0x0a]) },
      3,
      'UTF-8',
    ],
  ])('%s', async (_, files, expected, words) => {
    const cwd = await temporaryDirectory();
    const kit = repository(files).directory;
    const { code, stderr } = await createMuse(['mine', '--yes', '--kit', kit], { cwd });
    expect(stderr).toContain(words);
    expect(code).toBe(expected);
    expect(await readdir(cwd)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'a link that leads out of it is neither followed nor written through',
    async () => {
      const cwd = await temporaryDirectory();
      const outside = join(cwd, 'outside.txt');
      await writeFile(outside, 'theirs');
      const kit = repository({ 'migrations/core/001_first.sql': table('first') }).directory;
      await symlink(outside, join(kit, 'README.md'));
      await run('git', ['add', '--all'], { cwd: kit });
      await run('git', ['-c', 'user.name=kit', '-c', 'user.email=kit@example.com', 'commit', '--quiet', '-m', 'Link'], {
        cwd: kit,
      });
      const { code } = await createMuse(['mine', '--yes', '--quiet', '--no-verify', '--kit', kit], { cwd });
      expect(code).toBe(0);
      expect(await readFile(outside, 'utf8')).toBe('theirs');
    },
  );

  it('a missing kit, and no network', async () => {
    const cwd = await temporaryDirectory();
    for (const kit of ['./absent', 'https://127.0.0.1:1/owner/kit.git']) {
      const { code, stderr } = await createMuse(['mine', '--yes', '--kit', kit], { cwd });
      expect(code).toBe(1);
      expect(stderr).toContain('→');
      expect(await readdir(cwd)).toEqual([]);
    }
  });
});

describe('--fix', () => {
  it('fixes the clone with one commit per class, and passes', async () => {
    const cwd = await temporaryDirectory();
    const kit = repository({
      'migrations/core/001_things.sql': table('things').replace(
        'drop policy if exists "own rows" on public.things;\ncreate policy "own rows"',
        'create policy if not exists "own rows"',
      ),
      'migrations/core/002_open.sql':
        '-- Adds open.\ncreate table if not exists public.open (id uuid primary key, user_id uuid references auth.users (id));\n',
    }).directory;
    const { code, stdout } = await createMuse(['mine', '--yes', '--json', '--fix', '--kit', kit], { cwd });
    const report = JSON.parse(stdout) as { repairs: { classes: { rule: string }[] } };
    expect(code).toBe(0);
    const fixed = report.repairs.classes.map(({ rule }) => rule);
    expect(fixed).toEqual(expect.arrayContaining(['policy-if-not-exists', 'rls-missing', 'fk-without-index']));
    const log = (await run('git', ['log', '--format=%s', '--reverse'], { cwd: join(cwd, 'mine') })).stdout;
    expect(log).toContain('Fix policy-if-not-exists');
    expect(log).toContain('Fix rls-missing');
    expect(await readFile(join(cwd, 'mine', 'docs', 'REPAIRS.md'), 'utf8')).toContain('public.open');
  });
});
