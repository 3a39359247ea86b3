/** A migration file's text as statements with their places, trees and comments. Pure. */
import type { RawStmt } from '@pgsql/types';
import { createTurns } from '../shared/turns.ts';
import { parseTree } from './parser.ts';
import type { Comment, ParsedSql, Statement } from './statement.ts';
import { offsetsOf } from './offsets.ts';
import type { Offsets } from './offsets.ts';
import { reusedSpans, type Span } from './reuse.ts';
import { placesOf } from './statement-spans.ts';
import { commentsIn, skipTrivia } from './trivia.ts';
import { tokensOf } from './tokens.ts';

/** Results are kept of texts up to this size together. */
const KEPT = 4 << 20;

/** So much of a text is parsed at once, in letters: that takes no second, and bounded memory. */
const AT_ONCE = 1 << 20;

/** More is never parsed at once. */
const MOST = 4 << 20;

/**
 * Splits a file into statements and parses each. `loadParser()` must have been awaited. Never throws: what PostgreSQL
 * cannot parse becomes a statement with an `error`.
 */
export function parseSql(sql: string): ParsedSql {
  const steps = parseInSteps(sql);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** {@link parseSql} that stops between parts of a text, for those that have other things to do meanwhile. */
export function* parseInSteps(sql: string): Generator<undefined, ParsedSql> {
  const parsed = recent.get(sql) ?? (large?.sql === sql ? large.parsed.deref() : undefined) ?? (yield* parseNow(sql));
  if (sql.length <= KEPT) keep(sql, parsed);
  else large = { sql, parsed: new WeakRef(parsed) };
  return parsed;
}

/** {@link parseSql} that lets signals and timers have their turn, for large texts. */
export async function parseInTurns(sql: string): Promise<ParsedSql> {
  const turn = createTurns();
  for (const steps = parseInSteps(sql); ;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turn();
  }
}

/** The last result of a larger text, as long as it is in use. */
let large: { sql: string; parsed: WeakRef<ParsedSql> } | undefined;

/**
 * Results by text, the one that was asked for last at the end, because one run parses the same files several times: in the
 * scaffold, lint, the catalog, directives, the rehearsal. A result is never modified.
 */
const recent = new Map<string, ParsedSql>();
let recentLength = 0;

/** Keeps a result as long as the texts of those that were asked for since are not longer than {@link KEPT} together. */
function keep(sql: string, parsed: ParsedSql): void {
  if (!recent.delete(sql)) recentLength += sql.length;
  recent.set(sql, parsed);
  for (const key of keysOf(sql)) latest.set(key, sql);
  for (const [oldest] of recent) {
    if (recentLength <= KEPT) break;
    recent.delete(oldest);
    for (const key of keysOf(oldest)) if (latest.get(key) === oldest) latest.delete(key);
    recentLength -= oldest.length;
  }
}

function* parseNow(sql: string): Generator<undefined, ParsedSql> {
  const offsets = offsetsOf(sql);
  const spans: Span[] = edited(sql, offsets) ?? (yield* partByPart(sql, offsets));
  const statements: Statement[] = [];
  let previousEnd = 0;
  for (const span of spans) {
    yield;
    const comments = commentsIn(sql, previousEnd, span.start, offsets);
    const own = attach(comments, statements.at(-1), previousEnd, sql);
    statements.push(statementAt(sql, span, own, offsets));
    previousEnd = span.end;
  }
  const trailing = attach(commentsIn(sql, previousEnd, sql.length, offsets), statements.at(-1), previousEnd, sql);
  return {
    statements,
    header: headerOf(statements[0]?.comments ?? trailing, statements[0]?.start ?? sql.length),
    trailing,
    position: offsets.position,
    offsetOf: (statement, location) => offsets.fromByte(statement.origin + location),
  };
}

/**
 * The statements of a file. PostgreSQL parses as much as it can at once: what it reads up to a semicolon as whole statements ends
 * with one. From the first part that it cannot read, its scanner tells the statements.
 */
function* partByPart(sql: string, offsets: Offsets): Generator<undefined, Span[]> {
  const spans: Span[] = [];
  for (let start = 0; start < sql.length;) {
    let raw: ReturnType<typeof parseTree> | undefined;
    let end: number | undefined;
    // A part may end inside a literal or a body: a longer one does not.
    for (const size of [AT_ONCE, 2 * AT_ONCE, MOST]) {
      const wider = endOfPart(sql, start, size);
      if (wider === undefined || wider === end) continue;
      end = wider;
      raw = parseTree(sql.slice(start, end));
      if (Array.isArray(raw)) break;
      yield;
    }
    if (end === undefined || !Array.isArray(raw)) {
      const rest = start === 0 ? sql : sql.slice(start);
      for (const place of placesOf(tokensOf(rest), rest))
        spans.push({ start: place.start + start, end: place.end + start });
      return spans;
    }
    for (const span of spansOf(sql, offsets, raw, offsets.toByte(start), end)) spans.push(span);
    start = end;
    yield;
  }
  return spans;
}

/** The end of the part of a size that begins at `start`: after the last semicolon at the end of a line, where the text is longer. */
function endOfPart(sql: string, start: number, size: number): number | undefined {
  if (sql.length - start <= size) return sql.length;
  const last = Math.max(sql.lastIndexOf(';\n', start + size), sql.lastIndexOf(';\r', start + size));
  return last < start ? undefined : last + 1;
}

/**
 * The places of statements.
 * @param origin the byte offset at which the text that they were parsed from begins
 * @param until where it ends
 */
function spansOf(sql: string, offsets: Offsets, raw: readonly RawStmt[], origin: number, until: number): Span[] {
  return raw.map(({ stmt, stmt_location: location = 0, stmt_len: length }) => {
    const start = skipTrivia(sql, offsets.fromByte(origin + location));
    const end = length === undefined ? until : offsets.fromByte(origin + location + length);
    return { start, end: lastTokenEnd(sql, start, end), tree: stmt, origin };
  });
}

/** What is left of the last text that begins or ends as this one does, with what is new in it. */
function edited(sql: string, offsets: Offsets): Span[] | undefined {
  for (const key of keysOf(sql)) {
    const last = latest.get(key);
    const parsed = last === undefined || last === sql ? undefined : recent.get(last);
    if (parsed === undefined) continue;
    const spans = reusedSpans(sql, { sql: last!, parsed }, offsets, (...part) => spansOf(sql, offsets, ...part));
    if (spans !== undefined) return spans;
  }
  return undefined;
}

/** The last text by its beginning and by its end, of those in {@link recent}. */
const latest = new Map<string, string>();

/** So many letters tell the files of a kit apart. */
const keyLength = 256;

function keysOf(sql: string): [string, string] {
  return [`${sql.slice(-keyLength)} $`, `^ ${sql.slice(0, keyLength)}`];
}

/** End of the last token: white space and comments before the `;` are not part of a statement. */
function lastTokenEnd(sql: string, start: number, end: number): number {
  const text = sql.slice(start, end).trimEnd();
  const lastLine = text.slice(text.lastIndexOf('\n') + 1);
  if (!lastLine.includes('--') && !text.endsWith('*/')) return start + text.length;
  let last = start;
  for (const token of tokensOf(text)) if (!token.name.endsWith('_COMMENT')) last = start + token.end;
  return last;
}

function statementAt(sql: string, span: Span, comments: Comment[], offsets: Offsets): Statement {
  const { start, end } = span;
  const statement: Statement = {
    sql: sql.slice(start, end),
    start,
    end,
    ...offsets.position(start),
    comments,
    origin: span.origin ?? 0,
  };
  if (span.tree !== undefined) return { ...statement, tree: span.tree };
  statement.origin = offsets.toByte(start);
  const raw = parseTree(statement.sql);
  if (!Array.isArray(raw)) {
    const offset = Math.min(offsets.fromCharacters(start, raw.position), end);
    statement.error = { message: shortened(raw.message), offset, ...offsets.position(offset) };
  } else if (raw[0]?.stmt !== undefined) {
    statement.tree = raw[0].stmt;
  }
  return statement;
}

/** So much of the text at which an error is tells where it is. */
const mostQuoted = 60;

/** A message that quotes only the beginning of what never ends: PostgreSQL quotes all of it. */
function shortened(message: string): string {
  const [, before, near] = /^(.* at or near ")([^]*)"$/.exec(message) ?? [];
  if (before === undefined || near === undefined) return message;
  const [line = ''] = near.split(/[\r\n]/, 1);
  const shown = line.length > mostQuoted ? line.slice(0, mostQuoted) : line;
  return shown === near ? message : `${before}${shown}…"`;
}

/** Assigns the comments on the rest of the previous statement's last line to that statement, and returns the others. */
function attach(comments: Comment[], previous: Statement | undefined, previousEnd: number, sql: string): Comment[] {
  if (previous === undefined) return comments;
  const newline = sql.indexOf('\n', previousEnd);
  const lineEnd = newline === -1 ? sql.length : newline;
  previous.comments.push(...comments.filter((comment) => comment.start < lineEnd));
  return comments.filter((comment) => comment.start >= lineEnd);
}

/** The comments before the first statement. */
function headerOf(comments: readonly Comment[], end: number): string {
  return comments
    .filter((comment) => comment.start < end)
    .map((comment) => comment.text)
    .join('\n');
}
