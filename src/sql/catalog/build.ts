import { createTurns } from '../../shared/turns.ts';
import type { Migration } from '../migration.ts';
import { bodyPieces } from '../bodies.ts';
import type { Piece, Source } from '../piece.ts';
import { pieceOf } from '../piece.ts';
import { recovered } from '../recover.ts';
import { rememberLast } from '../remember.ts';
import { parseSql } from '../split.ts';
import type { Statement } from '../statement.ts';
import { apply, ownSearchPath } from './effects.ts';
import type { Catalog } from './model.ts';
import { needsOf } from './needs.ts';
import { startingCatalog } from './start.ts';

/** Called for each statement before it changes the catalog, and for those that do not parse. */
export interface Visitor {
  source?(source: Source): void;
  statement?(statement: Statement, source: Source): void;
  /** A statement of a file, or one in a `DO` or routine body; `catalog` has the state before it. */
  piece?(piece: Piece, catalog: Catalog): void;
  /** A body that does not parse. */
  body?(piece: Piece, error: { message: string; offset: number }): void;
}

/** The order of a run: core first, each layer in the order given. */
function inRunOrder(migrations: readonly Migration[]): Migration[] {
  return [
    ...migrations.filter(({ layer }) => layer === 'core'),
    ...migrations.filter(({ layer }) => layer === 'extension'),
  ];
}

/**
 * Walks the migrations in the order of a run and returns what exists at the end. `loadParser()` must have been awaited.
 * Statements that do not parse are skipped, unless their meaning is obvious.
 */
export function buildCatalog(migrations: readonly Migration[], visitor: Visitor = {}): Catalog {
  const walk = walkFiles(migrations, visitor);
  for (;;) {
    const { done, value } = walk.next();
    if (done === true) return value;
  }
}

/** {@link buildCatalog}, with turns for signals and timers in between: many files take seconds. */
export async function buildCatalogInTurns(migrations: readonly Migration[], visitor: Visitor = {}): Promise<Catalog> {
  const turn = createTurns();
  const walk = walkFiles(migrations, visitor);
  for (;;) {
    const { done, value } = walk.next();
    if (done === true) return value;
    await turn();
  }
}

/** What the files build, and how. */
export interface BuiltFiles {
  catalog: Catalog;
  /** The statements of the files, and those in `DO` and routine bodies after the one that holds them. */
  pieces: readonly Piece[];
}

/**
 * {@link buildCatalogInTurns} and the pieces that it walks, for those who need nothing of the states in between. The last
 * result is kept. `loadParser()` must have been awaited.
 */
export const readFiles = rememberLast(async (migrations): Promise<BuiltFiles> => {
  const pieces: Piece[] = [];
  const catalog = await buildCatalogInTurns(migrations, { piece: (piece) => void pieces.push(piece) });
  return { catalog, pieces };
});

/** Stops before each statement. */
function* walkFiles(migrations: readonly Migration[], visitor: Visitor): Generator<undefined, Catalog> {
  const catalog = startingCatalog();
  let order = 0;
  for (const migration of inRunOrder(migrations)) {
    const source: Source = { migration, parsed: parseSql(migration.sql) };
    catalog.searchPath = ['public', 'extensions'];
    // Temporary objects and settings of one file's session are not visible to the next file.
    for (const [name, { temporary }] of catalog.tables) if (temporary === true) catalog.tables.delete(name);
    visitor.source?.(source);
    for (const statement of source.parsed.statements) {
      yield;
      visitor.statement?.(statement, source);
      order += 1;
      const { tree, creates } = statement.tree === undefined ? recovered(statement) : { tree: statement.tree };
      if (creates !== undefined) catalog.broken.add(creates);
      if (tree !== undefined) walkPiece(catalog, pieceOf(source, statement, order, tree), visitor);
    }
  }
  settle(catalog);
  return catalog;
}

function walkPiece(catalog: Catalog, piece: Piece, visitor: Visitor): void {
  visitor.piece?.(piece, catalog);
  catalog.needs.push(...needsOf(catalog, piece));
  const { pieces, error } = bodyPieces(piece);
  if (error !== undefined) visitor.body?.(piece, error);
  const outside = catalog.searchPath;
  catalog.searchPath = ownSearchPath(piece) ?? outside;
  for (const inner of pieces) {
    visitor.piece?.(inner, catalog);
    catalog.needs.push(...needsOf(catalog, inner));
    if (inner.inside === 'do') apply(catalog, inner);
  }
  if (piece.type === 'CreateFunctionStmt') catalog.searchPath = outside;
  apply(catalog, piece);
}

/**
 * Removes needs that are not errors: for tables whose CREATE does not parse, and in routines whose objects exist at the
 * end.
 */
function settle(catalog: Catalog): void {
  catalog.needs = catalog.needs.filter((need) => {
    if (need.kind === 'table' && catalog.broken.has(need.name)) return false;
    if (!need.late) return true;
    return !exists(catalog, need.kind, need.name);
  });
}

function exists(catalog: Catalog, kind: string, name: string): boolean {
  if (kind === 'table') return catalog.tables.has(name);
  if (kind === 'function') return catalog.routines.has(name);
  if (kind === 'type') return catalog.types.has(name) || catalog.tables.has(name);
  return kind === 'schema' && catalog.schemas.has(name);
}
