/** The end of a run that made a product: what is installed and started. npm is one that notes what it is asked for. */
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commit, put, smallKit } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse } from '../support/cli-in-process.ts';
import { hasTerminal, openTerminal } from '../support/terminal.ts';
import { bin } from './interrupted.ts';

/** A directory with an `npm` of its own. */
async function withNpm(script = 'exit 0'): Promise<{ cwd: string; env: { PATH: string }; calls: () => string[] }> {
  const cwd = realpathSync(await temporaryDirectory());
  const [folder, notes] = [join(cwd, 'bin'), join(cwd, 'calls')];
  mkdirSync(folder);
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho "$PWD $*" >> '${notes}'\n${script}\n`);
  chmodSync(join(folder, 'npm'), 0o755);
  return {
    cwd,
    env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
    calls: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n').sort() : []),
  };
}

/** A kit with an app: what is installed and started is that of the product, whatever it is. */
function kitWithApp(): string {
  const kit = smallKit();
  put(kit, {
    'package.json': '{ "name": "kit", "scripts": { "dev": "muse dev -- npm run dev --prefix app" } }\n',
    'app/package.json': '{ "name": "app", "scripts": { "dev": "vite" } }\n',
  });
  commit(kit);
  return kit;
}

const install = 'install --no-audit --no-fund';
const quick = ['shop', '--no-git', '--no-verify'];

describe.skipIf(process.platform === 'win32')('create-muse --start', () => {
  it('installs the product and its app, and starts both', async () => {
    const { cwd, env, calls } = await withNpm();
    const { code, stdout } = await createMuse([...quick, '--yes', '--start'], { cwd, env });
    expect(code, stdout).toBe(0);
    const [directory, app] = [join(cwd, 'shop'), join(cwd, 'shop', 'app')];
    expect(calls()).toEqual([`${app} ${install}`, `${directory} ${install}`, `${directory} run dev`].sort());
    expect(stdout).toContain('shop is ready in ./shop');
  });

  it('says that there is nothing to start, where the kit has no app', async () => {
    const { cwd, env, calls } = await withNpm();
    const { code, stdout } = await createMuse([...quick, '--yes', '--start', '--kit', smallKit()], { cwd, env });
    expect([code, stdout]).toEqual([0, expect.stringContaining('Nothing was started')]);
    expect(calls()).toEqual([`${join(cwd, 'shop')} ${install}`]);
  });

  it.each(['--json', '--dry-run'])('is refused with %s', async (flag) => {
    const { code, stderr, stdout } = await createMuse([...quick, '--yes', '--start', flag], { cwd: '.' });
    expect(code).toBe(2);
    expect(stdout + stderr).toContain('cannot be combined');
  });
});

describe.skipIf(!hasTerminal)('at the end of a run in a terminal', () => {
  it.each<[string, string, string[], number]>([
    ['n', 'no: nothing is installed', [], 0],
    ['y', 'yes: both are installed and started', [`app ${install}`, ` ${install}`, ' run dev'], 0],
  ])('%s means %s', async (key, _title, expected, code) => {
    const { cwd, env, calls } = await withNpm();
    const argv = [process.execPath, join(bin, 'create-muse.js'), ...quick, '--preset', 'blank', '--kit', kitWithApp()];
    const terminal = openTerminal(argv, { cwd, env: { ...env, CI: undefined } });
    await terminal.shows((text) => text.includes('Continue?') || text.includes('Create it?'));
    terminal.type('\r');
    await terminal.shows((text) => text.includes('Install and start now?'));
    terminal.type(`${key}\r`);
    expect(await terminal.ended, terminal.text()).toBe(code);
    const directory = join(cwd, 'shop');
    const wanted = expected.map((call) => (call.startsWith(' ') ? `${directory}${call}` : `${directory}/${call}`));
    expect(calls()).toEqual(wanted.sort());
  });
});
