import { once } from 'node:events';
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { ApiError, type InvalidToken } from './errors.ts';
import { type Authenticated, createIdentify } from './identity.ts';
import { createRequestLog, loggedPath, type RequestLog } from './request-log.ts';
import type { AnswerHeaders, DevAnswer, DevKeys, DevPart } from './service.ts';

/** One service below one prefix. */
export interface Route {
  /** E.g. `/rest/v1`. */
  prefix: string;
  part: DevPart;
  /** Which paths need no key. */
  open?: (path: string) => boolean;
  /** What the service answers to a token that is not valid; undefined where it looks at tokens itself. */
  badToken?: (error: InvalidToken) => ApiError;
  /** It is for this machine's own browser: no key, no CORS, no log, and only by a name of this machine. */
  local?: boolean;
}

export interface HttpOptions {
  /** Undefined where every route is local. */
  keys?: DevKeys | undefined;
  /** Requests that come before the services are ready wait for them. */
  routes: readonly Route[] | Promise<readonly Route[]>;
}

export interface Http {
  server: Server;
  log: RequestLog;
  /**
   * Listens on this machine's own address.
   * @returns the port
   * @throws the system's error, `EADDRINUSE` where the port is taken
   */
  listen(port: number): Promise<number>;
  /** Ends every request and connection. */
  close(): Promise<void>;
}

/** How long a connection without a request stays open, in ms. */
const idleMs = 60_000;

/** Only this machine reaches it. */
export const loopback = '127.0.0.1';

