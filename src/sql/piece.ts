import type { Migration } from './migration.ts';
import type { ParsedSql, Statement } from './statement.ts';
import { open } from './nodes.ts';
import type { Node } from './nodes.ts';

/** A file, read and parsed. */
export interface Source {
  migration: Migration;
  parsed: ParsedSql;
}

/** A statement as the checks see it: one of a file, or one inside a `DO` or function body. */
export interface Piece {
  source: Source;
  /** The statement of the file that it is, or stands in. */
  statement: Statement;
  /** Place in the whole run, counted over all files. */
  order: number;
  type: string;
  node: Node;
  /** Offset in the file of a `location` in the tree. */
  at(location?: number): number;
  /** `do`: runs with the file. `routine`: runs when someone calls the function. */
  inside?: 'do' | 'routine';
  /** Stands in an IF, a loop or a block that catches exceptions: it may never run, or may fail in silence. */
  guarded: boolean;
  /** What its body holds, once that was asked for. */
  body?: BodyPieces;
}

/** What the body of a `DO`, function or procedure holds. */
export interface BodyPieces {
  pieces: Piece[];
  /** Why the body does not parse, and where, as an offset in the file. */
  error?: { message: string; offset: number };
}

/** The statement itself as a piece. */
export function pieceOf(source: Source, statement: Statement, order: number, tree: Node): Piece {
  const [type, node] = open(tree);
  // A tree leaves a location of 0 out, which only the first statement of a file can have.
  const at = (location = -1): number => (location < 0 ? statement.start : source.parsed.offsetOf(statement, location));
  return { source, statement, order, type, node, at, guarded: false };
}
