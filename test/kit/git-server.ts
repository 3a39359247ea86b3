/** A local HTTPS git server that requires a token, and a proxy that serves it as github.com. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { temporary } from './repository.ts';

const pem = (name: string) => readFileSync(new URL(`loopback/${name}.pem`, import.meta.url));

/** Passes a request to git's own CGI program. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(backend.stdin);
  const parts: Buffer[] = [];
  backend.stdout.on('data', (part: Buffer) => parts.push(part));
  backend.on('close', () => {
    const all = Buffer.concat(parts);
    const end = all.indexOf('\r\n\r\n');
    for (const line of all.subarray(0, end).toString().split('\r\n')) {
      const [name, value] = line.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value ?? '', 10);
      else if (name !== undefined && value !== undefined) response.setHeader(name, value);
    }
    response.end(all.subarray(end + 4));
  });
}

const listen = (server: Server): Promise<number> =>
  new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port));
  });

/** The server that a test gets. */
export interface GitServer {
  port: number;
  /** The received `Authorization` headers, one per request; undefined for none. */
  seen: (string | undefined)[];
  /** A file for `GIT_CONFIG_GLOBAL` that trusts the server and uses the proxy. */
  config: string;
  close(): void;
}

/**
 * Serves the repositories below `root`.
 * @param token the accepted token; undefined lets anyone in
 */
export async function gitServer(root: string, token?: string): Promise<GitServer> {
  const seen: (string | undefined)[] = [];
  const wanted = token === undefined ? undefined : `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  const server = createServer({ key: pem('key'), cert: pem('certificate') }, (request, response) => {
    seen.push(request.headers.authorization);
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
    } else serve(root, request, response);
  });
  const port = await listen(server);
  const proxy = createHttp().on('connect', (_request, socket) => {
    const onward = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.pipe(socket).pipe(onward);
    for (const end of [onward, socket]) end.on('error', () => undefined);
  });
  const proxyPort = await listen(proxy);
  const config = join(temporary('config'), 'gitconfig');
  writeFileSync(config, `[http]\n\tsslVerify = false\n\tproxy = http://127.0.0.1:${proxyPort}\n`);
  return {
    port,
    seen,
    config,
    close() {
      server.closeAllConnections();
      server.close();
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

/** A bare copy of a repository. */
export function bare(from: string, to: string): string {
  execFileSync('git', ['clone', '--quiet', '--bare', '--', from, to], { stdio: 'ignore' });
  return to;
}
