import { createTurns } from '../../shared/turns.ts';
import type { Migration } from '../migration.ts';
import { bodyPieces } from '../bodies.ts';
import { literalOf, walk } from '../nodes.ts';
import type { Fields, RangeVar } from '../nodes.ts';
import type { Piece, Source } from '../piece.ts';
import { pieceOf } from '../piece.ts';
import { recovered, wordsOf } from '../recover.ts';
import { rememberLast } from '../remember.ts';
import { parseInSteps } from '../split.ts';
import type { Statement } from '../statement.ts';
import { apply, ownSearchPath } from './effects.ts';
import { findRelation, findRoutines, isTemporary, newName } from './lookup.ts';
import type { Catalog, Site } from './model.ts';
import { callsIn, needsOf } from './needs.ts';
import { startingCatalog } from './start.ts';
import { bare } from './tables.ts';

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
    const source: Source = { migration, parsed: yield* parseInSteps(migration.sql) };
    catalog.searchPath = ['public', 'extensions'];
    // Temporary objects and settings of one file's session are not visible to the next file.
    for (const [name, { temporary, site }] of catalog.tables) {
      if (temporary !== true) continue;
      catalog.tables.delete(name);
      if (site !== undefined) catalog.ended.set(name.slice(name.indexOf('.') + 1), site);
    }
    visitor.source?.(source);
    for (const statement of source.parsed.statements) {
      yield;
      visitor.statement?.(statement, source);
      order += 1;
      const {
        tree,
        creates,
        grants = [],
      } = statement.tree === undefined ? recovered(statement) : { tree: statement.tree };
      if (creates !== undefined) catalog.broken.add(creates);
      for (const name of grants) catalog.unreadGrants.add(name);
      if (tree !== undefined) walkPiece(catalog, pieceOf(source, statement, order, tree), visitor);
    }
  }
  settle(catalog);
  return catalog;
}

function walkPiece(catalog: Catalog, piece: Piece, visitor: Visitor): void {
  visitor.piece?.(piece, catalog);
  catalog.needs.push(...needsOf(catalog, piece));
  noteCalls(catalog, piece, piece, new Set());
  // A schema is there before what is created with it; a routine is not there while its body is read.
  const isFirst = piece.type === 'CreateSchemaStmt';
  if (isFirst) apply(catalog, piece);
  const { pieces, error } = bodyPieces(piece);
  if (error !== undefined) visitor.body?.(piece, error);
  const outside = catalog.searchPath;
  const own = ownSearchPath(catalog, piece);
  catalog.searchPath = own ?? outside;
  for (const inner of pieces) {
    if (inner.inside === 'routine') noteMade(catalog, inner);
    visitor.piece?.(inner, catalog);
    catalog.needs.push(...needsOf(catalog, inner));
    if (inner.inside !== 'routine') {
      noteTexts(catalog, inner, inner);
      noteCalls(catalog, inner, inner, new Set());
      apply(catalog, inner);
    }
  }
  if (own !== undefined) catalog.searchPath = outside;
  if (!isFirst) apply(catalog, piece);
}

/** Records the tables and views that the routines make that a statement calls, and those that these call. */
function noteCalls(catalog: Catalog, piece: Piece, by: Piece, seen: Set<string>): void {
  for (const { funcname } of callsIn(piece)) {
    const lookup = findRoutines(catalog, funcname);
    for (const { name, body } of 'found' in lookup ? lookup.found : []) {
      if (body.length === 0 || seen.has(name)) continue;
      seen.add(name);
      for (const inner of body) {
        const made = madeBy(inner);
        const full = made === undefined ? '' : newName(catalog, made);
        if (made !== undefined && !catalog.madeByCalls.has(full)) catalog.madeByCalls.set(full, by);
        noteTexts(catalog, inner, by);
        noteCalls(catalog, inner, by, seen);
      }
    }
  }
}

/** The texts that a statement gives to routines. */
const textsGiven = (piece: Piece): string[] =>
  callsIn(piece).flatMap(({ args = [] }) => args.flatMap((argument) => literalOf(argument) ?? []));

/**
 * The names after CREATE TABLE or VIEW in texts that a statement or expression of a body holds, and that an EXECUTE completes; undefined
 * where it holds no such text, and empty where the text leaves the name open.
 */
