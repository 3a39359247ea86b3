import type { Clock } from './clock.ts';

/** The longest wait that a header can ask of us; beyond it the user decides, ms. */
const longestWait = 120_000;

/**
 * How long `Retry-After` asks to wait, in ms: seconds or an HTTP date (RFC 9110, 10.2.3).
 * Undefined where it is not there or not understood; Infinity where it asks for longer than anyone would sit through.
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
  const ms = reset > 1e12 ? reset - serverNow(headers, clock) : reset > 1e9 ? reset * 1000 - serverNow(headers, clock) : reset * 1000;
  return Math.min(60_000, Math.max(0, ms));
}

/** The server's time by its `Date` header, ms since 1970; ours where it has none. The two clocks need not agree. */
export function serverNow(headers: Headers, clock: Clock): number {
  const date = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(date) ? clock.now() : date;
}
