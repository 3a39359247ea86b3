import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fixMuse, type FixResult } from '../../src/muse/fix.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { openMuse } from '../../src/muse/open.ts';
import { museStatus } from '../../src/muse/status.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import { MuseError } from '../../src/shared/error.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { snapshot } from '../support/cli.ts';
import { muse as museCommand } from '../support/cli-in-process.ts';
import { type Native, startNative } from '../support/native.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { sampleOf } from '../support/sample.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles, unrehearsed } from './muse-on-disk.ts';

const run = promisify(execFile);
let native: Native;
let fakeApi: FakeApi;
beforeAll(async () => {
  [native, fakeApi] = await Promise.all([startNative(), openFakeApi()]);
});
afterAll(async () => {
  await fakeApi.close();
  await native.stop();
});

const core = 'migrations/core/001_things.sql';
const open = 'migrations/extensions/002_open.sql';
const second = 'migrations/extensions/002_twin.sql';

/** A table whose policy lets everyone do everything, without a rollback, with a number that another file has. */
const broken = {
  ...tableFiles('001', 'homes'),
  [open]:
    '\uFEFF-- Opens.\r\ncreate table things (id uuid primary key, user_id uuid references auth.users (id));\r\ncreate policy "all" on things for all using (true);\r\n',
  [second]: '-- Says nothing.\nselect 1;\n',
  'scripts/read.js': "read('migrations/extensions/002_twin.sql', 'x002_twin.sql');\n",
};
const things =
  '-- Things\ncreate table if not exists things (id uuid primary key, user_id uuid references auth.users (id));\nalter table things enable row level security;\n' +
  'drop policy if exists own on things;\ncreate policy own on things using (auth.uid() = user_id);\n' +
  'drop policy if exists shown on things;\ncreate policy shown on things for select to authenticated using (id in (select other.id from things other where other.user_id = auth.uid()));\n' +
  'create or replace function count_things() returns bigint language sql security definer as $$ select count(*) from public.things $$;\n';

async function git(directory: string, ...args: string[]): Promise<string> {
  return (
    await run(
      'git',
      [
        '-c',
        'user.name=me',
        '-c',
        'user.email=me@example.com',
        '-c',
        'commit.gpgsign=false',
        '-c',
        'core.autocrlf=false',
        ...args,
      ],
      { cwd: directory },
    )
  ).stdout;
}

async function committed(
  files: Readonly<Record<string, string>>,
  urls: Parameters<typeof museOnDisk>[1] = {},
): Promise<Muse> {
  const muse = await museOnDisk({ '.gitignore': '.muse/\n.env*.local\n', ...files }, urls);
  await git(muse.directory, 'init', '--quiet', '--initial-branch=main');
  await git(muse.directory, 'add', '--all');
  await git(muse.directory, 'commit', '--quiet', '-m', 'Mine');
  return muse;
}

/** Repairs a muse. If a repair would widen access, the answer is yes by default. */
const fix = (muse: Muse, dryRun = false, yes = true): Promise<FixResult> =>
  fixMuse(muse, {
    environment: { ...process.env, ...fakeApi.env, DATABASE_URL: undefined },
    signal: new AbortController().signal,
    dryRun,
    mayWiden: () => yes,
  });
const rulesOf = ({ changes }: FixResult): string[] => changes.map(({ rule }) => rule);
const errorsOf = ({ findings }: FixResult): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule, file }) => `${rule} ${file}`);

async function errorOf(work: Promise<unknown>): Promise<MuseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MuseError);
  return error as MuseError;
}

