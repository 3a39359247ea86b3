import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository, smallKit } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';

const things = (policy: string): string =>
  [
    '-- Things.',
    'create table if not exists public.things (id uuid primary key, user_id uuid references auth.users (id), body text);',
    'create index if not exists things_user_id_idx on public.things (user_id);',
    'alter table public.things enable row level security;',
    'drop policy if exists "read" on public.things;',
    `create policy "read" on public.things for select to authenticated using (${policy});`,
    'grant select on public.things to authenticated;',
    '',
  ].join('\n');

const kitWith = (sql: string): string => repository({ 'migrations/core/001_things.sql': sql }).directory;
const noAccount = { SUPABASE_ACCESS_TOKEN: undefined, HOME: '/nonexistent', USERPROFILE: '/nonexistent' };

describe('--dry-run refuses what the run refuses', { timeout: 240_000 }, () => {
  const cases: [
    string,
    (cwd: string) => string[] | Promise<string[]>,
    number,
    string,
    Record<string, string | undefined>?,
  ][] = [
    [
      'a directory that is not free',
      async (cwd) => {
        await mkdir(join(cwd, 'mine'));
        await writeFile(join(cwd, 'mine', 'notes.txt'), 'mine');
        return [];
      },
      2,
      'is not empty (notes.txt)',
    ],
    ['a certificate that is not there', () => ['--db-ca', 'none.pem'], 2, 'none.pem'],
    ['a kit that is not there', () => ['--kit', './none'], 1, 'does not exist'],
    [
      'a reference that core does not have',
      () => ['--kit', smallKit(), '--table', 'notes: parent -> nowhere'],
      2,
      'nowhere',
    ],
    ['a server without its URL', () => ['--target', 'postgres'], 2, 'DATABASE_URL'],
    [
      'a server that cannot be reached',
      () => ['--target', 'postgres', '--database-url', 'postgresql://u:p@127.0.0.1:1/x'],
      1,
      'refuses the connection',
    ],
    ['Supabase without a token', () => ['--target', 'supabase'], 2, 'access token', noAccount],
    [
      'SQL that does not run',
      () => ['--kit', kitWith(`${things('true')}select * from public.nowhere;\n`)],
      3,
      'nowhere',
    ],
    [
      'a policy that opens rows to everyone',
      () => ['--kit', kitWith(things('user_id = (select auth.uid()) or body is not null'))],
      3,
      'isolation-read',
    ],
  ];
  // Findings of what runs, in the last one, are refused as those of what does not.
  it.each(cases.filter(([name]) => isWhole || name !== 'SQL that does not run'))(
    '%s',
    async (_, arrange, code, words, env = {}) => {
      const cwd = await temporaryDirectory();
      const args = ['mine', '--yes', ...(await arrange(cwd))];
      const before = await readdir(cwd, { recursive: true });
      const planned = await createMuse([...args, '--dry-run'], { cwd, env });
      expect(await readdir(cwd, { recursive: true })).toEqual(before);
      const real = await createMuse(args, { cwd, env });
      expect([planned.code, real.code], planned.stderr).toEqual([code, code]);
      expect(real.stderr).toContain(words);
      expect(planned.stderr).toBe(real.stderr);
    },
  );

  it('and accepts what it accepts', async () => {
    const cwd = await temporaryDirectory();
    const { code, stdout } = await createMuse(['mine', '--yes', '--dry-run', '--json', '--kit', smallKit()], { cwd });
    expect(code).toBe(0);
    const { files } = JSON.parse(stdout) as { files: string[] };
    expect(files).toEqual(expect.arrayContaining(['package.json', '.env.local', '.github/workflows/muse.yml']));
    expect(files.filter((file) => /^\.(git|muse)\//.test(file))).toEqual([]);
    expect(await readdir(cwd)).toEqual([]);
  });
});