/** The server of all services: finds the route, who asks, and writes the answer. */
export async function createHttp({ keys, routes }: HttpOptions): Promise<Http> {
  const identify = keys === undefined ? undefined : await createIdentify(keys);
  const log = createRequestLog();
  const closing = new AbortController();
  // One listener for each request that runs: Node would take more than ten for a leak.
  setMaxListeners(0, closing.signal);
  const sockets = new Set<Socket>();

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    const [path, query] = split(request.url ?? '/');
    const route = (await routes).find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
    let who: Authenticated | undefined;
    response.on('close', () => {
      if (route?.local === true || request.method === 'OPTIONS') return;
      log.add({
        at: new Date().toISOString(),
        method: request.method ?? 'GET',
        path: loggedPath(path, query),
        status: response.statusCode,
        role: who?.identity.role,
        user: typeof who?.identity.claims['sub'] === 'string' ? who.identity.claims['sub'] : undefined,
        ms: Math.round((performance.now() - began) * 10) / 10,
      });
    });
    if (route?.local !== true) {
      for (const [name, value] of corsHeaders(request)) response.setHeader(name, value);
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return;
      }
    }
    const gone = new AbortController();
    // Aborting makes an error with its stack, which is not worth it for a request that was answered.
    const leave = (): void => {
      if (!response.writableFinished) gone.abort();
    };
    response.on('close', leave);
    closing.signal.addEventListener('abort', leave);
    try {
      if (route === undefined) throw noRoute(path);
      const below = path.slice(route.prefix.length) || '/';
      if (route.local === true) mustBeLocal(request);
      else {
        const options = { open: route.open?.(below) ?? false, badToken: route.badToken };
        who = await identify?.(request.headers, query, options);
        query.delete('apikey');
      }
      const answer = await route.part.handle({
        method: (request.method ?? 'GET').toUpperCase(),
        path: below,
        query,
        headers: request.headers,
        identity: who?.identity ?? { role: 'anon', claims: {} },
        token: who?.token,
        body: request,
        signal: gone.signal,
      });
      await write(request, response, answer);
    } catch (error) {
      if (response.headersSent || response.destroyed) response.destroy();
      else await write(request, response, errorAnswer(error)).catch(() => response.destroy());
    } finally {
      closing.signal.removeEventListener('abort', leave);
    }
  }

  const server = createServer((request, response) => {
    // The routes are rejected where the server does not start, and it is closed then.
    respond(request, response).catch(() => response.destroy());
  });
  // As Supabase's gateway does. With Node's own 5 s, a client that comes back may send into a connection that closes.
  server.keepAliveTimeout = idleMs;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  return {
    server,
    log,
    listen: (port) => listenOn(server, port),
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Sockets of upgrades too, which the server itself no longer knows.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Listens on this machine's own address; throws the system's error. */
async function listenOn(server: Server, port: number): Promise<number> {
  server.listen(port, loopback);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The path as it was sent, decoded nowhere, and the parameters. */
function split(url: string): [path: string, query: URLSearchParams] {
  const at = url.indexOf('?');
  return at === -1 ? [url, new URLSearchParams()] : [url.slice(0, at), new URLSearchParams(url.slice(at + 1))];
}

/** Any web page may call the API, as on Supabase: what it may do is up to its key and token. */
function corsHeaders({ method, headers }: IncomingMessage): [string, string][] {
  const always: [string, string][] = [
    ['access-control-allow-origin', '*'],
    ['access-control-expose-headers', exposed],
  ];
  if (method !== 'OPTIONS') return always;
  return [
    ...always,
    ['access-control-allow-methods', 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT'],
    ['access-control-allow-headers', headers['access-control-request-headers'] ?? '*'],
    ['access-control-max-age', '3600'],
  ];
}

const exposed = [
  'Content-Encoding',
  'Content-Location',
  'Content-Range',
  'Content-Type',
  'Date',
  'Link',
  'Location',
  'Preference-Applied',
  'Range-Unit',
  'Server',
  'Transfer-Encoding',
  'X-Supabase-Api-Version',
  'X-Total-Count',
].join(', ');

/** Another name in the Host header is a web page that has its own name lead here (DNS rebinding). */
function mustBeLocal({ headers }: IncomingMessage): void {
  if (/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(headers.host ?? '')) return;
  throw new ApiError(403, {
    message: 'The dashboard is only for this machine: open it by the URL that muse dev prints.',
  });
}

function noRoute(path: string): ApiError {
  const service = ['/functions/v1', '/graphql/v1', '/pg'].find(
    (prefix) => path === prefix || path.startsWith(`${prefix}/`),
  );
  if (service === undefined) return new ApiError(404, { message: 'no Route matched with those values' });
  return new ApiError(501, { message: `muse dev does not serve ${service}.`, hint: 'It is there on Supabase.' });
}

async function write(request: IncomingMessage, response: ServerResponse, answer: DevAnswer): Promise<void> {
  const { status, headers = {}, body } = answer;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  // A body that nobody read would be taken for the next request of the connection.
  if (!request.complete) request.resume();
  if (body === undefined || request.method === 'HEAD' || withoutBody.has(status)) {
    if (typeof body === 'object' && 'destroy' in body) body.destroy();
    response.end();
    return;
  }
  if (typeof body === 'object' && 'pipe' in body) {
    await pipeline(body, response);
    return;
  }
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

/** The statuses of answers that cannot have a body. */
const withoutBody: ReadonlySet<number> = new Set([204, 304]);

/** JSON as every service sends it. */
export function jsonAnswer(status: number, body: unknown, headers: AnswerHeaders = {}): DevAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

/** An error that reached the end: each says what happened. */
function errorAnswer(error: unknown): DevAnswer {
  if (error instanceof ApiError) return jsonAnswer(error.status, error.body, error.headers);
  if (error instanceof DatabaseError) {
    const { code, message, detail: details = null, hint = null } = error;
    return jsonAnswer(code === '57014' ? 504 : 500, { code, message, details, hint });
  }
  if (error instanceof MuseError) {
    return jsonAnswer(error.code === 'cancelled' ? 503 : 500, {
      code: error.code,
      message: error.message,
      details: error.detail ?? null,
      hint: error.suggestion,
    });
  }
  return jsonAnswer(500, {
    message: `Something unexpected went wrong: ${error instanceof Error ? error.message : String(error)}`,
  });
}
