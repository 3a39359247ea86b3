/** Ctrl-C while a command waits for something outside: git, a package manager, the Management API. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallKit } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { isWhole } from '../support/sample.ts';
import { hasTerminal, openTerminal } from '../support/terminal.ts';
import { bareNodeMs, bin, signals, start, stop } from './interrupted.ts';

const made = ['waiting', '--yes', '--no-git', '--no-verify'];

let bareMs: number;
beforeAll(async () => {
  bareMs = await bareNodeMs();
});

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.runIf(hasTerminal)('a git server that never answers', () => {
  let server: Server;
  const sockets: Socket[] = [];
  let asked = 0;
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.push(socket);
      asked += 1;
      socket.on('error', () => undefined);
      // Only who reads hears that the other side has closed.
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each(Object.keys(signals))('%s ends the wait for it, and leaves no directory', async (signal) => {
    const cwd = await temporaryDirectory();
    const before = asked;
    const kit = `https://127.0.0.1:${(server.address() as AddressInfo).port}/kit.git`;
    const terminal = start('create-muse', [...made, '--kit', kit], cwd);
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(before);
    await stop(terminal, bareMs, signal);
    expect(existsSync(join(cwd, 'waiting'))).toBe(false);
    await expect.poll(() => sockets.every((socket) => socket.closed), { timeout: 5000 }).toBe(true);
  });
});

describe.runIf(hasTerminal)('a package manager that never ends', () => {
  /** An `npm` that writes its process id and waits. */
  async function slowNpm(script: string): Promise<{ cwd: string; env: Record<string, string>; pid: () => number }> {
    const cwd = await temporaryDirectory();
    const [folder, pidFile] = [join(cwd, 'bin'), join(cwd, 'npm.pid')];
    mkdirSync(folder);
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho $$ > '${pidFile}'\n${script}\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    const env = { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
    return { cwd, env, pid: () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0) };
  }

  it.each(isWhole ? Object.keys(signals) : ['Ctrl-C'])('%s ends it as well, and --resume installs', async (signal) => {
    const { cwd, env, pid } = await slowNpm('exec sleep 60');
    const terminal = start('create-muse', [...made, '--kit', smallKit(), '--install'], cwd, env);
    await expect.poll(pid, { timeout: 30_000 }).toBeGreaterThan(0);
    const { steps } = await stop(terminal, bareMs, signal);
    expect(steps?.at(-1)).toMatchObject({ id: 'finish', status: 'failed' });
    await expect.poll(() => isRunning(pid()), { timeout: 5000 }).toBe(false);
    writeFileSync(join(cwd, 'bin', 'npm'), '#!/bin/sh\nexit 0\n');
    const resumed = await createMuse(['--resume', '--dir', join(cwd, 'waiting'), '--json'], { cwd, env });
    expect(resumed.code, resumed.stdout).toBe(0);
  });

  it('a second Ctrl-C ends at once where the first one is not heeded', async () => {
    const { cwd, env, pid } = await slowNpm(`trap '' INT TERM\nsleep 60 & wait\nsleep 60`);
    const argv = [process.execPath, join(bin, 'create-muse.js'), ...made, '--kit', smallKit(), '--install'];
    const terminal = openTerminal(argv, { cwd, env });
    await expect.poll(pid, { timeout: 30_000 }).toBeGreaterThan(0);
    terminal.type('\x03');
    await new Promise((resolve) => setTimeout(resolve, 200));
    terminal.type('\x03');
    expect(await terminal.ended).toBe(130);
    expect(terminal.text()).toContain('Stopped immediately; unfinished work was not cleaned up.');
    process.kill(pid(), 'SIGKILL');
  });
});

describe.runIf(hasTerminal)('a request to the Management API that is never answered', () => {
  let fakeApi: FakeApi;
  let env: Record<string, string>;
  let cwd: string;
  let directory: string;
  beforeAll(async () => {
    fakeApi = await openFakeApi();
    fakeApi.conditions.upAtOnce = true;
  });
  afterAll(() => fakeApi.close());

  const supabase = ['--org', 'acme', '--region', 'eu-central-1'];

  async function prepare(): Promise<void> {
    cwd = await temporaryDirectory();
    env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    const { code, stderr } = await createMuse([...made, '--kit', smallKit()], { cwd, env });
    expect(code, stderr).toBe(0);
    directory = join(cwd, 'waiting');
  }

  const requests = [
    'POST /v1/projects',
    'GET /v1/organizations',
    'GET /v1/projects/{ref}',
    'GET /v1/projects/{ref}/api-keys',
    'PATCH /v1/projects/{ref}/config/auth',
  ];
  it.each(isWhole ? requests : requests.slice(0, 1))(
    'Ctrl-C ends muse provision at %s, and --resume leads to one project',
    async (request) => {
      await prepare();
      const [method = '', path = ''] = request.split(' ');
      const before = fakeApi.count(method, path);
      fakeApi.http.add('no-answer', request);
      const words = ['provision', '--env', 'staging', ...supabase, '--yes'];
      const terminal = start('muse', words, directory, env);
      await expect.poll(() => fakeApi.count(method, path), { timeout: 60_000 }).toBeGreaterThan(before);
      await stop(terminal, bareMs);
      const again = await muse([...words, '--resume', '--json'], { cwd: directory, env });
      expect(again.code, again.stdout).toBe(0);
      const projects = [...fakeApi.state.projects.values()].filter(({ name }) => name.startsWith('waiting'));
      expect(projects).toHaveLength(1);
      if (request === requests[0]) await destroyStopped(projects[0]!.ref);
      for (const { ref } of projects) {
        await fakeApi.databases.drop(ref);
        fakeApi.state.projects.delete(ref);
      }
    },
    180_000,
  );

  /** Ctrl-C while the deletion is not answered, then the same command again. */
  async function destroyStopped(ref: string): Promise<void> {
    const path = '/v1/projects/{ref}';
    const before = fakeApi.count('DELETE', path);
    fakeApi.http.add('no-answer', `DELETE ${path}`);
    const words = ['destroy', '--env', 'staging', '--confirm', ref];
    const terminal = start('muse', words, directory, env);
    await expect.poll(() => fakeApi.count('DELETE', path), { timeout: 60_000 }).toBeGreaterThan(before);
    await stop(terminal, bareMs);
    const again = await muse([...words, '--json'], { cwd: directory, env });
    expect(again.code, again.stdout).toBe(0);
    expect(fakeApi.state.projects.has(ref)).toBe(false);
  }
});
