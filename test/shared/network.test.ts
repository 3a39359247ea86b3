import { createServer, type Server } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NetworkClient, networkTrouble } from '../../src/shared/network.ts';
import { lost } from '../../src/supabase/failure.ts';

const proxy = { HTTPS_PROXY: 'http://ada:hunter2@proxy.example:3128' };

describe('what a failure says, and what to set', () => {
  it.each<[NetworkClient, string, NodeJS.ProcessEnv, string | undefined]>([
    [
      'git',
      'fatal: unable to access: SSL certificate problem: self-signed certificate in certificate chain',
      {},
      'GIT_SSL_CAINFO=<file.pem>',
    ],
    ['git', 'server certificate verification failed. CAfile: none CRLfile: none', {}, 'http.sslCAInfo'],
    [
      'git',
      'error setting certificate verify locations:  CAfile: /x.pem',
      { GIT_SSL_CAINFO: '/x.pem' },
      'GIT_SSL_CAINFO is /x.pem',
    ],
    ['git', 'Could not resolve proxy: proxy.example', proxy, 'Check HTTPS_PROXY'],
    ['git', 'Could not resolve proxy: proxy.example', {}, 'git config --get http.proxy'],
    ['git', 'Received HTTP code 407 from proxy after CONNECT', proxy, 'into HTTPS_PROXY, percent-encoded'],
    ['git', 'Could not resolve host: github.com', {}, undefined],
    ['git', "fatal: repository 'x' not found", proxy, undefined],
    ['npm', 'npm error code SELF_SIGNED_CERT_IN_CHAIN', {}, 'npm config set cafile'],
    ['npm', 'npm error code ECONNREFUSED', { https_proxy: 'proxy.example:3128' }, 'Check https_proxy'],
    ['npm', 'npm error ERESOLVE could not resolve', proxy, undefined],
    ['node', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', {}, 'NODE_EXTRA_CA_CERTS=<file.pem>'],
    ['node', 'SELF_SIGNED_CERT_IN_CHAIN', { NODE_EXTRA_CA_CERTS: '/ca.pem' }, 'NODE_EXTRA_CA_CERTS is /ca.pem'],
    ['node', 'CERT_HAS_EXPIRED', {}, 'date'],
    ['node', 'ENOTFOUND', proxy, 'NODE_USE_ENV_PROXY=1'],
    ['node', 'ENOTFOUND', { ...proxy, NODE_USE_ENV_PROXY: '1' }, 'Check HTTPS_PROXY'],
    ['node', 'ENOTFOUND', {}, undefined],
  ])('%s: %s', (client, said, environment, expected) => {
    const trouble = networkTrouble(client, said, environment);
    if (expected === undefined) expect(trouble).toBeUndefined();
    else expect(trouble?.suggestion).toContain(expected);
    expect(JSON.stringify(trouble) ?? '').not.toContain('hunter2');
  });
});

describe('a server whose certificate nobody knows', () => {
  let server: Server;
  beforeAll(async () => {
    const folder = join(import.meta.dirname, '..', 'support', 'fake-api');
    const [key, cert] = ['key.pem', 'certificate.pem'].map((name) => readFileSync(join(folder, name)));
    server = createServer({ key, cert }, (_request, response) => response.end());
    await new Promise<void>((done) => {
      server.listen(0, '127.0.0.1', () => done());
    });
  });
  afterAll(() => server.close());

  it('gets no request, and the error names NODE_EXTRA_CA_CERTS', async () => {
    const { port } = server.address() as AddressInfo;
    const error: unknown = await fetch(`https://127.0.0.1:${port}/`).catch((thrown: unknown) => thrown);
    expect(lost('GET /', 'api.example', error, {})).toMatchObject({
      code: 'api-unreachable',
      message: expect.stringContaining('api.example has a certificate'),
      suggestion: expect.stringMatching(/NODE_EXTRA_CA_CERTS=<file\.pem>.* Nothing was sent\.$/),
    });
  });
});
