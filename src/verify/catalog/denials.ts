/** Tables whose rows take something away from the user whom they name: blocks, bans, mutes, sessions that were revoked. */
import { isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { calledBodies } from './called-bodies.ts';
import type { Model } from './model.ts';
import { policiesFor } from './scope.ts';
import { names } from './staff.ts';
import { isTable } from './tenancy.ts';

/** Such a table, as far as policies tell. Whether a row of it holds anyone back, trying shows. */
export interface Denial {
  table: RelationRow;
  /** The columns that may name the user, or the session, that is held back. */
  holding: readonly string[];
  /** The table's other columns that the condition names. */
  asked: ReadonlySet<string>;
  /** The other tables whose policies ask for it. */
  askers: readonly RelationRow[];
  /** Its rows let a user in, and some no longer do. */
  isSeat?: boolean;
}

const known = new WeakMap<Model, readonly Denial[]>();

/** Finds the tables whose rows users may write and whose absence, or whose last row, policies of other tables ask for. Cached per model. */
export function findDenials(model: Model): readonly Denial[] {
  const denials = known.get(model) ?? [...model.tables.values()].flatMap((table) => denialOf(table, model));
  known.set(model, denials);
  return denials;
}

function denialOf(table: RelationRow, model: Model): Denial[] {
  if (!isTable(table) || table.partition || isPlatformSchema(table.schema)) return [];
  const isWritten = ['I', 'U', 'D'].some(
    (letter) => hasPrivilege(table, letter, model) && (!table.rls || policiesFor(table, letter, model).length > 0),
  );
  if (!isWritten) return [];
  const askers = model.dependencies.askers(qualifiedName(table)).filter((asker) => asker !== table && isTable(asker));
  const parts = new Map(askers.map((asker) => [asker, deniedParts(asker, table, model)]));
  const asking = askers.filter((asker) => parts.get(asker)!.length > 0);
  if (asking.length === 0) return [];
  const named = new Set<string>();
  walk([...parts.values()], (type, node) => {
    const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
    if (column !== undefined) named.add(column.name);
  });
  const holding = table.columns.filter(
    (column) =>
      named.has(column.name) &&
      (model.meaningOf(table, column) === 'user' || model.claims.comparedWith(table, column.name) === 'tenant'),
  );
  const holders = new Set(holding.map(({ name }) => name));
  const asked = new Set(table.columns.flatMap(({ name }) => (named.has(name) && !holders.has(name) ? [name] : [])));
  return holders.size === 0 ? [] : [{ table, holding: [...holders], asked, askers: asking }];
}

function hasPrivilege(table: RelationRow, letter: string, { userRole }: Model): boolean {
  return (
    table.grants[userRole]?.includes(letter) === true ||
    (letter !== 'D' && table.columnGrants[userRole]?.[letter as 'I' | 'U'] !== undefined)
  );
}

/** The parts of an asker's policies, and of what those call, that ask that no row of the table is there, or what its last one says. */
function deniedParts(asker: RelationRow, table: RelationRow, model: Model): unknown[] {
  const own = asker.policies
    .flatMap(({ using, check }) => [using, check])
    .flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  return [...own, ...calledBodies(own, model)]
    .flatMap((tree) => [...refusedIn(tree), ...lastRowsIn(tree, table, model)])
    .map((part) => [part, ...calledBodies([part], model)])
    .filter((reached) => reached.some((one) => names(one, table)));
}

/** What must not be: `NOT …`, `… IS NOT TRUE`, `… = false`, `count(…) = 0`, `(SELECT …) IS NULL`. */
function refusedIn(tree: unknown): unknown[] {
  const found: unknown[] = [];
  walk(tree, (type, node) => {
    if (type === 'BoolExpr' && node['boolop'] === 'NOT_EXPR') found.push(node['args']);
    if (type === 'BooleanTest' && ['IS_NOT_TRUE', 'IS_FALSE'].includes(String(node['booltesttype'])))
      found.push(node['arg']);
    if (type === 'NullTest' && node['nulltesttype'] === 'IS_NULL' && fields(node['arg'], 'SubLink') !== undefined)
      found.push(node['arg']);
    if (type === 'SubLink' && node['subLinkType'] === 'ALL_SUBLINK') found.push(node['subselect']);
    if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=') return;
    for (const [side, other] of [
      [node['lexpr'], node['rexpr']],
      [node['rexpr'], node['lexpr']],
    ])
      if (['0', 'false', 'f'].includes(constantOf(other) ?? '')) found.push(side);
  });
  return found;
}

/**
 * Queries of one row, the first in some order: a later row takes the place of an earlier one. One that gives a user says in whose
 * place another one acts, and holds nobody back.
 */
function lastRowsIn(tree: unknown, table: RelationRow, model: Model): unknown[] {
  const found: unknown[] = [];
  const users = new Set(table.columns.flatMap((one) => (model.meaningOf(table, one) === 'user' ? [one.name] : [])));
  walk(tree, (type, node) => {
    if (type !== 'SelectStmt' || node['sortClause'] === undefined || node['limitCount'] === undefined) return;
    const given = ((node['targetList'] ?? []) as unknown[]).map((target) => fields(target, 'ResTarget')?.['val']);
    if (given.some((value) => !users.has(columnOf(value)?.name ?? ''))) found.push({ SelectStmt: node });
  });
  return found;
}
