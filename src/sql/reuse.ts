/** Trees for a text from an earlier version of it: a repair changes few statements of a file at a time. Pure. */
import type { RawStmt } from '@pgsql/types';
import type { Offsets } from './offsets.ts';
import type { Node } from './nodes.ts';
import { parseTree } from './parser.ts';
import type { ParsedSql, Statement } from './statement.ts';
import type { Place } from './statement-spans.ts';
import { skipTrivia } from './trivia.ts';

/** Where a statement is, with its tree, whose `location`s are relative to the byte offset `origin`. */
export interface Span extends Place {
  tree?: Node | undefined;
  origin?: number;
}

/** A text that was parsed. */
export interface Version {
  sql: string;
  parsed: ParsedSql;
}

/** Parsing shorter texts takes no time. */
const shortest = 512;

/**
 * The statements of a text whose beginning and end an earlier one has, too: those in between alone are parsed.
 * @param spansOf the statements of a part of the text that was parsed, from the byte offset at which it begins
 * @returns undefined where little is the same, or where what is different does not parse by itself
 */
export function reusedSpans(
  sql: string,
  before: Version,
  offsets: Offsets,
  spansOf: (raw: readonly RawStmt[], origin: number, end: number) => Span[],
): Span[] | undefined {
  const { sql: old, parsed } = before;
  const { statements } = parsed;
  if (sql.length < shortest || statements.some(({ tree }) => tree === undefined)) return undefined;
  const [head, tail] = commonEnds(old, sql);
  if ((head + tail) * 2 < sql.length) return undefined;
  const moved = sql.length - old.length;
  const ends = statements.map((statement) => endOf(statement, old));
  const first = ends.findLastIndex((end) => end !== undefined && end <= head) + 1;
  const from = first === 0 ? 0 : ends[first - 1]!;
  const kept = statements.slice(0, first);
  const movedBytes = offsets.toByte(sql.length) - Buffer.byteLength(old);
  const shifted = (some: readonly Statement[]): Span[] =>
    some.map(({ start, end, tree, origin }) => ({
      start: start + moved,
      end: end + moved,
      tree,
      origin: origin + movedBytes,
    }));
  // Only comments and white space differ.
  const next = statements[first];
  if (next !== undefined && next.start >= old.length - tail && isTrivia(sql, from, next.start + moved))
    return [...kept, ...shifted(statements.slice(first))];
  const after = ends.findIndex((end, index) => index >= first && end !== undefined && end - 1 >= old.length - tail);
  const until = after === -1 ? sql.length : ends[after]! + moved;
  // From the semicolon on: no tree in it omits its location, as one at the beginning of a text does.
  const start = Math.max(0, from - 1);
  if (until <= start) return undefined;
  const text = sql.slice(start, until);
  const raw = parseTree(text);
  if (!Array.isArray(raw) || (after !== -1 && !endsAt(raw, Buffer.byteLength(text) - 1))) return undefined;
  return [
    ...kept,
    ...spansOf(raw, offsets.toByte(start), until),
    ...(after === -1 ? [] : shifted(statements.slice(after + 1))),
  ];
}

/** So many characters are compared at once, which takes the time of a few. */
const step = 1024;

/** How many characters two texts begin and end with alike; no character is counted twice. */
function commonEnds(one: string, other: string): [number, number] {
  const least = Math.min(one.length, other.length);
  let head = 0;
  while (head + step <= least && one.slice(head, head + step) === other.slice(head, head + step)) head += step;
  while (head < least && one.charCodeAt(head) === other.charCodeAt(head)) head += 1;
  let tail = 0;
  while (
    tail + step <= least - head &&
    one.slice(-tail - step, one.length - tail) === other.slice(-tail - step, other.length - tail)
  )
    tail += step;
  while (tail < least - head && one.charCodeAt(one.length - 1 - tail) === other.charCodeAt(other.length - 1 - tail))
    tail += 1;
  return [head, tail];
}

/** The offset after a statement's semicolon; undefined where a comment is before it, or there is none. */
function endOf({ end }: Statement, sql: string): number | undefined {
  const semicolon = /[ \t\r\n]*;/y;
  semicolon.lastIndex = end;
  return semicolon.test(sql) ? semicolon.lastIndex : undefined;
}

/** Says whether there is nothing but comments, white space and semicolons between two places, by PostgreSQL's notion of white space. */
function isTrivia(sql: string, from: number, to: number): boolean {
  return skipTrivia(sql, from) === to && !/[^\S \t\n\r\f\v]/.test(sql.slice(from, to));
}

/** Says whether the last statement ends with the semicolon at a byte offset: it is in no comment and no string. */
function endsAt(raw: readonly RawStmt[], byte: number): boolean {
  const { stmt_location: location = 0, stmt_len: length } = raw.at(-1) ?? {};
  return length !== undefined && location + length === byte;
}
