import { RestFailure } from './failure.ts';

/** How rows become a body. `none` for HEAD, and for a write that returns nothing. */
export type Format = 'json' | 'stripped-json' | 'object' | 'stripped-object' | 'csv' | 'geojson' | 'none';

export interface ExplainOptions {
  format: 'TEXT' | 'JSON';
  options: readonly string[];
}

/** What a request wants to get. */
export interface Accepted {
  format: Format;
  /** The Content-Type of the answer. */
  contentType: string;
  /** The plan of the query is wanted, not its result. */
  explain: ExplainOptions | undefined;
}

/** A media type, with its parameters in lower case. */
export interface MediaType {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

/** Reads one media type; never fails. */
export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = splitOutsideQuotes(text, ';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals === -1) continue;
    const value = part.slice(equals + 1).trim();
    parameters.set(part.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1'));
  }
  return { type: type.toLowerCase(), parameters };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [''];
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (character === separator && !quoted) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

const utf8 = '; charset=utf-8';

/**
 * Chooses what to answer by the Accept header: the first that there is, by its weight.
 * @throws RestFailure PGRST107 where there is none
 */
export function negotiate(accept: string | undefined): Accepted {
  const wanted = splitOutsideQuotes(accept ?? '*/*', ',')
    .filter((part) => part.trim() !== '')
    .map((part) => ({ text: part.trim(), media: parseMediaType(part) }));
  const weight = ({ media }: { media: MediaType }) => Number(media.parameters.get('q') ?? 1) || 0;
  const sorted = [...wanted].sort((a, b) => weight(b) - weight(a));
  for (const { media } of sorted) {
    const accepted = acceptedOf(media);
    if (accepted) return accepted;
  }
  throw new RestFailure({
    status: 406,
    code: 'PGRST107',
    message: `None of these media types are available: ${wanted.map(({ text }) => text).join(', ')}`,
  });
}

function acceptedOf(media: MediaType): Accepted | undefined {
  const { type, parameters } = media;
  const plan = /^application\/vnd\.pgrst\.plan(?:\+(text|json))?$/.exec(type);
  if (plan) return planOf(parameters, plan[1] === 'json' ? 'JSON' : 'TEXT');
  const stripped = parameters.get('nulls') === 'stripped';
  const plain = (format: Format, contentType: string): Accepted => ({
    format,
    contentType: contentType + utf8,
    explain: undefined,
  });
  switch (type) {
    case '*/*':
    case 'application/*':
    case 'application/json':
      return plain('json', 'application/json');
    case 'application/vnd.pgrst.array':
    case 'application/vnd.pgrst.array+json':
      return stripped
        ? plain('stripped-json', 'application/vnd.pgrst.array+json;nulls=stripped')
        : plain('json', 'application/json');
    case 'application/vnd.pgrst.object':
    case 'application/vnd.pgrst.object+json':
      return stripped
        ? plain('stripped-object', 'application/vnd.pgrst.object+json;nulls=stripped')
        : plain('object', 'application/vnd.pgrst.object+json');
    case 'text/csv':
      return plain('csv', 'text/csv');
    case 'application/geo+json':
      return plain('geojson', 'application/geo+json');
    default:
      return undefined;
  }
}

const explainOptions = ['analyze', 'verbose', 'settings', 'buffers', 'wal'];

function planOf(parameters: ReadonlyMap<string, string>, format: 'TEXT' | 'JSON'): Accepted | undefined {
  const result = acceptedOf(parseMediaType(parameters.get('for') ?? 'application/json'));
  if (result === undefined || result.explain) return undefined;
  const given = parameters.get('options')?.split('|') ?? [];
  const options = explainOptions.filter((option) => given.includes(option));
  const target = result.contentType.slice(0, -utf8.length);
  const list = options.length === 0 ? '' : `; options=${options.join('|')}`;
  return {
    format: result.format,
    contentType: `application/vnd.pgrst.plan+${format.toLowerCase()}; for="${target}"${list}${utf8}`,
    explain: { format, options: options.map((option) => option.toUpperCase()) },
  };
}

/** Whether exactly one row must come. */
export function isSingular(format: Format): boolean {
  return format === 'object' || format === 'stripped-object';
}
