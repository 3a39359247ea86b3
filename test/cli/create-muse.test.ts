import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { smallKit } from '../kit/repository.ts';
import { createMuse as createMuseProgram, muse as museProgram, snapshot, temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';

const run = promisify(execFile);

describe('create-muse realtymuse --yes --preset realty', () => {
  it('creates a muse with a migrated, checked database and a git history', async () => {
    const cwd = await temporaryDirectory();
    // The built-in kit with all presets is proven in test/verify/mutation.test.ts, the last line of a creation in test/create/proof.test.ts.
    const args = ['realtymuse', '--yes', '--preset', 'realty', ...(isWhole ? [] : ['--no-verify'])];
    const { code, stdout, stderr } = await createMuseProgram(args, { cwd });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    for (const word of ['realtymuse is ready', 'mls_listings', 'property_alerts', 'showings', 'Proven:', 'Next:'])
      expect(stdout).toContain(word);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);

    const directory = join(cwd, 'realtymuse');
    const files = await snapshot(directory);
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining([
        'muse.json',
        'README.md',
        'package.json',
        '.gitignore',
        'migrations/extensions/001_realtymuse_tables.sql',
        'migrations/rollback/extensions/001_realtymuse_tables.sql',
      ]),
    );
    expect(JSON.parse(files['package.json'] ?? '')).toMatchObject({ name: 'realtymuse' });
    expect(files['README.md']).toContain('mls_listings');
    if (process.platform !== 'win32') expect((await stat(join(directory, '.env.local'))).mode & 0o777).toBe(0o600);

    const log = await run('git', ['log', '--format=%s', 'main'], { cwd: directory });
    expect(log.stdout.trim().split('\n')).toEqual(['Create realtymuse', 'Take the kit']);
    const tracked = await run('git', ['ls-files'], { cwd: directory });
    expect(tracked.stdout).not.toContain('.env.local');
    expect(tracked.stdout).not.toContain('.muse');
    expect((await run('git', ['status', '--porcelain'], { cwd: directory })).stdout).toBe('');

    const status = JSON.parse((await museProgram(['status', '--json'], { cwd: directory })).stdout) as {
      environments: Record<string, unknown[]>[];
    };
    expect(status.environments[0]).toMatchObject({
      name: 'development',
      target: 'embedded',
      pending: [],
      edited: [],
      missing: [],
    });
    expect(status.environments[0]?.['applied']?.length).toBeGreaterThan(5);
  });

  it('leaves out a module, without a gap in the numbers, and says so in muse.json', async () => {
    const cwd = await temporaryDirectory();
    const { code, stdout } = await createMuse(['quietmuse', '--without', 'social', '--no-verify', '--json', '--yes'], {
      cwd,
    });
    expect(code, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, findings: [] });
    const directory = join(cwd, 'quietmuse');
    const files = await snapshot(directory);
    expect(JSON.parse(files['muse.json']!)).toMatchObject({ without: ['social'] });
    expect(Object.keys(files).filter((name) => name.includes('social'))).toEqual([]);
    expect(files['migrations/README.md']).not.toContain('| `020_social`');
    expect(files['config/muse.config.json']).toContain('"socialScheduler": false');
    expect((await muse(['lint'], { cwd: directory })).code).toBe(0);
    expect((await muse(['seed'], { cwd: directory })).code).toBe(0);
  });

  it('prints one JSON object and nothing else with --json', async () => {
    const cwd = await temporaryDirectory();
    const kit = smallKit();
    const args = ['realtymuse', '--json', '--preset', 'blank', '--no-verify', '--kit', kit];
    const { code, stdout } = await createMuse(args, { cwd });
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      ok: true,
      command: 'create-muse',
      name: 'realtymuse',
      directory: join(cwd, 'realtymuse'),
      kit: { source: kit, layout: 'musekit' },
      target: { kind: 'embedded' },
      migrations: { skipped: [] },
    });
    expect(report['steps']).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: 'rehearse', status: 'done' })]),
    );
  });
});

const unreachable = ['--kit', 'https://127.0.0.1:1/owner/kit.git'];

