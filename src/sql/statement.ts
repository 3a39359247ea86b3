import type { Node } from './nodes.ts';

/** A statement of a migration file, as split by PostgreSQL's own scanner. Offsets are UTF-16 code units in the file. */
export interface Statement {
  /** Exact text from the first token to the last, without the comments before it and without the `;`. */
  sql: string;
  /** Offset of the first token. */
  start: number;
  /** Offset after the last token, before the `;`. */
  end: number;
  /** 1-based position of `start`. */
  line: number;
  column: number;
  /** The comments between the previous statement and this one, and on the rest of its last line, as written. */
  comments: Comment[];
  /** libpg-query's node, e.g. `{ CreateStmt: {…} }`; undefined if the statement does not parse. */
  tree?: Node;
  /** The byte offset in the file that the tree's `location`s are relative to. */
  origin: number;
  /** Why it does not parse. `offset` is relative to the file. */
  error?: { message: string; offset: number; line: number; column: number };
}

export interface Comment {
  /** As written, with its `--` or `/* … *\/`. */
  text: string;
  start: number;
  line: number;
}

/** A file split into statements. One bad statement never hides the others. */
export interface ParsedSql {
  statements: Statement[];
  /** The comment at the top of the file, before the first statement; empty if there is none. */
  header: string;
  /** Comments that belong to no statement, on lines of their own after the last one. */
  trailing: Comment[];
  /** 1-based position of an offset in the file. */
  position(offset: number): { line: number; column: number };
  /** The offset in the file of a `location` in the statement's tree. */
  offsetOf(statement: Statement, location: number): number;
}
