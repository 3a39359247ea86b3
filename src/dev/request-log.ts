import type { Logged } from './service.ts';

/** How many requests are kept. */
const kept = 500;

/** The last requests, newest last. */
export interface RequestLog {
  add(entry: Logged): void;
  entries(): readonly Logged[];
}

export function createRequestLog(): RequestLog {
  const entries: Logged[] = [];
  return {
    add(entry) {
      entries.push(entry);
      if (entries.length > kept) entries.shift();
    },
    entries: () => entries,
  };
}

/** Parameters of the Data API that say how a request asks, and hold nothing of anybody. */
const shapes = new Set(['select', 'order', 'limit', 'offset', 'columns', 'on_conflict']);

/** A request's path for the log: with the names of its parameters, and without what they hold. */
export function loggedPath(path: string, query: URLSearchParams): string {
  const parameters = [...query].map(([name, value]) => `${name}=${shapes.has(name) ? value : '…'}`);
  const text = parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
  return text.length > 500 ? `${text.slice(0, 499)}…` : text;
}
