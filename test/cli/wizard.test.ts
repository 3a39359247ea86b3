import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPresets } from '../../src/scaffold/presets.ts';
import { git, put, smallKit } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { type Native, startNative } from '../support/native.ts';
import { sampleOf } from '../support/sample.ts';
import { hasTerminal, openTerminal } from '../support/terminal.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'create-muse.js');
const [enter, escape, down] = ['\r', '\u001B', '\u001B[B'];

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** A wizard in a terminal: each step waits for words that were not shown before, then types. */
function wizard(cwd: string, columns: number, env: Record<string, string | undefined> = {}, args: string[] = []) {
  const terminal = openTerminal([process.execPath, program, ...args], { cwd, columns, env: { HOME: cwd, ...env } });
  let seen = 0;
  return {
    terminal,
    async step(words: string, keys: string): Promise<void> {
      // However the terminal broke the lines.
      const flat = (text: string): string => text.slice(seen).replaceAll(/\s+/g, ' ');
      await terminal.shows((text) => flat(text).includes(words));
      seen = terminal.text().length;
      terminal.type(keys);
    },
  };
}

describe.skipIf(!hasTerminal).each(sampleOf([60, 80, 120], 2))('the wizard in %d columns', (columns) => {
  it('checks each answer, goes back on Esc, keeps answers, and ends with the command that repeats it', async () => {
    const cwd = await temporaryDirectory();
    put(join(cwd, 'kit'), { 'migrations/core/001_a.sql': '-- A.\nselect 1;\n' });
    git(cwd, 'init', '--quiet', '--initial-branch=main', 'kit');
    git(join(cwd, 'kit'), 'add', '--all');
    git(join(cwd, 'kit'), 'commit', '--quiet', '--message=Kit');
    await mkdir(join(cwd, 'taken', 'sub'), { recursive: true });
    const { terminal, step } = wizard(cwd, columns);

    await step('Product name, e.g. realtymuse:', `My Muse${enter}`);
    await step('Try my-muse', `${'\u007F'.repeat(7)}taken${enter}`);
    await step('exists and is not empty', `${'\u007F'.repeat(5)}realtymuse${enter}`);
    await step('Kit:', `${down}${enter}`);
    await step('Repository or path, e.g. owner/repo', `./nowhere${enter}`);
    await step('does not exist', `${'\u007F'.repeat(9)}./kit${enter}`);
    await step('Presets', ` ${enter}`);
    await step('A table to add', `notes${enter}`);
    await step('colon', `: title text!${enter}`);
    await step('Another table', enter);
    await step('Database:', escape);
    // Back at the tables: the first is there again, to be kept.
    await step('A table to add', enter);
    await step('Another table', enter);
    await step('Database:', enter);
    await step('Table prefix, e.g. kv_', `9Bad${enter}`);
    await step('cannot be a prefix', escape);
    await step('Database:', enter);
    await step('Table prefix', `kv_${enter}`);
    await step('Continue?', `n${enter}`);
    expect(await terminal.ended).toBe(130);

    const text = terminal.text();
    const [first] = (await listPresets()).filter(({ id }) => id !== 'blank');
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`${first!.id} `);
    expect(text).toContain(first!.title.slice(0, 20));
    const flat = text.replaceAll(/\s+/g, ' ');
    expect(flat).toContain(
      `create-muse realtymuse --kit ./kit --preset ${first!.id} --table 'notes: title text!' --prefix kv_ --yes`,
    );
    expect((await readdir(cwd)).sort()).toEqual(['kit', 'taken']);
  }, 60_000);
});

describe.skipIf(!hasTerminal)('what a question knows', () => {
  it('Supabase cannot be chosen without a token, a URL is connected to, and no password is shown', async () => {
    const cwd = await temporaryDirectory();
    const url = await native.createDatabase('wizard');
    const { terminal, step } = wizard(cwd, 80, { SUPABASE_ACCESS_TOKEN: undefined }, ['product', '--prefix', 'kv_']);
    await step('Kit:', enter);
    await step('Presets', enter);
    await step('A table to add', enter);
    await step('set SUPABASE_ACCESS_TOKEN first', `${down}${enter}`);
    await step('Database URL, e.g.', `postgres://ada:hunter2@127.0.0.1:1/none${enter}`);
    await step('refuses the connection', `${'\u007F'.repeat(60)}${url}${enter}`);
    await step('The server is a plain one', enter);
    await step('Continue?', `n${enter}`);
    expect(await terminal.ended).toBe(130);
    const flat = terminal.text().replaceAll(/\s+/g, ' ');
    expect(flat).toContain(
      'Without questions, with DATABASE_URL set: create-muse product --prefix kv_ --target postgres --supabase-baseline --yes',
    );
    expect(terminal.text()).not.toContain('hunter2');
    expect(terminal.text()).not.toContain(url);
  }, 60_000);

  it('with a token, the organizations and regions are those that it can use', async () => {
    const fakeApi = await openFakeApi();
    fakeApi.state.organizations.unshift({ slug: 'labs', name: 'Labs', plan: 'free' });
    try {
      const cwd = await temporaryDirectory();
      const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
      const { terminal, step } = wizard(cwd, 80, env, ['product', '--prefix', 'kv_']);
      await step('Kit:', enter);
      await step('Presets', enter);
      await step('A table to add', enter);
      await step('Database:', `${down}${down}${enter}`);
      await step('Organization:', `${down}${enter}`);
      await step('Region:', enter);
      await step('Email of the first admin', `nobody${enter}`);
      await step('Write it as', `${'\u007F'.repeat(6)}ada@example.com${enter}`);
      await step('Continue?', `n${enter}`);
      expect(await terminal.ended).toBe(130);
      const flat = terminal.text().replaceAll(/\s+/g, ' ');
      expect(flat).toMatch(/--org acme --region [a-z\d-]+ --admin-email ada@example\.com --yes/);
      expect(fakeApi.state.projects.size).toBe(0);
    } finally {
      await fakeApi.close();
    }
  }, 60_000);

  it('muse new asks for what it adds', async () => {
    const cwd = await temporaryDirectory();
    const kit = ['--kit', smallKit(), '--table', 'notes: title text!, owner user'];
    await createMuse(['product', '--yes', '--quiet', '--no-verify', ...kit], { cwd });
    const terminal = openTerminal([process.execPath, join(import.meta.dirname, '..', '..', 'bin', 'muse.js'), 'new'], {
      cwd: join(cwd, 'product'),
    });
    await terminal.shows((text) => text.includes('What does it add'));
    terminal.type(`price history${enter}`);
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).toContain('migrations/extensions/002_price_history.sql');
  }, 60_000);
});

describe('a prefix that no table can have', () => {
  it.each(['9Bad', 'a b_', 'x'.repeat(40), '-'])('%s is refused by the flag', async (prefix) => {
    const { code, stderr } = await createMuse(['product', `--prefix=${prefix}`, '--yes'], {
      cwd: await temporaryDirectory(),
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining('a prefix')]);
  });

  it('is refused in muse.json', async () => {
    const cwd = await temporaryDirectory();
    put(cwd, { 'muse.json': JSON.stringify({ prefix: '9Bad' }) });
    const { stderr } = await muse(['status'], { cwd });
    expect(stderr).toContain('"9Bad" cannot be a prefix');
  });
});