describe('muse lint --fix', { timeout: 180_000 }, () => {
  it('fixes with one commit per class, without the user’s own changes; a dry run shows the same and touches nothing', async () => {
    const muse = await committed(broken);
    const { directory } = muse;
    await addFiles(directory, { 'README.md': 'mine, staged', 'notes.txt': 'mine, unknown' });
    await git(directory, 'add', 'README.md');
    await addFiles(directory, { 'README.md': 'mine, later' });
    const before = await snapshot(directory);
    const head = await git(directory, 'rev-parse', 'HEAD');

    const planned = await fix(muse, true);
    expect(await snapshot(directory)).toEqual(before);
    expect(await git(directory, 'rev-parse', 'HEAD')).toBe(head);
    const copy = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    onTestFinished(() => rm(copy, { recursive: true, force: true }));
    await cp(directory, copy, { recursive: true, filter: (path) => !path.endsWith('.git') });

    const done = await fix(muse);
    expect(rulesOf(done)).toEqual([
      'duplicate-number',
      'not-idempotent',
      'rls-missing',
      'policy-always-true',
      'grant-missing',
      'fk-without-index',
      'rollback-missing',
    ]);
    expect(rulesOf(planned)).toEqual(rulesOf(done));
    expect(errorsOf(done)).toEqual([]);
    expect(planned.decisions).toEqual(done.decisions);
    expect(done.decisions).toContainEqual(
      expect.objectContaining({
        object: 'policy "all" on public.things',
        before: 'everyone, including anon: any row',
        after: 'authenticated: rows with (SELECT auth.uid()) = user_id',
      }),
    );
    const log = (await git(directory, 'log', '--reverse', '--format=%s', `${head.trim()}..`)).trim().split('\n');
    expect(log).toEqual([...rulesOf(done).map((rule) => `Fix ${rule}`), 'List the repairs in docs/REPAIRS.md']);
    const repairs = await readFile(join(directory, 'docs/REPAIRS.md'), 'utf8');
    for (const { rule, commit } of done.changes.filter((change) =>
      ['policy-always-true', 'grant-missing'].includes(change.rule),
    ))
      expect(repairs).toContain(`## ${rule}\n\nUndo it: \`git revert ${commit}\`\n`);
    expect(repairs).toContain('| `authenticated` | `select` | `public.things` | `nothing` |');
    expect(await git(directory, 'log', '--format=%b', '--grep=policy-always-true')).toContain(
      'policy "all" on public.things: everyone, including anon: any row -> authenticated',
    );
    expect((await git(directory, 'status', '--porcelain')).split('\n').filter(Boolean).sort()).toEqual([
      '?? notes.txt',
      'AM README.md',
    ]);
    expect(await git(directory, 'show', ':README.md')).toBe('mine, staged');
    // The file is renamed, and its byte order mark and line ends are unchanged.
    expect(await readFile(join(directory, 'scripts/read.js'), 'utf8')).toBe(
      "read('migrations/extensions/003_twin.sql', 'x002_twin.sql');\n",
    );
    expect(await readFile(join(directory, open), 'utf8')).toMatch(
      /^\uFEFF-- Opens\.\r\ncreate table IF NOT EXISTS things [^\n]*\r\n/,
    );

    // The diffs match what was done: patching the old text gives the new one, except for the byte order mark.
    await writeFile(join(copy, open), before[open]!.slice(1));
    for (const [index, { diff = '' }] of planned.changes.entries()) {
      await writeFile(join(copy, `.${index}.patch`), diff);
      await git(copy, 'apply', '--whitespace=nowarn', `.${index}.patch`);
      await rm(join(copy, `.${index}.patch`));
    }
    const after = await snapshot(directory);
    delete after['docs/REPAIRS.md'];
    expect(await snapshot(copy)).toEqual({ ...after, [open]: after[open]!.slice(1) });
    expect((await fix(muse)).changes).toEqual([]);
  });

  it('widens no access without consent, lists it, and says how to agree', async () => {
    const muse = await committed(broken);
    const { access, changes, findings } = await fix(muse, false, false);
    expect(changes.map(({ rule }) => rule)).not.toContain('grant-missing');
    expect(access.widened).toEqual([]);
    expect(access.withheld).toContainEqual(
      expect.objectContaining({
        actor: 'authenticated',
        verb: 'select',
        table: 'public.things',
        before: 'nothing',
        rule: 'grant-missing',
      }),
    );
    expect(findings.map(({ rule }) => rule)).toContain('grant-missing');
    expect(await readFile(join(muse.directory, 'docs/REPAIRS.md'), 'utf8')).toMatch(
      /## Left out\n\n[^\n]*muse lint --fix --allow-widening/,
    );
  });

  const refusals: [string, (directory: string) => Promise<unknown>, string, string][] = [
    [
      'a file that git does not know',
      (directory) => git(directory, 'rm', '--cached', '--quiet', open),
      'uncommitted-changes',
      open,
    ],
    [
      'a changed file',
      (directory) => writeFile(join(directory, open), `${broken[open]}-- more\n`),
      'uncommitted-changes',
      open,
    ],
    [
      'a staged file',
      async (directory) => {
        await writeFile(join(directory, open), `${broken[open]}-- more\n`);
        await git(directory, 'add', '--all');
      },
      'uncommitted-changes',
      open,
    ],
    ['a merge', (directory) => writeFile(join(directory, '.git', 'MERGE_HEAD'), `${'0'.repeat(40)}\n`), 'git-busy', ''],
  ];
  it.each(sampleOf(refusals, 3))('refuses with %s, and changes nothing', async (_, spoil, code, detail) => {
    const { directory } = await committed(broken);
    await spoil(directory);
    const before = [
      await snapshot(directory),
      await git(directory, 'status', '--porcelain').catch(() => ''),
      await git(directory, 'rev-parse', 'HEAD'),
    ];
    const error = await errorOf(fix(await openMuse(directory)));
    expect(error.code).toBe(code);
    expect(error.detail ?? '').toBe(detail);
    expect(error.message).toContain('Nothing was changed');
    expect([
      await snapshot(directory),
      await git(directory, 'status', '--porcelain').catch(() => ''),
      await git(directory, 'rev-parse', 'HEAD'),
    ]).toEqual(before);
  });

  it('fixes a new file in place, keeps what it held, and commits neither it nor its rollback', async () => {
    const fresh = 'migrations/extensions/003_fresh.sql';
    const staged = 'migrations/extensions/004_staged.sql';
    const { [second]: _twin, ...once } = broken;
    const muse = await committed(once);
    const { directory } = muse;
    const [text, other] = ['fresh', 'staged'].map(
      (name) =>
        `-- ${name}.\r\ncreate table ${name} (id uuid primary key);\r\nalter table ${name} enable row level security;\r\n`,
    );
    await addFiles(directory, { [fresh]: text!, [staged]: other! });
    await git(directory, 'add', staged);
    const { changes, kept } = await fix(muse);
    expect(kept).toEqual([
      { file: fresh, copy: `.muse/before-fix/${fresh}` },
      { file: staged, copy: `.muse/before-fix/${staged}` },
    ]);
    for (const [{ file, copy }, was] of [
      [kept[0]!, text],
      [kept[1]!, other],
    ] as const) {
      expect(await readFile(join(directory, copy), 'utf8')).toBe(was);
      expect(await readFile(join(directory, file), 'utf8')).toContain('IF NOT EXISTS');
    }
    expect((await git(directory, 'status', '--porcelain')).split('\n').filter(Boolean).sort()).toEqual([
      '?? migrations/extensions/003_fresh.sql',
      '?? migrations/rollback/extensions/003_fresh.sql',
      '?? migrations/rollback/extensions/004_staged.sql',
      'AM migrations/extensions/004_staged.sql',
    ]);
    // What is committed is fixed in commits as ever.
    expect(await git(directory, 'log', '--format=%s')).toContain('Fix not-idempotent');
    expect(changes.find(({ rule }) => rule === 'not-idempotent')?.commit).toMatch(/^[0-9a-f]{40}$/);

    // Fixed again after another edit: the earlier copy stays.
    await writeFile(join(directory, fresh), text!.replaceAll('fresh', 'newer'));
    expect((await fix(muse)).kept).toEqual([{ file: fresh, copy: `.muse/before-fix/${fresh}.2` }]);
    expect(await readFile(join(directory, kept[0]!.copy), 'utf8')).toBe(text);
  });

  it('edits without commits where there is no repository, or only one that holds other things, and says so', async () => {
    const around = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    onTestFinished(() => rm(around, { recursive: true, force: true }));
    await git(around, 'init', '--quiet');
    const alone = await museOnDisk(broken);
    await cp(alone.directory, join(around, 'muse'), { recursive: true });
    for (const muse of [alone, await openMuse(join(around, 'muse'))]) {
      const { changes, notes } = await fix(muse);
      expect(changes.every(({ commit }) => commit === undefined)).toBe(true);
      expect(notes).toContainEqual(expect.stringContaining('nothing was committed'));
      expect(await readFile(join(muse.directory, open), 'utf8')).toContain('IF NOT EXISTS things');
    }
    expect(await git(around, 'status', '--porcelain')).toBe('?? muse/\n');
  });

  it('reports what it did, as text in 80 columns and as JSON, and exits with 3 if errors remain', async () => {
    const muse = await committed({
      ...broken,
      'migrations/extensions/004_wrong.sql': '-- Wrong.\nselect from where;\n',
    });
    const plan = await museCommand(['lint', '--fix', '--dry-run'], { cwd: muse.directory });
    expect(plan.code).toBe(3);
    expect(plan.stdout).toContain('+++ b/migrations/extensions/002_open.sql');
    expect(
      plan.stdout.split('\n').filter((line) => line.length > 80 && !/^(?:[ +-]|diff |rename )/.test(line)),
    ).toEqual([]);
    const done = await museCommand(['lint', '--fix', '--json'], { cwd: muse.directory });
    const json = JSON.parse(done.stdout) as {
      ok: boolean;
      changes: { rule: string; commit: string }[];
      decisions: unknown[];
      findings: { rule: string }[];
      error: { code: string };
    };
    expect(done.code).toBe(3);
    expect(json).toMatchObject({ ok: false, dryRun: false, error: { code: 'findings' } });
    expect(json.changes[0]).toMatchObject({
      rule: 'duplicate-number',
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(json.decisions.length).toBeGreaterThan(0);
    expect(json.findings).toContainEqual(
      expect.objectContaining({ rule: 'syntax-error', file: 'migrations/extensions/004_wrong.sql', line: 2 }),
    );
    for (const flags of [['--dry-run'], ['--fix', '--format', 'sarif']])
      expect((await museCommand(['lint', ...flags], { cwd: muse.directory })).code).toBe(2);
  });
});

describe('applied files', { timeout: 180_000 }, () => {
  /** A muse whose files are applied in the environment although a rehearsal would have refused them. */
  async function applied(
    files: Readonly<Record<string, string>>,
    kind: 'embedded' | 'native' | 'supabase',
  ): Promise<Muse> {
    const urls = kind === 'native' ? { staging: (await nativeDatabase(native, 'fixed')).url } : {};
    const muse = await committed(
      kind === 'supabase' ? { ...files, '.env.staging.local': 'SUPABASE_DB_PASSWORD=of-the-project\n' } : files,
      urls,
    );
    if (kind === 'supabase') {
      muse.museFile.environments.staging = {
        target: 'supabase',
        ref: fakeApi.addProject({ password: 'of-the-project' }).ref,
      };
      await writeFile(join(muse.directory, 'muse.json'), JSON.stringify(muse.museFile));
    }
    const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations);
    const { database } = await openEnvironment(muse, kind === 'embedded' ? 'development' : 'staging', fakeApi.env);
    await migrate(database, migrations).finally(() => database.close());
    return muse;
  }

  it.each(sampleOf(['supabase', 'embedded', 'native'] as const, 3))(
    'are never edited: a new migration of the layer fixes them, and runs (%s)',
    async (kind) => {
      const own =
        '-- Ours\ncreate table if not exists ours (id uuid primary key, user_id uuid references auth.users (id));\nalter table ours enable row level security;\ndrop policy if exists w on ours;\ncreate policy w on ours for update using (true);\n';
      const muse = await applied({ [core]: things, 'migrations/extensions/001_ours.sql': own }, kind);
      const done = await fix(muse);
      expect(errorsOf(done)).toEqual([]);
      expect(
        await git(muse.directory, 'diff', '--stat', 'HEAD~1', '--', core, 'migrations/extensions/001_ours.sql'),
      ).toBe('');
      expect(await readFile(join(muse.directory, core), 'utf8')).toBe(things);
      const coreRepair = await readFile(join(muse.directory, 'migrations/core/002_repair.sql'), 'utf8');
      expect(coreRepair).toContain('ALTER POLICY own ON public.things TO authenticated;');
      expect(coreRepair).toContain('ALTER POLICY own ON public.things using ((select auth.uid()) = user_id);');
      expect(coreRepair).toMatch(
        /ALTER POLICY shown ON public\.things using \(id = ANY \(\(SELECT private\.shown\(\)\)::uuid\[\]\)\);/,
      );
      expect(coreRepair).toContain('ALTER FUNCTION public.count_things() SET search_path');
      expect(coreRepair).not.toContain('ours');
      const ourRepair = await readFile(join(muse.directory, 'migrations/extensions/002_repair.sql'), 'utf8');
      expect(ourRepair).toContain('ALTER POLICY w ON public.ours USING ((SELECT auth.uid()) = user_id);');
      const name = kind === 'embedded' ? 'development' : 'staging';
      expect((await migrateMuse(muse, name, fakeApi.env, unrehearsed)).applied.map(({ file }) => file)).toEqual([
        'migrations/core/002_repair.sql',
        'migrations/extensions/002_repair.sql',
      ]);
      expect(await museStatus(muse, name, fakeApi.env)).toMatchObject({ pending: [], edited: [], missing: [] });
      expect((await fix(muse)).changes).toEqual([]);
    },
  );

  it('do not prevent edits of pending files, whichever environment has the others', async () => {
    const muse = await applied({ [core]: things }, 'native');
    await addFiles(muse.directory, {
      'migrations/core/002_late.sql':
        '-- Late\ncreate table late (id uuid primary key, team_id uuid references organizations (id));\n',
    });
    await git(muse.directory, 'add', '--all');
    await git(muse.directory, 'commit', '--quiet', '-m', 'Late');
    const done = await fix(muse);
    expect(errorsOf(done)).toEqual([]);
    expect(await readFile(join(muse.directory, core), 'utf8')).toBe(things);
    const late = await readFile(join(muse.directory, 'migrations/core/002_late.sql'), 'utf8');
    // A missing table is created after the applied files: before them, it would never run.
    expect(late).toMatch(/create table if not exists public\.organizations[^]*create table IF NOT EXISTS late/);
    expect(
      (await migrateMuse(muse, 'staging', {}, unrehearsed)).notes.filter((note) => note.includes('out of order')),
    ).toEqual([]);
  });

  it('are unknown if an environment cannot be reached, which is reported', async () => {
    const muse = await committed(broken, { production: 'postgres://nobody:hidden-password@127.0.0.1:1/none' });
    const { notes } = await fix(muse, true);
    expect(notes).toContainEqual(expect.stringMatching(/^The migration history of production could not be read: /));
    expect(notes.join()).not.toContain('hidden-password');
  });
});
