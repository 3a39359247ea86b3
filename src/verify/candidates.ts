import { createHash } from 'node:crypto';
import { quoteLiteral } from '../database/quote.ts';
import type { ColumnRow } from './catalog.ts';
import { constantOf, fields, nameParts, type Node, walk } from './expression.ts';
import { samplePattern } from './sample-pattern.ts';

/** What a CHECK says about the values that it accepts, as far as its constants tell. */
export interface Hints {
  texts: string[];
  numbers: number[];
  patterns: string[];
}

/** Gathers the constants and patterns of the CHECK expressions. */
export function hintsOf(expressions: readonly (Node | undefined)[]): Hints {
  const hints: Hints = { texts: [], numbers: [], patterns: [] };
  for (const expression of expressions) {
    walk(expression, (type, node) => {
      if (type === 'A_Expr') readOperator(node, hints);
      const constant = type === 'A_Const' ? constantOf({ A_Const: node }) : undefined;
      if (constant !== undefined) addConstant(constant, node, hints);
    });
  }
  return hints;
}

function addConstant(constant: string, node: Node, hints: Hints): void {
  if (node['sval'] !== undefined) hints.texts.push(constant);
  const number = Number(constant);
  if (constant !== '' && Number.isFinite(number)) hints.numbers.push(number);
}

function readOperator(node: Node, hints: Hints): void {
  const operator = nameParts(node['name']).at(-1) ?? '';
  const right = constantOf(node['rexpr']) ?? constantOf((fields(node['rexpr'], 'FuncCall')?.['args'] as unknown[] | undefined)?.[0]);
  if (right === undefined) return;
  if (operator === '~' || operator === '~*') hints.patterns.push(right);
  if (operator === '~~' || operator === '~~*') hints.texts.push(right.replaceAll('%', 'x').replaceAll('_', 'x'));
}

const commonTexts = [
  'abc', 'a', 'muse@example.com', 'https://example.com/a', '+15555550100', 'abc-def', 'Abc1', 'US', 'us', 'USD', 'en', 'en-US',
  '#aabbcc', 'UTC', '2026-01-01', '12:00', '1.0.0', '12345', '1', 'true', '', '192.0.2.1', 'example.com', '{}', '/a',
];

const types: readonly { is: RegExp; values: (hints: Hints, seed: number) => string[] }[] = [
  { is: /^boolean$/, values: () => ["'false'", "'true'"] },
  { is: /^(timestamp|date$)/, values: times },
  { is: /^time( |$)/, values: () => ["'12:00'", "'00:00'", "'23:00'"] },
  { is: /^interval/, values: () => ["'1 hour'", "'1 day'", "'1 month'", "'0'"] },
  { is: /^uuid$/, values: (_, seed) => [quoteLiteral(`00000000-0000-4000-8000-${String(seed).padStart(12, '0')}`)] },
  { is: /^jsonb?$/, values: (hints) => ["'{}'", "'[]'", "'[{}]'", "'\"a\"'", "'1'", "'null'", ...hints.texts.map((text) => quoteLiteral(JSON.stringify({ [text]: text })))] },
  { is: /^bytea$/, values: () => ["'\\x61'", "'\\x'"] },
  { is: /^(inet|cidr)$/, values: (_, seed) => [`'192.0.2.${seed % 250}'`] },
  { is: /^macaddr/, values: () => ["'08:00:2b:01:02:03'"] },
  { is: /range$/, values: () => ["'empty'"] },
  { is: /^point$/, values: () => ["'(0,0)'"] },
  { is: /^tsvector$/, values: () => ["''"] },
  { is: /^xml$/, values: () => ["'<a/>'"] },
  { is: /^bit/, values: () => ["'0'", "'1'"] },
  { is: /hstore$/, values: () => ["''"] },
  { is: /ltree$/, values: () => ["'a'"] },
];

/**
 * Values that a column might accept, most likely first, as SQL literals without a type.
 * @param seed differs from row to row, so that unique columns get different values
 * @param isFirst it is A's row
 */
