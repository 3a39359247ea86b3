import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed } from 'vitest';
import { parseEnvironment } from '../../src/kit/environment-file.ts';
import { museOnDisk } from '../muse/muse-on-disk.ts';
import { muse } from '../support/cli.ts';
import { muse as museHere } from '../support/cli-in-process.ts';
import { sampleOf } from '../support/sample.ts';
import { hasTerminal, openTerminal, type Terminal } from '../support/terminal.ts';
import { bareNodeMs, bin, signals } from './interrupted.ts';

const serve = (cwd: string, ...flags: string[]): Terminal =>
  openTerminal([process.execPath, join(bin, 'muse.js'), 'dev', '--port', '0', '--db-port', '0', ...flags], {
    cwd,
    stdoutToFile: flags.includes('--json'),
  });

describe.skipIf(!hasTerminal)('muse dev', () => {
  it.each(sampleOf(Object.keys(signals), 2))('serves until %s, and ends within a second', async (signal) => {
    const { directory } = await museOnDisk({ 'app/.env.example': 'VITE_SUPABASE_URL=\n' });
    const terminal = serve(directory, '--json');
    onTestFailed(() => terminal.kill('SIGKILL'));
    await terminal.shows((text) => text.includes('Database'));
    expect(terminal.text()).toMatch(
      /Ready in [\d.]+ s\s+API\s+http:\S+ {2}\(keys in \.env\.local, app\/\.env\.local\)\s+Database\s+postgresql:/,
    );
    const second = await muse(['dev', '--json'], { cwd: directory });
    expect(second.code, second.stderr).toBe(0);
    const { url, ...attached } = JSON.parse(second.stdout) as { url: string };
    expect(attached).toMatchObject({ ok: true, attached: true });
    const { NEXT_PUBLIC_SUPABASE_ANON_KEY: apikey = '', SUPABASE_SERVICE_ROLE_KEY: secret = '' } = parseEnvironment(
      readFileSync(join(directory, '.env.local'), 'utf8'),
    );
    expect(second.stdout).not.toContain(secret);
    expect((await fetch(`${url}/auth/v1/health`, { headers: { apikey } })).status).toBe(200);

    const [bareMs, sent] = [await bareNodeMs(), performance.now()];
    signals[signal]!(terminal);
    expect(await terminal.ended, terminal.text()).toBe(130);
    expect(terminal.endedAt()! - sent).toBeLessThan(1000 + 5 * bareMs);
    expect(JSON.parse(terminal.stdout())).toMatchObject({
      ok: true,
      command: 'muse dev',
      environment: 'development',
      target: { kind: 'embedded' },
      url,
      databaseUrl: expect.stringMatching(/^postgresql:\/\/postgres:…@127\.0\.0\.1:\d+\/postgres$/),
    });
    const { databasePassword } = JSON.parse(readFileSync(join(directory, '.muse', 'dev-development.json'), 'utf8')) as {
      databasePassword: string;
    };
    for (const text of [terminal.text(), terminal.stdout(), second.stdout])
      for (const one of [databasePassword, secret]) expect(text).not.toContain(one);
    expect((await muse(['status'], { cwd: directory })).code).toBe(0);
  });

  const commands: [string, string[], number, string][] = [
    ['its exit code', [process.execPath, '-e', 'process.exit(7)'], 7, ''],
    ['success', [process.execPath, '-e', 'console.log("hello")'], 0, 'hello'],
    ['a program that is not there', ['not/there'], 1, 'There is no program not/there: is it installed?'],
  ];
  it.each(sampleOf(commands, 2))(
    'runs a command beside the server, and ends with it: %s',
    async (_title, command, code, text) => {
      const { directory } = await museOnDisk({});
      const words = ['dev', '--port', '0', '--db-port', '0', '--', ...command];
      const ended = await muse(words, { cwd: directory });
      expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([code, expect.stringContaining(text)]);
    },
  );

  it('asks before it serves the database of another server, outside of development', async () => {
    const { directory } = await museOnDisk({}, { staging: 'postgresql://u:p@127.0.0.1:1/x' });
    const { code, stderr } = await museHere(['dev', '--env', 'staging'], { cwd: directory });
    expect([code, stderr]).toEqual([2, expect.stringContaining('muse dev --env staging --confirm staging')]);
  });

  it.each([
    ['--port', 'x'],
    ['--port', '65536'],
    ['--db-port', '1.5'],
  ])('refuses %s %s', async (flag, value) => {
    const { code, stderr } = await museHere(['dev', flag, value], { cwd: (await museOnDisk({})).directory });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${flag} takes a port`)]);
  });
});