describe('wrong calls', () => {
  it.each([
    [['--yes'], 'The name of the product is missing'],
    [['My Muse', '--yes'], 'my-muse'],
    [['../up', '--yes'], 'cannot be the name'],
    [['a', 'b', '--yes'], 'takes one name'],
    [['realtymuse', '--persets', 'realty'], 'Did you mean --preset?'],
    [['realtymuse', '--yes', '--preset', 'reality'], 'Did you mean --preset realty?'],
    [['realtymuse', '--yes', '--without', 'sozial'], 'no module "sozial"'],
    [
      ['realtymuse', '--yes', '--without', 'social', '--preset', 'social'],
      'preset social needs public.social_posts, which --without social leaves out',
    ],
    [
      ['realtymuse', '--yes', '--without', 'social', ...unreachable],
      '--without leaves out a module of the built-in kit',
    ],
    [['realtymuse', '--yes', '--table', 'x y z'], ''],
    [['realtymuse', '--yes', '--kit', 'ext::sh -c id'], 'would run a program'],
    [['realtymuse', '--yes', '--kit', '--upload-pack=id'], ''],
    [['realtymuse', '--yes', '--target', 'postgres'], 'DATABASE_URL'],
    [['realtymuse', '--yes', '--prefix', '9Bad'], 'Use e.g. --prefix bad'],
    [['realtymuse', '--git', '--no-git'], 'cannot be combined'],
    [['realtymuse', '--resume', '--dry-run'], 'cannot be combined'],
    [['.', '--dir', 'there'], '--dir names another one'],
    // Nothing is fetched for these: the kit cannot be reached.
    [['realtymuse', '--yes', '--spec', 'none.yaml', ...unreachable], 'none.yaml does not exist'],
    [['realtymuse', '--yes', '--table', 'a: b text', '--table', 'a: c text', ...unreachable], 'two tables "a"'],
    [['realtymuse', '--yes', '--preset', 'realty', '--table', 'showings: a text', ...unreachable], 'two tables'],
  ])('%j exits with 2 and touches nothing', async (args, words) => {
    const cwd = await temporaryDirectory();
    const { code, stdout, stderr } = await createMuse(args, { cwd });
    expect(stderr).toContain(words);
    expect(stderr).toContain('→');
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(await readdir(cwd)).toEqual([]);
  });
});

describe('an occupied directory', () => {
  it.each([
    ['a file', async (path: string) => writeFile(path, 'mine')],
    [
      'a directory that is not empty',
      async (path: string) => {
        await mkdir(path);
        await writeFile(join(path, 'mine.txt'), 'mine');
      },
    ],
  ])('%s is refused and stays unchanged', async (_, make) => {
    const cwd = await temporaryDirectory();
    const path = join(cwd, 'realtymuse');
    await make(path);
    const { code, stderr } = await createMuse(['realtymuse', '--yes'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('--dir');
    const kept = (await stat(path)).isFile() ? path : join(path, 'mine.txt');
    expect(await readFile(kept, 'utf8')).toBe('mine');
  });

  it('this one, with nothing but a repository in it, is named after itself', async () => {
    const directory = join(await temporaryDirectory(), 'my-app');
    await mkdir(directory);
    await run('git', ['init', '--quiet'], { cwd: directory });
    const { code, stdout } = await createMuse(['.', '--yes', '--no-verify'], { cwd: directory });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Next:\n {2}npm install\n {2}npx muse status\n {2}npx muse verify\n {2}npm install --prefix app\n {2}npm run dev\n/,
    );
    expect(JSON.parse(await readFile(join(directory, 'muse.json'), 'utf8'))).toMatchObject({ name: 'my-app' });
    expect((await run('git', ['log', '--format=%s'], { cwd: directory })).stdout).toBe('Create my-app\nTake the kit\n');
  });

  it("one whose name cannot be the product's is refused, with the command that names it", async () => {
    const directory = join(await temporaryDirectory(), 'My App');
    await mkdir(directory);
    const { code, stderr } = await createMuse(['.', '--yes'], { cwd: directory });
    expect(code).toBe(2);
    expect(stderr).toContain(`create-muse my-app --dir '${directory}'`);
    expect(await readdir(directory)).toEqual([]);
  });

  it('an empty one is accepted', async () => {
    const cwd = await temporaryDirectory();
    await mkdir(join(cwd, 'realtymuse'));
    const args = ['realtymuse', '--yes', '--no-verify', '--kit', smallKit()];
    expect((await createMuse(args, { cwd })).code).toBe(0);
  });
});

describe('--dry-run', () => {
  it('prints steps, SQL and files, and touches nothing', async () => {
    const cwd = await temporaryDirectory();
    // A read-only home directory has no cache.
    const env = { CREATE_MUSE_CACHE: join(process.execPath, 'no-directory') };
    const args = ['realtymuse', '--yes', '--preset', 'deliverables', '--no-verify', '--dry-run', '--kit', smallKit()];
    const { code, stdout } = await createMuse(args, { cwd, env });
    expect(code).toBe(0);
    for (const word of ['Rehearse', 'migrations/core/001', 'extensions/001_realtymuse_tables.sql', 'muse.json'])
      expect(stdout).toContain(word);
    expect(await readdir(cwd)).toEqual([]);
  });
});

describe('Ctrl-C', () => {
  it.each(['Fetch the kit', 'Scaffold the extension'])('after "%s" ends with 130 and leaves nothing', async (title) => {
    const interrupted = async (): Promise<{ cwd: string; code: number | null; stdout: string; stderr: string }> => {
      const cwd = await temporaryDirectory();
      let pressed = false;
      const ended = await createMuseProgram(['realtymuse', '--yes'], {
        cwd,
        onOutput: (text, kill) => {
          if (pressed || !text.includes(title)) return;
          pressed = true;
          kill('SIGINT');
        },
      });
      return { cwd, ...ended };
    };
    let last = await interrupted();
    // On a busy machine the key may be pressed when the product is in place already, where it stays to be continued.
    for (let again = 0; again < 3 && last.stdout.includes('✓ Move into place'); again++) last = await interrupted();
    expect(last.stderr).toContain('Cancelled');
    expect(last.code).toBe(130);
    expect(await readdir(last.cwd)).toEqual([]);
  });
});