export function candidatesFor(column: ColumnRow, hints: Hints, seed: number, isFirst = false): string[] {
  const { base } = column;
  if (column.labels !== null) return column.labels.map(quoteLiteral);
  if (base.endsWith('[]')) return arrays({ ...column, base: base.slice(0, -2) }, hints, seed);
  const dimensions = /vector\((\d+)\)$/.exec(base);
  if (dimensions !== null) return [`'[${Array<number>(Number(dimensions[1])).fill(0.5).join(',')}]'`];
  if (/^(smallint|integer|bigint|numeric|real|double precision|money|oid)/.test(base)) return numbers(base, hints, seed);
  const type = types.find(({ is }) => is.test(base));
  return type === undefined ? texts(column, hints, seed, isFirst) : type.values(hints, seed);
}

/** Longest text that the column takes, in characters. */
function longestText(base: string): number {
  return Number(/^(?:character varying|character|"char")\((\d+)\)/.exec(base)?.[1] ?? (base === 'character' ? 1 : Number.POSITIVE_INFINITY));
}

/** The text that stands for a secret: a row of A's that keeps a hash keeps this one's, so that a function that takes the secret finds it. */
export const knownSecret = 'muse';

/** Hashes of the secret that a column named for one may keep. */
function hashes(column: ColumnRow): string[] {
  if (!/hash|digest/.test(column.name)) return [];
  return ['sha256', 'md5', 'sha1', 'sha512'].map((algorithm) => createHash(algorithm).update(knownSecret).digest('hex'));
}

function texts(column: ColumnRow, hints: Hints, seed: number, isFirst: boolean): string[] {
  const patterns = hints.patterns.flatMap((pattern) => [samplePattern(pattern, seed), samplePattern(pattern, seed + 1)]);
  const sized = hints.numbers.filter((length) => length > 0 && length <= 5000)
    .flatMap((length) => [length, length + 1, length - 1]).map((length) => `${seed}`.padEnd(length, 'm').slice(0, length));
  // A mark may fit a pattern by chance, and the next row's mark not: what was made for the pattern goes first.
  const marks = [...patterns, markText(seed)];
  const all = [...(isFirst ? hashes(column) : []), ...hints.texts.filter((text) => !hints.patterns.includes(text)), ...marks, ...sized, ...commonTexts];
  const longest = longestText(column.base);
  return [...new Set(all.filter((text) => text.length <= longest))].map(quoteLiteral);
}

/** A text that no other row has. */
export function markText(seed: number): string {
  return `m${seed.toString(36)}muse`;
}

function arrays(element: ColumnRow, hints: Hints, seed: number): string[] {
  const elements = candidatesFor(element, hints, seed).slice(0, 6);
  return ["'{}'", ...elements.map((sql) => `array[${sql}]::${element.base}[]`), ...elements.slice(1, 3).map((sql) => `array[${elements[0]}, ${sql}]::${element.base}[]`)];
}

/** Largest absolute value of each type of whole numbers. */
const largest: Record<string, number> = { smallint: 32_767, integer: 2_147_483_647, bigint: Number.MAX_SAFE_INTEGER, oid: 2_147_483_647 };

/** A candidate that the type cannot hold would end the query that tries them all. */
function numbers(base: string, hints: Hints, seed: number): string[] {
  const [, digits, decimals] = /^numeric\((\d+),(-?\d+)\)/.exec(base) ?? [];
  const most = largest[base] ?? (digits === undefined ? Number.MAX_SAFE_INTEGER : 10 ** (Number(digits) - Number(decimals)) - 1);
  const halves = hints.numbers.flatMap((number) => [number + 0.5, number - 0.5, number / 2, number * 2, number + 0.01, number - 0.01]);
  const near = hints.numbers.flatMap((number) => [number, number + 1, number - 1, number + 2, number * 2]);
  const all = [1, ...near, ...(largest[base] === undefined ? halves : []), 0, 2, 10, 100, 1000, -1, seed];
  return [...new Set(all)].filter((number) => Math.abs(number) <= most && (largest[base] === undefined || Number.isInteger(number)) && (base !== 'oid' || number >= 0))
    .map((number) => quoteLiteral(String(number)));
}

function times(hints: Hints, seed: number): string[] {
  const day = 86_400_000;
  const near = [0, 1, 30, 400, -1].map((days) => new Date(Date.UTC(2026, 0, 1 + (seed % 20)) + days * day).toISOString());
  const named = hints.texts.filter((text) => !Number.isNaN(Date.parse(text)));
  return [...near.map(quoteLiteral), 'now()', "now() + interval '1 day'", "now() - interval '1 day'", ...named.map(quoteLiteral)];
}
