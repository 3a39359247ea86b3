import type { Migration } from './migration.ts';
import type { ParsedSql, Statement } from './statement.ts';
import { open } from './nodes.ts';
import type { Fields, Node, NodeType } from './nodes.ts';

/** A file, read and parsed. */
export interface Source {
  migration: Migration;
  parsed: ParsedSql;
}

/** Properties of every piece, whatever its type. */
interface AnyPiece {
  source: Source;
  /** The statement of the file that it is or is part of. */
  statement: Statement;
  /** Position in the run, counted over all files. */
  order: number;
  /** Offset in the file of a `location` in the tree. */
  at(location?: number): number;
  /** `do`: runs with the file. `routine`: runs when someone calls the function. */
  inside?: 'do' | 'routine';
  /** Whether it is inside an IF, a loop or a block that catches exceptions: it may never run, or fail silently. */
  guarded: boolean;
  /** The contents of its body, once `bodyPieces` has read it. */
  body?: BodyPieces;
}

/**
 * A statement as the checks see it: one of a file, or one inside a `DO` or function body. `node` holds the fields of
 * its parse tree; comparing `type` tells the compiler which fields those are.
 */
export type Piece<Type extends NodeType = NodeType> = {
  [Each in Type]: AnyPiece & { type: Each; node: Fields<Each> };
}[Type];

/** What the body of a `DO`, function or procedure holds. */
export interface BodyPieces {
  pieces: Piece[];
  /** Why the body does not parse, and where, as an offset in the file. */
  error?: { message: string; offset: number };
}

/** A statement of a file as a piece. */
export function pieceOf(source: Source, statement: Statement, order: number, tree: Node): Piece {
  // A tree omits a location of 0, which only the first statement of a file can have.
  const at = (location = -1): number => (location < 0 ? statement.start : source.parsed.offsetOf(statement, location));
  const [type, node] = open(tree);
  return { source, statement, order, type, node, at, guarded: false } as Piece;
}

/** The parse tree of a piece. */
export function treeOf({ type, node }: Pick<Piece, 'type' | 'node'>): Node {
  return { [type]: node } as Node;
}

/** A statement in the body of `piece`. */
export function innerPiece(
  { source, statement, order }: Piece,
  tree: Node,
  place: Pick<AnyPiece, 'at' | 'guarded' | 'inside'>,
): Piece {
  const [type, node] = open(tree);
  return { source, statement, order, type, node, ...place } as Piece;
}