function completedNames({ node }: Piece): readonly string[] | undefined {
  if (completing.has(node)) return completing.get(node);
  let names: string[] | undefined;
  walk(node, (type, fields) => {
    const text = type === 'A_Const' ? ((fields as Fields<'A_Const'>).sval?.sval ?? '') : '';
    // The scanner is asked where there can be such words at all.
    const words = /create/i.test(text) ? wordsOf(text).map((word) => word.text) : [];
    for (let at = words.indexOf('create'); at !== -1; at = words.indexOf('create', at + 1)) {
      // Between them: `or replace`, `unlogged`, `recursive`.
      const kind = words.slice(at + 1, at + 5).findIndex((word) => word === 'table' || word === 'view');
      if (kind === -1) continue;
      const rest = words.slice(at + kind + 2).join(' ');
      const [, name] = /^(?:if not exists )?(?:[\w$"]+ \. )?"?([a-z_][\w$]*?)_*"?(?: |$)/.exec(rest) ?? [];
      names = [...(names ?? []), ...(name === undefined ? [] : [name])];
    }
  });
  completing.set(node, names);
  return names;
}

const completing = new WeakMap<object, readonly string[] | undefined>();

/** Notes what a statement may make with dynamic SQL: what its texts name, and of a routine what a call names. */
function noteTexts(catalog: Catalog, piece: Piece, by: Piece): void {
  const names = completedNames(piece);
  if (names === undefined) return;
  const given = piece === by ? [] : textsGiven(by);
  for (const text of [...names, ...given]) if (!catalog.madeByTexts.has(text)) catalog.madeByTexts.set(text, by);
}

/** Whether a call gave a routine that makes tables with dynamic SQL this name, or the beginning of it. */
function mayBeMade(catalog: Catalog, name: string, { piece }: Site): boolean {
  const last = bare(name).toLowerCase();
  return [...catalog.madeByTexts].some(([text, call]) => {
    const given = bare(text).toLowerCase();
    return call.order <= piece.order && given !== '' && (last === given || last.startsWith(`${given}_`));
  });
}

/** The table or view that a statement makes. */
function madeBy({ type, node }: Piece): RangeVar | undefined {
  if (type === 'CreateStmt') return node.relation;
  if (type === 'ViewStmt') return node.view;
  return type === 'CreateTableAsStmt' ? node.into.rel : undefined;
}

/** Records the tables that a routine makes when it is called, and those that a trigger gives it. */
function noteMade(catalog: Catalog, { type, node }: Piece): void {
  const relation =
    type === 'CreateStmt'
      ? node.relation
      : type === 'CreateTableAsStmt'
        ? node.into.rel
        : type === 'SelectStmt' && isTemporary(node.intoClause?.rel)
          ? (node.intoClause?.rel as RangeVar)
          : undefined;
  if (relation !== undefined) catalog.madeByRoutines.add(relation.relname);
}

/**
 * Removes needs that are not errors: for things whose CREATE does not parse or fails, and in routines whose objects exist at the
 * end, or which make them, or which are gone or replaced by then.
 */
function settle(catalog: Catalog): void {
  const last = new Set(
    [...catalog.routines.values()].flatMap((overloads) => overloads.map(({ site }) => site?.piece.statement)),
  );
  catalog.needs = catalog.needs.filter(({ kind, name, site, late }) => {
    if ((kind === 'table' || kind === 'column' || kind === 'index') && catalog.broken.has(name)) return false;
    if (kind === 'table' && (catalog.madeByCalls.get(name)?.order ?? Infinity) <= site.piece.order) return false;
    if (kind === 'table' && mayBeMade(catalog, name, site)) return false;
    if (!late) return true;
    if (kind === 'table' && catalog.madeByRoutines.has(bare(name))) return false;
    return last.has(site.piece.statement) && !exists(catalog, kind, name);
  });
}

function exists(catalog: Catalog, kind: string, name: string): boolean {
  if (kind === 'table' || kind === 'sequence') {
    const [schemaname = '', ...relname] = name.split('.');
    return !('missing' in findRelation(catalog, { schemaname, relname: relname.join('.') }));
  }
  if (kind === 'function') return catalog.routines.has(name);
  if (kind === 'type') return catalog.types.has(name) || catalog.tables.has(name);
  return kind === 'schema' && catalog.schemas.has(name);
}
