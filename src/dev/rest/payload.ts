import { readBody } from '../body.ts';
import type { DevRequest } from '../service.ts';
import { RestFailure } from './failure.ts';
import { parseMediaType } from './media.ts';

/** The body of a request. */
export type Payload =
  /** JSON as it was sent, so that no number loses digits. */
  | { kind: 'json'; text: string; isObject: boolean; keys: readonly string[] }
  /** The fields of a form, as arguments of a function. */
  | { kind: 'arguments'; list: readonly (readonly [name: string, value: string])[] }
  /** As it is, for the only parameter of a function. */
  | { kind: 'raw'; content: string | Uint8Array };

export interface PayloadOptions {
  /** The body holds the arguments of a function. */
  forCall: boolean;
  /** The `columns` parameter: the body's keys are not looked at. */
  columns: readonly string[] | undefined;
}

function invalid(message: string): RestFailure {
  return new RestFailure({ status: 400, code: 'PGRST102', message });
}

/** The body's media type; JSON where the request does not say. */
export function contentTypeOf({ headers }: Pick<DevRequest, 'headers'>): string {
  return parseMediaType(headers['content-type'] ?? 'application/json').type;
}

/**
 * Reads the body of a request.
 * @throws RestFailure PGRST102 where it is not what its type says
 */
export async function readPayload(request: DevRequest, options: PayloadOptions): Promise<Payload> {
  const bytes = await readBody(request.body);
  const type = contentTypeOf(request);
  if (options.forCall && type === 'application/octet-stream') return { kind: 'raw', content: bytes };
  const text = bytes.toString('utf8');
  if (options.forCall && (type === 'text/plain' || type === 'text/xml')) return { kind: 'raw', content: text };
  switch (type) {
    case 'application/json':
      return parseJson(text, options);
    case 'text/csv':
      return jsonPayload(JSON.stringify(parseCsv(text)));
    case 'application/x-www-form-urlencoded': {
      const fields = [...new URLSearchParams(text)];
      return options.forCall
        ? { kind: 'arguments', list: fields }
        : jsonPayload(JSON.stringify(Object.fromEntries(fields)));
    }
    default:
      throw invalid(`Content-Type not acceptable: ${type}`);
  }
}

function parseJson(text: string, { forCall, columns }: PayloadOptions): Payload {
  if (columns !== undefined) return { kind: 'json', text, isObject: /^\s*\{/.test(text), keys: columns };
  return jsonPayload(text === '' && forCall ? '{}' : text);
}

function jsonPayload(text: string): Payload {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('Empty or invalid json');
  }
  if (!Array.isArray(value)) {
    if (!isObject(value)) return { kind: 'json', text: '[]', isObject: false, keys: [] };
    return { kind: 'json', text, isObject: true, keys: Object.keys(value) };
  }
  const [first] = value as unknown[];
  if (first === undefined) return { kind: 'json', text: '[]', isObject: false, keys: [] };
  const keys = isObject(first) ? Object.keys(first) : undefined;
  const uniform = (row: unknown) => isObject(row) && sameKeys(Object.keys(row), keys as string[]);
  if (keys === undefined || !value.every(uniform)) throw invalid('All object keys must match');
  return { kind: 'json', text, isObject: false, keys };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameKeys(keys: readonly string[], expected: readonly string[]): boolean {
  return keys.length === expected.length && expected.every((key) => keys.includes(key));
}

/** Objects by the names in the first line; `NULL` is null. */
function parseCsv(text: string): Record<string, string | null>[] {
  const [header, ...lines] = csvLines(text);
  if (header === undefined) throw invalid('Empty or invalid csv');
  return lines.map((line) => {
    if (line.length !== header.length) throw invalid('All lines must have same number of fields');
    return Object.fromEntries(header.map((name, nr) => [name, line[nr] === 'NULL' ? null : (line[nr] as string)]));
  });
}

function csvLines(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  while (field.lastIndex < text.length || line.length > 0) {
    const match = field.exec(text);
    if (!match) throw invalid('Empty or invalid csv');
    line.push(match[1] === undefined ? (match[2] as string) : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    lines.push(line);
    line = [];
  }
  return lines;
}
