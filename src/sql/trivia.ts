import type { Comment } from './statement.ts';
import type { Offsets } from './offsets.ts';

/**
 * White space, comments and empty statements between two statements. Used only for a gap that PostgreSQL itself has
 * found, which contains nothing else. Comments nest, as in PostgreSQL.
 */
function* gap(sql: string, start: number, end: number): Generator<{ start: number; end: number; comment: boolean }> {
  let at = start;
  while (at < end) {
    const from = at;
    if (sql.startsWith('--', at)) {
      while (at < end && sql[at] !== '\n' && sql[at] !== '\r') at += 1;
      yield { start: from, end: at, comment: true };
    } else if (sql.startsWith('/*', at)) {
      at = blockEnd(sql, at, end);
      yield { start: from, end: at, comment: true };
    } else if (/[\s;]/.test(sql[at]!)) {
      at += 1;
    } else {
      return;
    }
    if (from === at) return;
  }
}

function blockEnd(sql: string, start: number, end: number): number {
  let depth = 0;
  let at = start;
  while (at < end) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 2;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else {
      at += 1;
    }
  }
  return end;
}

/** Offset of the first token at or after `start`. */
export function skipTrivia(sql: string, start: number): number {
  let at = start;
  for (const part of gap(sql, start, sql.length)) at = part.end;
  while (at < sql.length && /[\s;]/.test(sql[at]!)) at += 1;
  return at;
}

/** Says whether a text has a statement: anything but white space, comments and semicolons. */
export function hasStatements(sql: string): boolean {
  return skipTrivia(sql, 0) < sql.length;
}

/** The comments between two statements. */
export function commentsIn(sql: string, start: number, end: number, offsets: Offsets): Comment[] {
  const comments: Comment[] = [];
  for (const part of gap(sql, start, end)) {
    if (part.comment)
      comments.push({
        text: sql.slice(part.start, part.end),
        start: part.start,
        line: offsets.position(part.start).line,
      });
  }
  return comments;
}
