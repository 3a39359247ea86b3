/**
 * How values are sent and received, the same for every kind of database: as text. Numbers that JavaScript represents
 * exactly, booleans and JSON are converted; `bigint`, `numeric`, times and everything else stay text as PostgreSQL
 * prints it, so that nothing is rounded or moved to another time zone.
 */

type Parser = (text: string) => unknown;

/** OIDs of pg_type, the same in every PostgreSQL. */
const oid = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  jsonb: 3802,
} as const;

const scalars: Record<number, Parser> = {
  [oid.bool]: (text) => text === 't',
  [oid.int2]: Number,
  [oid.int4]: Number,
  [oid.oid]: Number,
  [oid.float4]: Number,
  [oid.float8]: Number,
  [oid.json]: (text) => JSON.parse(text) as unknown,
  [oid.jsonb]: (text) => JSON.parse(text) as unknown,
};

const asText: Parser = (text) => text;

/** Array types by OID, with the parser for their elements. */
const arrays: Record<number, Parser> = {
  1000: scalars[oid.bool]!,
  1005: Number,
  1007: Number,
  1028: Number,
  1021: Number,
  1022: Number,
  199: scalars[oid.json]!,
  3807: scalars[oid.jsonb]!,
  // "char", name, text, varchar, bpchar, int8, numeric, uuid, date, timestamp, timestamptz, regclass, regtype, regrole.
  ...Object.fromEntries(
    [1002, 1003, 1009, 1015, 1014, 1016, 1231, 2951, 1182, 1115, 1185, 2210, 2211, 4097].map((type) => [type, asText]),
  ),
};

/** Converts a value that PostgreSQL sent, by the OID of its type. */
export function parseValue(text: string | null, type: number): unknown {
  if (text === null) return null;
  const scalar = scalars[type];
  if (scalar) return scalar(text);
  const element = arrays[type];
  return element ? parseArray(text, element) : text;
}

/** Reads PostgreSQL's array syntax, `{a,"b,c",NULL,{d}}`, without leading bounds. */
function parseArray(text: string, element: Parser): unknown[] {
  let at = text.indexOf('{') + 1;
  const read = (): unknown[] => {
    const items: unknown[] = [];
    while (text[at] !== '}') {
      if (text[at] === '{') {
        at += 1;
        items.push(read());
      } else {
        items.push(readItem());
      }
      if (text[at] === ',') at += 1;
    }
    at += 1;
    return items;
  };
  const readItem = (): unknown => {
    let item = '';
    if (text[at] !== '"') {
      while (text[at] !== ',' && text[at] !== '}') item += text[at++];
      return item === 'NULL' ? null : element(item);
    }
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1;
      item += text[at];
    }
    at += 1;
    return element(item);
  };
  return read();
}

/**
 * A parameter as text: an array becomes PostgreSQL's array syntax, bytes `\x…`, a Date its ISO form, another object
 * JSON. Undefined is NULL.
 */
export function toParameter(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `{${value.map(toElement).join(',')}}`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function toElement(value: unknown): string {
  if (Array.isArray(value)) return toParameter(value) as string;
  const text = toParameter(value);
  return text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
