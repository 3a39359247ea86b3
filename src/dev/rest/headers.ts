/** The statuses and headers that an answer can have, where a function of the database names them. */

/** Whether it is the status of an answer; 1xx only announce one. */
export function isStatus(text: string): boolean {
  return /^[2-5]\d\d$/.test(text);
}

/** A header's name and value. */
export type Header = readonly [name: string, value: string];

/** Whether these can be a header's name and value. */
export function isHeader(pair: readonly [name: string, value: unknown]): pair is Header {
  const [name, value] = pair;
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof value === 'string' && isHeaderValue(value);
}

/** Whether it can be a header's value. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text);
}

/** They are about the connection or the length of the body, so only the server sets them; see RFC 9110, section 7.6.1. */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The headers by their names in lower case, all values of a name that comes again; without those of the connection. */
export function answerHeaders(pairs: readonly Header[]): Record<string, string | string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (!ofConnection.has(key)) values.set(key, [...(values.get(key) ?? []), value]);
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, list.length === 1 ? list[0]! : list]));
}
