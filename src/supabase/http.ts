import { type Clock, jittered, systemClock } from './clock.ts';
import { lost, refused } from './failure.ts';
import type { Secret } from './secret.ts';

/**
 * When a request is retried. `always`: it is safe to repeat; `refusals`: only if it certainly had no effect (429, or
 * not connected); `never`: the caller checks first.
 */
type Retry = 'always' | 'refusals' | 'never';

interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | readonly string[]>>;
  body?: unknown;
  /** Default: `always`, and `refusals` for POST. */
  retry?: Retry;
  /** For connecting, waiting and the whole body, ms; default 30,000. */
  timeoutMs?: number;
}

interface ApiAnswer {
  status: number;
  /** Parsed JSON; undefined if there is none. */
  body: unknown;
  /** The server's clock when it answered, ms since 1970. */
  serverTime: number;
}

/** One request, safe to show and journal: secrets are `***`. */
export interface RequestRecord {
  method: string;
  /** With its query string. */
  path: string;
  body?: unknown;
  /** 1 for the first. */
  attempt: number;
}

export interface AnswerRecord extends RequestRecord {
  /** Undefined if there was no answer. */
  status?: number;
  ms: number;
}

export interface HttpOptions {
  /** Without a slash at the end. */
  baseUrl: string;
  token: Secret;
  clock?: Clock;
  fetch?: typeof fetch;
  /** Aborted when the user stops the run: ends requests in progress and sends no more. */
  signal?: AbortSignal;
  /** Limit for any request, ms, in addition to its own. */
  timeoutMs?: number;
  /** How often a request is sent at most. */
  tries?: number;
  /** Called, and waited for, before each request leaves. */
  onRequest?: (record: RequestRecord) => void | Promise<void>;
  /** Called with a message before a request is retried: what went wrong, and when it is sent again. */
  onAgain?: (text: string) => void;
  /** Called after each answer and each failure. */
  onAnswer?: (record: AnswerRecord) => void;
}

/** Sends one request to the Management API and returns its answer, with a status below 400. */
export interface Http {
  (request: ApiRequest): Promise<ApiAnswer>;
  readonly clock: Clock;
}

/**
 * The client of the Management API. Obeys `Retry-After` and the rate-limit headers; retries with jittered backoff.
 * @returns a function that throws MuseError with the codes of `refused` and `lost` (failure.ts)
 */
export function createHttp(options: HttpOptions): Http {
  const { baseUrl, token, clock = systemClock, tries = 6 } = options;
  const quietUntil = new Map<string, number>();

  const attempt = async (request: ApiRequest, number: number): Promise<ApiAnswer | Again> => {
    const endpoint = `${request.method} ${request.path}`;
    const pause = (quietUntil.get(endpoint) ?? 0) - clock.now();
    if (pause > 0) await clock.sleep(pause);
    const search = queryString(request.query);
    const record: RequestRecord = {
      method: request.method,
      path: request.path + search,
      ...(request.body === undefined ? {} : { body: redactBody(request.body) }),
      attempt: number,
    };
    options.signal?.throwIfAborted();
    await options.onRequest?.(record);
    const began = clock.now();
    const retry = request.retry ?? (request.method === 'POST' ? 'refusals' : 'always');
    let response: Response;
    let text: string;
    try {
      const limitMs = Math.min(request.timeoutMs ?? 30_000, options.timeoutMs ?? Infinity);
      response = await fetchWhole(
        baseUrl + request.path + search,
        initOf(request, token),
        limitMs,
        options.fetch,
        options.signal,
      );
      text = await response.text();
    } catch (error) {
      options.onAnswer?.({ ...record, ms: clock.now() - began });
      options.signal?.throwIfAborted();
      const failure = lost(endpoint, new URL(baseUrl).host, error);
      if (retry === 'always' || (retry === 'refusals' && failure.code === 'api-unreachable')) return new Again(failure);
      throw failure;
    }
    options.onAnswer?.({ ...record, status: response.status, ms: clock.now() - began });
    const asked = response.status >= 400 ? retryAfter(response.headers, clock) : undefined;
    const quiet = Math.max(rateLimitPause(response.headers, clock), asked === Infinity ? 0 : (asked ?? 0));
    if (quiet > 0) quietUntil.set(endpoint, clock.now() + quiet);
    const body = parseBody(text);
    if (response.status < 400) return { status: response.status, body, serverTime: serverNow(response.headers, clock) };
    const message = redactText(messageOf(body, text), [token.reveal(), ...secretsOf(request.body)]);
    const failure = refused(endpoint, response.status, message);
    const passing = response.status === 429 || response.status === 408 || response.status >= 500;
    if (!passing || retry === 'never' || (retry === 'refusals' && response.status !== 429)) throw failure;
    return new Again(failure, asked);
  };

  const send = async (request: ApiRequest): Promise<ApiAnswer> => {
    for (let number = 1; ; number += 1) {
      const outcome = await attempt(request, number);
      if (!(outcome instanceof Again)) return outcome;
      if (number >= tries || outcome.wait === Infinity) throw outcome.error;
      const pause = outcome.wait ?? jittered(clock, Math.min(20_000, 500 * 2 ** number));
      options.onAgain?.(`again in ${Math.ceil(pause / 1000)} s: ${outcome.error.message}`);
      await clock.sleep(pause);
    }
  };
  return Object.assign(send, { clock });
}

