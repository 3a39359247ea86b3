import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchKit } from '../../src/kit/fetch.ts';
import { parseKitSource } from '../../src/kit/source.ts';
import { rejectionOf } from './errors.ts';
import { bare, gitServer, type GitServer } from './git-server.ts';
import { musekit, put, repository, temporary } from './repository.ts';

const token = 'ghp_hunter2';
const running: (() => void)[] = [];

afterEach(() => {
  for (const stop of running.splice(0)) stop();
});

/** A private GitHub with one repository, `acme/kit`. */
async function github(): Promise<GitServer & { commit: string }> {
  const root = temporary('server');
  const kit = repository(musekit);
  bare(kit.directory, join(root, 'acme', 'kit.git'));
  const server = await gitServer(root, token);
  running.push(() => server.close());
  return { ...server, commit: kit.commit };
}

describe('a kit on a server', () => {
  it('is fetched with the token of the environment, which is stored nowhere', async () => {
    const server = await github();
    const muse = temporary('muse');
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: server.config, GITHUB_TOKEN: token };
    const fetched = await fetchKit(parseKitSource('acme/kit'), muse, { environment });
    expect(fetched).toMatchObject({ commit: server.commit, remoteUrl: 'https://github.com/acme/kit.git' });
    expect(server.seen[0]).toBeUndefined();
    expect(server.seen.at(-1)).toContain('Basic ');
    expect(JSON.stringify(fetched)).not.toContain(token);
    expect(readdirSync(muse).sort()).toEqual(['migrations', 'package.json']);
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { GH_TOKEN: 'ghp_wrong' }],
  ])('that is private is an error, not a prompt, with %s', async (_name, tokens) => {
    const server = await github();
    const muse = temporary('muse');
    const { GITHUB_TOKEN: _a, GH_TOKEN: _b, ...own } = process.env;
    const environment = { ...own, ...tokens, GIT_CONFIG_GLOBAL: server.config };
    const error = await rejectionOf(fetchKit(parseKitSource('acme/kit'), muse, { environment }));
    expect(error).toMatchObject({ code: 'kit-private', suggestion: expect.stringContaining('GITHUB_TOKEN') });
    expect(`${error?.message} ${error?.detail}`).not.toContain('ghp_wrong');
    expect(readdirSync(muse)).toEqual([]);
  });

  it('that does not exist is an error that shows how to name a local folder', async () => {
    const server = await github();
    const from = temporary();
    put(from, { 'acme/gone/a.txt': 'a' });
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: server.config, GITHUB_TOKEN: token };
    const error = await rejectionOf(fetchKit(parseKitSource('acme/gone'), temporary('muse'), { environment, from }));
    expect(error).toMatchObject({ code: 'kit-not-found', suggestion: expect.stringContaining('--kit ./acme/gone') });
  });

  it('is fetched without the token if that is not necessary', async () => {
    const root = temporary('server');
    bare(repository(musekit).directory, join(root, 'acme', 'kit.git'));
    const server = await gitServer(root);
    running.push(() => server.close());
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: server.config, GITHUB_TOKEN: token };
    await fetchKit(parseKitSource('acme/kit'), temporary('muse'), { environment });
    expect(server.seen.filter((header) => header !== undefined)).toEqual([]);
  });

  it('never sends the token to another host', async () => {
    const server = await github();
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: server.config, GITHUB_TOKEN: token };
    const url = `https://127.0.0.1:${server.port}/acme/kit.git`;
    const error = await rejectionOf(fetchKit(parseKitSource(url), temporary('muse'), { environment }));
    expect(error).toMatchObject({ code: 'kit-private' });
    expect(server.seen.filter((header) => header !== undefined)).toEqual([]);
  });

  it('that does not respond times out', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((done) => {
      silent.listen(0, '127.0.0.1', () => done());
    });
    running.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const muse = temporary('muse');
    const source = parseKitSource(`https://127.0.0.1:${port}/kit.git`);
    expect(await rejectionOf(fetchKit(source, muse, { timeoutMs: 1000 }))).toMatchObject({ code: 'git-timeout' });
    const aborted = AbortSignal.timeout(300);
    expect(await rejectionOf(fetchKit(source, muse, { signal: aborted }))).toMatchObject({ code: 'cancelled' });
    expect(readdirSync(muse)).toEqual([]);
  });

  it('that does not exist is unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((done) => {
      closed.listen(0, '127.0.0.1', () => done());
    });
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => {
      closed.close(done);
    });
    const source = parseKitSource(`https://127.0.0.1:${port}/kit.git`);
    expect(await rejectionOf(fetchKit(source, temporary('muse')))).toMatchObject({ code: 'kit-unreachable' });
  });

  it('behind a certificate or a proxy that does not work names what to set', async () => {
    const server = await github();
    const { GIT_SSL_CAINFO: _own, ...environment } = process.env;
    const source = parseKitSource(`https://127.0.0.1:${server.port}/acme/kit.git`);
    const errorOf = (own: NodeJS.ProcessEnv): Promise<unknown> =>
      rejectionOf(fetchKit(source, temporary('muse'), { environment: { ...environment, ...own } }));
    expect(await errorOf({})).toMatchObject({
      code: 'kit-unreachable',
      message: expect.stringContaining('has a certificate of an authority that this machine does not trust'),
      suggestion: expect.stringContaining('GIT_SSL_CAINFO=<file.pem>'),
    });
    expect(await errorOf({ GIT_SSL_CAINFO: '/nowhere.pem' })).toMatchObject({
      suggestion: expect.stringContaining('GIT_SSL_CAINFO is /nowhere.pem'),
    });
    const behind = await errorOf({ https_proxy: 'http://ada:hunter2@127.0.0.1:1', no_proxy: '', NO_PROXY: '' });
    expect(behind).toMatchObject({
      code: 'kit-unreachable',
      message: expect.stringContaining('cannot be reached through https_proxy (127.0.0.1:1)'),
      suggestion: expect.stringContaining('NO_PROXY'),
    });
    expect(JSON.stringify(behind)).not.toContain('hunter2');
  });

  it.skipIf(process.platform === 'win32')(
    'is asked for by ssh without a question, and given up when that hangs',
    async () => {
      const place = temporary('ssh');
      writeFileSync(join(place, 'ssh'), `#!/bin/sh\necho "$@" > '${join(place, 'called')}'\nsleep 60\n`, {
        mode: 0o755,
      });
      const environment = { ...process.env, GIT_SSH_COMMAND: join(place, 'ssh'), GIT_SSH_VARIANT: 'ssh' };
      const source = parseKitSource('git@localhost:acme/kit.git');
      const error = await rejectionOf(fetchKit(source, temporary('muse'), { environment, timeoutMs: 1500 }));
      expect(error).toMatchObject({ code: 'git-timeout' });
      expect(readFileSync(join(place, 'called'), 'utf8')).toContain('BatchMode=yes');
    },
  );
});
