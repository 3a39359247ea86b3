/** Whether a condition compares a column with what the user's own row in another table holds, also by helpers that are given the column. */
import type { FunctionRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, type Node, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { RoutineBody } from './bodies.ts';
import { givenColumn, givenToVariable, readsFrom, type Routines } from './given-columns.ts';

/** How deep helpers are followed. */
const deepest = 3;

/** What it needs of a model. */
export interface OwnRows extends Routines {
  /** An expression gives the current user's ID. */
  isWhoAsks(node: unknown): boolean;
}

/** A condition, and what in it stands for the column. */
interface Place {
  tree: unknown;
  isColumn: (node: unknown) => boolean;
  /** Where variables have their values; none outside of a helper. */
  assigned: RoutineBody['assigned'];
}

/**
 * The column is compared, for equality or in a list, with what a query or a helper gives of the other table's column, or with that column
 * of the row there that is the user's: `club_id = my_club()`, `exists (select … where p.id = auth.uid() and p.club_id = meetings.club_id)`,
 * `is_in(club_id)`.
 * @param tree a policy's condition
 * @param given the other table's column
 */
export function comparesWithOwn(
  tree: unknown,
  { name }: RelationRow,
  column: string,
  other: RelationRow,
  given: string,
  model: OwnRows,
): boolean {
  const isColumn = (node: unknown): boolean => {
    // A row without it may be taken for everybody's: it is whose the row is all the same.
    const [first = node] = (fields(node, 'CoalesceExpr')?.['args'] as unknown[] | undefined) ?? [];
    const found = columnOf(first);
    return found?.name === column && (found.qualifier === undefined || found.qualifier === name);
  };
  return compares({ tree, isColumn, assigned: [] }, other, given, model, 0);
}

function compares(place: Place, other: RelationRow, given: string, model: OwnRows, depth: number): boolean {
  const { tree, isColumn, assigned } = place;
  const gives = (node: unknown): boolean =>
    (givenColumn(node, other, model) ?? givenToVariable(columnOf(node)?.name, assigned, other, model)) === given;
  let found = false;
  walk(tree, (type, node) => {
    found ||=
      (type === 'A_Expr' && equates(node, isColumn, gives)) ||
      (type === 'SubLink' && isColumn(node['testexpr']) && givenColumn({ SubLink: node }, other, model) === given) ||
      (type === 'SelectStmt' && asksOwnRow(node, isColumn, other, given, model)) ||
      (type === 'FuncCall' && depth < deepest && comparesInHelper(node, place, other, given, model, depth));
    return !found;
  });
  return found;
}

/** An equality of the two, in any order. */
function equates(node: Node, isOne: (node: unknown) => boolean, isOther: (node: unknown) => boolean): boolean {
  return (
    nameParts(node['name']).at(-1) === '=' &&
    [
      [node['lexpr'], node['rexpr']],
      [node['rexpr'], node['lexpr']],
    ].some(([one, another]) => isOne(one) && isOther(another))
  );
}

/** A query of the other table asks of its row that it is the user's, and that it has the same in its column. */
function asksOwnRow(
  select: Node,
  isColumn: (node: unknown) => boolean,
  other: RelationRow,
  given: string,
  model: OwnRows,
): boolean {
  if (!readsFrom(select['fromClause'], other)) return false;
  const names = new Set([other.name]);
  walk(select['fromClause'], (type, range) => {
    const alias = (range['alias'] as Node | undefined)?.['aliasname'];
    if (type === 'RangeVar' && range['relname'] === other.name && typeof alias === 'string') names.add(alias);
  });
  const isOf = (node: unknown, isNamed: (name: string) => boolean): boolean => {
    const found = columnOf(node);
    return found !== undefined && isNamed(found.name) && (found.qualifier === undefined || names.has(found.qualifier));
  };
  const isGiven = (node: unknown): boolean => isOf(node, (name) => name === given);
  const isKey = (node: unknown): boolean => isOf(node, (name) => other.columns.some((one) => one.name === name));
  let [isSame, isOwn] = [false, false];
  walk([select['fromClause'], select['whereClause']], (type, node) => {
    if (type !== 'A_Expr') return;
    isSame ||= equates(node, isColumn, isGiven);
    isOwn ||= equates(node, isKey, (one) => model.isWhoAsks(one));
  });
  return isSame && isOwn;
}

/** The same in the body of a helper, of the argument that is given the column. */
function comparesInHelper(
  call: Node,
  { isColumn }: Place,
  other: RelationRow,
  given: string,
  model: OwnRows,
  depth: number,
): boolean {
  const all = (call['args'] as unknown[] | undefined) ?? [];
  const place = all.findIndex((one) => isColumn(fields(one, 'NamedArgExpr')?.['arg'] ?? one));
  const parts = nameParts(call['funcname']);
  const routine = model.catalog.functions.find(
    ({ name, schema }) => name === parts.at(-1) && (parts.length === 1 || schema === parts.at(-2)),
  );
  if (place === -1 || routine === undefined) return false;
  const named = fields(all[place], 'NamedArgExpr')?.['name'];
  const number = typeof named === 'string' ? routine.argumentNames.indexOf(named) : place;
  const { trees, assigned } = model.sources.body(routine);
  const isArgument = (node: unknown): boolean => isArgumentOf(routine, number, node);
  return compares({ tree: trees, isColumn: isArgument, assigned }, other, given, model, depth + 1);
}

/** The routine's argument of that number, from 0: by its name or by `$1`, with or without a cast. */
function isArgumentOf(routine: FunctionRow, number: number, node: unknown): boolean {
  const { name, argumentNames } = routine;
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return isArgumentOf(routine, number, cast['arg']);
  if (fields(node, 'ParamRef')?.['number'] === number + 1) return true;
  const found = columnOf(node);
  return (
    found !== undefined &&
    found.name !== '' &&
    found.name === argumentNames[number] &&
    (found.qualifier === undefined || found.qualifier === name)
  );
}
