/** The fake API's HTTP server: reads bodies, keeps the log, applies faults. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultList, HttpFault } from './faults.ts';
import type { LoggedRequest, FakeState } from './state.ts';

export interface FakeRequest {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  raw: Buffer;
  /** Parsed JSON; undefined if it is not JSON. */
  body: unknown;
}

export interface FakeAnswer {
  status: number;
  /** Sent as JSON, or unchanged if it is a Buffer. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Called before a request is handled, and afterwards before its response is sent. A test kills a process here. */
export type RequestHook = (request: LoggedRequest, phase: 'before' | 'after') => void | Promise<void>;

export interface HttpSide {
  server: Server;
  /** `http://127.0.0.1:<port>` */
  url: string;
}

/** @param take whether it answers a request by itself, without log, faults and hooks */
export async function listen(
  state: FakeState,
  faults: FaultList<HttpFault>,
  hooks: RequestHook[],
  handle: (request: FakeRequest) => Promise<{ part: string; answer: FakeAnswer }>,
  take: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<HttpSide> {
  const server = createServer((request, response) => {
    if (take(request, response)) return;
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        send(response, { status: 500, body: { message: `the fake API failed: ${String(error)}` } }, state);
      else response.destroy();
    });
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    const { pathname } = request.url;
    const logged: LoggedRequest = {
      number: state.requests.length + 1,
      method: request.method,
      path: pathname,
      part: 'management',
      at: Date.now(),
    };
    state.requests.push(logged);
    await runHooks(logged, 'before');
    const fault = faults.take((on) => matches(on, request.method, pathname));
    if (fault === 'reset') return void incoming.socket.resetAndDestroy();
    if (fault === 'no-answer') return;
    const instead = fault && refusals[fault];
    if (instead) {
      logged.status = instead.status;
      return void send(response, instead, state);
    }
    const { part, answer } = await handle(request);
    logged.part = part;
    await runHooks(logged, 'after');
    if (fault === 'answer-lost') return void incoming.socket.resetAndDestroy();
    if (fault === 'applied-502') return void send(response, refusals['html-502'] ?? answer, state);
    if (fault === 'slow-body') return void trickle(response, answer);
    logged.status = answer.status;
    send(response, answer, state);
  }

  async function runHooks(logged: LoggedRequest, phase: 'before' | 'after'): Promise<void> {
    for (const hook of hooks) await hook(logged, phase);
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const page = (title: string): Buffer =>
  Buffer.from(`<html><head><title>${title}</title></head><body><h1>${title}</h1><hr>cloudflare</body></html>`);
const html = { 'content-type': 'text/html' };

/** Responses that are sent instead of handling the request. */
const refusals: Partial<Record<HttpFault, FakeAnswer>> = {
  'too-many': { status: 429, body: { message: 'ThrottlerException: Too Many Requests' } },
  'too-many-retry-after': {
    status: 429,
    body: { message: 'ThrottlerException: Too Many Requests' },
    headers: { 'retry-after': '7' },
  },
  'html-500': { status: 500, body: page('500 Internal Server Error'), headers: html },
  'html-502': { status: 502, body: page('502 Bad Gateway'), headers: html },
  'html-503': {
    status: 503,
    body: page('503 Service Temporarily Unavailable'),
    headers: { ...html, 'retry-after': '3' },
  },
  'refused-plan': { status: 402, body: { message: 'This organization has an overdue invoice.' } },
  'refused-quota': {
    status: 400,
    body: {
      message:
        'The following organization members have reached their maximum limits for the number of active free projects within organizations where they are an administrator or owner: owner (2 project limit).',
    },
  },
};

function matches(on: string, method: string, path: string): boolean {
  const [wantedMethod, wantedPath = ''] = on.split(' ');
  const pattern = wantedPath.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{ref}', '[a-z]{20}');
  return (wantedMethod === '*' || wantedMethod === method) && new RegExp(`^${pattern}$`).test(path);
}

async function read(incoming: IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  let body: unknown;
  try {
    body = raw.length === 0 ? undefined : JSON.parse(raw.toString('utf8'));
  } catch {
    body = undefined;
  }
  return {
    method: incoming.method ?? 'GET',
    url: new URL(incoming.url ?? '/', 'http://fake-api'),
    headers: incoming.headers,
    raw,
    body,
  };
}

function send(response: ServerResponse, answer: FakeAnswer, state: FakeState): void {
  const body = Buffer.isBuffer(answer.body)
    ? answer.body
    : Buffer.from(answer.body === undefined ? '' : JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    date: new Date(Date.now() + state.skewMs).toUTCString(),
    'content-length': String(body.length),
    ...answer.headers,
  });
  response.end(body);
}

/** Sends the head and half of the body immediately, and never the rest. */
function trickle(response: ServerResponse, answer: FakeAnswer): void {
  const body = Buffer.from(JSON.stringify(answer.body ?? {}));
  response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': String(body.length) });
  response.write(body.subarray(0, body.length >> 1));
}
