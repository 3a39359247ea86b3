import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames, loadCommand } from '../../src/cli/muse-command.ts';
import * as api from '../../src/index.ts';
import { node } from '../support/cli.ts';
import { smallKit } from '../kit/repository.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles } from '../muse/muse-on-disk.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { isWhole } from '../support/sample.ts';
import { type Native, startNative } from '../support/native.ts';
import { compilePage, readExamples } from './page.ts';

let fakeApi: FakeApi;
let native: Native;
let directory: string;
let page: string;
let env: Record<string, string | undefined>;
beforeAll(async () => {
  [fakeApi, native] = await Promise.all([openFakeApi(), startNative()]);
  fakeApi.conditions.upAtOnce = true;
  directory = await mkdtemp(join(tmpdir(), 'create-muse-api-'));
  // The commands that make a muse of the built-in kit are tested with it.
  page = compilePage(directory, isWhole ? undefined : smallKit());
  env = {
    ...fakeApi.env,
    SUPABASE_PROFILE: await fakeApi.writeProfile(directory),
    CREATE_MUSE_PORTFOLIO: join(directory, 'data'),
  };
});
afterAll(async () => {
  await Promise.all([fakeApi.close(), native.stop()]);
  await rm(directory, { recursive: true, force: true });
});

/** Runs examples and returns everything that is printed. */
const run = (...headings: string[]): Promise<string> => runIn(directory, ...headings);

async function runIn(cwd: string, ...headings: string[]): Promise<string> {
  const { code, stdout, stderr } = await node(page, headings, { cwd, env });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** A folder with a muse of one table: what a portfolio, or a project, is to it is the same. */
async function smallMuse(name: string): Promise<string> {
  const folder = join(directory, name);
  const { museFile } = await museOnDisk({});
  await addFiles(join(folder, 'realtymuse'), {
    ...tableFiles('001', 'homes'),
    'muse.json': JSON.stringify({ ...museFile, name: 'realtymuse' }),
  });
  return folder;
}

describe('docs/api.md', () => {
  const methods = Object.getOwnPropertyNames(api.Muse.prototype).filter(
    (name) => !['constructor', 'museFile'].includes(name),
  );
  const ofPortfolio = Object.getOwnPropertyNames(api.Portfolio.prototype).filter(
    (name) => !['constructor', 'close'].includes(name),
  );

  it('has an example of every function and method', () => {
    const calls = [
      'createMuse',
      'planMuse',
      'resumeMuse',
      'openMuse',
      'openPortfolio',
      'startDev',
      ...methods.map((name) => `muse.${name}`),
      ...ofPortfolio.map((name) => `portfolio.${name}`),
    ];
    expect([...readExamples().examples.keys()].sort()).toEqual(
      ['Errors', 'Progress and cancellation', ...calls].sort(),
    );
  });

  it('has a method for every command', async () => {
    // A portfolio and `muse dev` are functions of their own, and the others are for a terminal alone.
    const programs = ['completion', 'help', 'version', 'portfolio', 'dev', 'psql'];
    expect(commandNames().filter((name) => !programs.includes(name) && !methods.includes(name))).toEqual([]);
    const { subcommands = {} } = await loadCommand('portfolio');
    expect(Object.keys(subcommands).filter((name) => !ofPortfolio.includes(name))).toEqual([]);
  });

  // One muse, from its creation on: most examples build on the previous ones.
  it('creates', async () => {
    expect(await run('planMuse')).toContain('migrations/extensions/001_realtymuse_tables.sql');
    expect(await run('createMuse', 'openMuse')).toContain(join(directory, 'realtymuse'));
  });

  it('migrates staging and rolls back', async () => {
    const muse = await api.openMuse(join(directory, 'realtymuse'));
    const { url } = await nativeDatabase(native, 'api');
    const museFile = {
      ...muse.museFile,
      environments: { ...muse.museFile.environments, staging: { target: 'postgres' } },
    };
    await writeFile(join(muse.directory, 'muse.json'), JSON.stringify(museFile));
    await writeFile(join(muse.directory, '.env.staging.local'), `DATABASE_URL=${url}\n`);
    expect(await run('muse.status')).toMatch(/^development 0 pending\nstaging \d+ pending\n$/);
    expect(await run('muse.new')).toContain('migrations/extensions/002_price_history.sql');
    expect(await run('muse.migrate')).toMatch(
      new RegExp(
        `^Rehearsing on a shadow database\\n1/${isWhole ? 22 : 3} migrations/core/[^]*\\nActing as users on what the files change\\n` +
          '[^]*002_price_history\\.sql: \\d+ ms',
      ),
    );
    expect(await run('muse.rollback')).toContain('002_price_history.sql');
  });

  it('checks', async () => {
    expect(await run('muse.lint', 'muse.fix', 'muse.rehearse', 'muse.docs')).toMatch(/\d+ files can be applied/);
    expect(await readFile(join(directory, 'realtymuse', 'README.md'), 'utf8')).toContain('price_changes');
  });

  // What a portfolio does is tested in test/portfolio.
  it.runIf(isWhole)('works on a portfolio', async () => {
    const folder = await smallMuse('products');
    await addFiles(folder, { 'new-muses.yaml': 'muses: [{ name: sociomuse, preset: social }]\n' });
    const calls = [
      'add',
      'list',
      'migrate',
      'runs',
      'verify',
      'status',
      'page',
      'audit',
      'provision',
      'work',
      'cancel',
    ];
    const printed = await runIn(
      folder,
      'openPortfolio',
      ...[...calls, 'archive', 'unarchive'].map((name) => `portfolio.${name}`),
    );
    for (const words of [
      'realtymuse created',
      'migrate-1 done',
      'realtymuse: isolated',
      'realtymuse development 0 0 yes',
      'sociomuse waiting',
      'nothing to cancel',
    ])
      expect(printed).toContain(words);
  });

  it('recreates development, and ends a canceled run', async () => {
    expect(await run('Progress and cancellation')).toBe('cancelled\n');
    expect(await run('muse.reset', 'muse.verify')).toMatch(/\d+ proven, 0 not proven/);
  });

  it('seeds, backs up and restores', async () => {
    expect(await run('muse.seed', 'muse.backup', 'muse.restore')).toContain(
      join(directory, 'realtymuse', '.muse', 'backups', 'development-'),
    );
  });

  it('explains an error', async () => {
    expect(await run('Errors')).toContain('production');
  });

  it('serves the database', async () => {
    expect(await run('startDev')).toMatch(/^http:\/\/127\.0\.0\.1:\d+ sb_publishable_/);
  });

  // As by the command in test/create/supabase.test.ts.
  it.runIf(isWhole)('creates a Supabase project, continues where that stopped, and deletes it', async () => {
    const folder = await smallMuse('provisioned');
    expect(await runIn(folder, 'muse.provision', 'muse.destroy')).toContain('true');
    fakeApi.conditions.upAtOnce = false;
    const muse = await api.openMuse(join(folder, 'realtymuse'));
    const supabase = { organization: 'acme', region: 'eu-central-1', waitTimeout: 0.5 };
    await expect(
      muse.provision({ env: 'production', supabase, environment: { ...process.env, ...env } }),
    ).rejects.toMatchObject({ code: 'wait-timeout' });
    fakeApi.conditions.upAtOnce = true;
    expect(await runIn(folder, 'resumeMuse')).toContain("id: 'project', status: 'skipped'");
  });
});