/** A failure after which the request is retried. */
class Again {
  readonly error: Error;
  readonly wait: number | undefined;
  constructor(error: Error, wait?: number) {
    this.error = error;
    this.wait = wait;
  }
}

function initOf({ method, body }: ApiRequest, token: Secret): RequestInit {
  const headers = { authorization: `Bearer ${token.reveal()}`, accept: 'application/json' };
  // A redirect would send the token elsewhere.
  const common: RequestInit = { method, headers, redirect: 'error' };
  return body === undefined
    ? common
    : { ...common, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** Lists are repeated keys, as in the OpenAPI style `form` with `explode`. */
function queryString(query: ApiRequest['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([key, value]) =>
    (typeof value === 'string' ? [value] : value).map((item): [string, string] => [key, item]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

function parseBody(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The API's `message`; a gateway's HTML page is named by its title. */
function messageOf(body: unknown, text: string): string {
  if (typeof body === 'object' && body !== null) {
    const message = 'message' in body ? body.message : 'error' in body ? body.error : undefined;
    if (typeof message === 'string' && message !== '') return message;
    if (Array.isArray(message)) return message.join('; ');
  }
  const title = /<title[^>]*>([^<]{1,200})<\/title>/i.exec(text)?.[1]?.trim();
  return title ?? (text.trim() === '' ? 'no message' : 'a web page instead of JSON');
}

/** Names of fields with a secret, or with text that may contain one (SQL). */
const hiddenFields = /pass(?:word)?$|^api_?key$|secret|token|^query$|^parameters$/i;

/** Forms of tokens and keys, which are never shown. */
const hiddenForms = /\bsbp_[A-Za-z0-9_]{8,}|\bsb_(?:secret|publishable)_[\w-]{6,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g;

/** The body with every secret field as `***`. */
export function redactBody(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(redactBody);
  if (typeof body !== 'object' || body === null) return typeof body === 'string' ? redactText(body) : body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, hiddenFields.test(key) ? '***' : redactBody(value)]),
  );
}

/** The text without what looks like a token or key, and without the texts in `secrets`. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  const known = secrets
    .filter((value) => value.length >= 4)
    .reduce((rest, value) => rest.replaceAll(value, '***'), text);
  return known.replace(hiddenForms, '***');
}

/** Every string in a secret field of the body, so that an answer that echoes it can be cleaned. */
function secretsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) =>
    typeof value === 'string' ? (hiddenFields.test(key) && key !== 'query' ? [value] : []) : secretsOf(value),
  );
}

/** The longest wait that a header can ask for, ms; beyond that the user decides. */
const longestWait = 120_000;

/**
 * How long `Retry-After` asks to wait, in ms: seconds or an HTTP date (RFC 9110, 10.2.3).
 * Undefined if it is absent or not understood; Infinity if it asks for longer than {@link longestWait}.
 */
export function retryAfter(headers: Headers, clock: Clock): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - serverNow(headers, clock);
  if (Number.isNaN(ms)) return undefined;
  return ms > longestWait ? Infinity : Math.max(0, ms);
}

/**
 * How long the next request to the same endpoint has to wait, in ms, by `X-RateLimit-Remaining` and `-Reset`. Reset is
 * read as seconds to go, or as a time in seconds or milliseconds since 1970; the window is a minute.
 */
export function rateLimitPause(headers: Headers, clock: Clock): number {
  const remaining = headers.get('x-ratelimit-remaining');
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (remaining === null || Number(remaining) > 0 || Number.isNaN(reset)) return 0;
  const ms =
    reset > 1e12
      ? reset - serverNow(headers, clock)
      : reset > 1e9
        ? reset * 1000 - serverNow(headers, clock)
        : reset * 1000;
  return Math.min(60_000, Math.max(0, ms));
}

/** The server's time by its `Date` header, ms since 1970; ours if there is none. The two clocks may differ. */
function serverNow(headers: Headers, clock: Clock): number {
  const date = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(date) ? clock.now() : date;
}

/**
 * `fetch` including its body within a time limit. A signal alone is not enough: after the head of an answer, Node may
 * lose the signal to the garbage collector and wait forever for a body that stops half-way.
 * @param limitMs for connecting, waiting and the body, ms
 * @param send `fetch`, or a replacement
 * @param stop ends it at once when it is aborted
 * @returns an answer with its complete body
 * @throws a DOMException named `TimeoutError`, the reason of `stop`, and what `fetch` throws
 */
export async function fetchWhole(
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  limitMs: number,
  send: typeof fetch = fetch,
  stop?: AbortSignal,
): Promise<Response> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onStop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DOMException(`no whole answer in ${limitMs} ms`, 'TimeoutError');
      reject(error);
      controller.abort(error);
    }, limitMs);
    onStop = () => {
      reject(stop?.reason as Error);
      controller.abort(stop?.reason);
    };
    stop?.addEventListener('abort', onStop);
  });
  const whole = async (): Promise<Response> => {
    const response = await send(input, { ...init, signal: controller.signal });
    const body = await response.arrayBuffer();
    const { status, statusText, headers } = response;
    // These three may have no body, not even an empty one.
    return new Response([204, 205, 304].includes(status) ? null : body, { status, statusText, headers });
  };
  try {
    return await Promise.race([whole(), over]);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', onStop);
  }
}
