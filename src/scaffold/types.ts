import { nearest } from '../shared/nearest.ts';

/** How a default of the type is checked before it reaches PostgreSQL. */
export type LiteralKind =
  'text' | 'integer' | 'number' | 'boolean' | 'uuid' | 'date' | 'time' | 'timestamp' | 'json' | 'none';

interface AcceptedType {
  literal: LiteralKind;
  aliases?: readonly string[];
  /** How many numbers it accepts in parentheses at most; default 0. */
  modifiers?: 1 | 2;
  /** Range of an integer, as powers of two. */
  bits?: 16 | 32 | 64;
  /** False if it has no order, so it can be neither unique nor indexed. */
  comparable?: false;
}

/** The PostgreSQL types that a column may have. */
const acceptedTypes: Readonly<Record<string, AcceptedType>> = {
  text: { literal: 'text' },
  varchar: { literal: 'text', aliases: ['character varying'], modifiers: 1 },
  char: { literal: 'text', aliases: ['character', 'bpchar'], modifiers: 1 },
  smallint: { literal: 'integer', aliases: ['int2'], bits: 16 },
  integer: { literal: 'integer', aliases: ['int', 'int4'], bits: 32 },
  bigint: { literal: 'integer', aliases: ['int8'], bits: 64 },
  numeric: { literal: 'number', aliases: ['decimal'], modifiers: 2 },
  real: { literal: 'number', aliases: ['float4'] },
  'double precision': { literal: 'number', aliases: ['float', 'float8', 'double'] },
  boolean: { literal: 'boolean', aliases: ['bool'] },
  uuid: { literal: 'uuid' },
  date: { literal: 'date' },
  time: { literal: 'time', aliases: ['time without time zone'] },
  timestamp: { literal: 'timestamp', aliases: ['timestamp without time zone'] },
  timestamptz: { literal: 'timestamp', aliases: ['timestamp with time zone'] },
  interval: { literal: 'none' },
  json: { literal: 'json', comparable: false },
  jsonb: { literal: 'json' },
  bytea: { literal: 'none' },
  inet: { literal: 'none' },
  cidr: { literal: 'none' },
  macaddr: { literal: 'none' },
  tsvector: { literal: 'none' },
  int4range: { literal: 'none' },
  numrange: { literal: 'none' },
  daterange: { literal: 'none' },
  tstzrange: { literal: 'none' },
};

/** Type names from other systems, with the PostgreSQL type that is meant. */
const habits: Readonly<Record<string, string>> = {
  string: 'text',
  str: 'text',
  email: 'text',
  url: 'text',
  enum: 'text(one|two)',
  number: 'numeric',
  money: 'numeric(12,2)',
  currency: 'numeric(12,2)',
  datetime: 'timestamptz',
  array: 'text[]',
  object: 'jsonb',
  blob: 'bytea',
  tinyint: 'smallint',
  serial: 'integer',
  bigserial: 'bigint',
  guid: 'uuid',
  nvarchar: 'text',
  ip: 'inet',
};

const byName = new Map<string, string>(
  Object.entries(acceptedTypes).flatMap(([name, { aliases = [] }]) =>
    [name, ...aliases].map((known) => [known, name] as const),
  ),
);

/** A type that a column may have, in its parts. */
export interface ColumnType {
  /** As SQL: `numeric(12,2)`, `text[]`. */
  sql: string;
  name: string;
  modifiers: number[];
  array: boolean;
  literal: LiteralKind;
  bits: number;
  comparable: boolean;
}

/** The canonical name of a type without modifiers, by name or alias in any case; undefined if there is none. */
export function typeName(words: string): string | undefined {
  return byName.get(words.toLowerCase());
}

/** Says whether the type takes numbers in parentheses, e.g. `numeric(12,2)`. */
export function takesModifiers(name: string): boolean {
  return acceptedTypes[name]?.modifiers !== undefined;
}

/**
 * Reads a type, e.g. `numeric(12, 2)`, `character varying(40)`, `text[]`; undefined if it is not an accepted type, or
 * its numbers are out of PostgreSQL's bounds.
 */
export function readType(text: string): ColumnType | undefined {
  const match = /^\s*([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d{1,8})\s*(?:,\s*(\d{1,8})\s*)?\))?\s*(\[\])?\s*$/i.exec(text);
  const name = match?.[1] === undefined ? undefined : typeName(match[1].replaceAll(/ +/g, ' '));
  const accepted = name === undefined ? undefined : acceptedTypes[name];
  if (match === null || name === undefined || accepted === undefined) return undefined;
  const modifiers = match
    .slice(2, 4)
    .filter((part) => part !== undefined)
    .map(Number);
  if (modifiers.length > (accepted.modifiers ?? 0) || !modifiersFit(name, modifiers)) return undefined;
  const array = match[4] !== undefined;
  return {
    sql: `${name}${modifiers.length > 0 ? `(${modifiers.join(',')})` : ''}${array ? '[]' : ''}`,
    name,
    modifiers,
    array,
    literal: accepted.literal,
    bits: accepted.bits ?? 0,
    comparable: accepted.comparable ?? true,
  };
}

/** PostgreSQL's bounds: numeric(1–1000, 0–precision), varchar(1–10485760). */
function modifiersFit(name: string, [first, second]: number[]): boolean {
  if (first === undefined) return true;
  if (name === 'numeric') return first >= 1 && first <= 1000 && (second ?? 0) <= first;
  return first >= 1 && first <= 10_485_760;
}

/** The accepted type, or the word accepted instead of a type, that was probably meant; undefined for none. */
export function suggestType(text: string, others: readonly string[] = []): string | undefined {
  const word = /[a-z][a-z0-9]*/i.exec(text)?.[0]?.toLowerCase() ?? '';
  const habit = Object.hasOwn(habits, word) ? habits[word] : undefined;
  return habit ?? typeName(word) ?? nearest(word, [...byName.keys(), ...others]);
}

/** Every accepted type, for help texts. */
export function acceptedTypeNames(): string[] {
  return Object.keys(acceptedTypes);
}
