/** Tables in which SQL only adds to numbers: `balance = balance + amount`. */
import { allOf, fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import { valuesOf } from './written-values.ts';

/** The names of tables, without their schemas, whose rows the statements change in no other way, and none of which they delete. */
export function countedTables(trees: readonly Node[]): Set<string> {
  const counted = new Set<string>();
  const others = new Set<string>();
  walk(trees, (type, fields) => {
    if (type === 'DeleteStmt') others.add(fields.relation.relname);
    if (type !== 'UpdateStmt') return;
    const adds = valuesOf(type, fields).every(([column, value]) => isSum(value, column));
    (adds ? counted : others).add(fields.relation.relname);
  });
  return new Set([...counted].filter((name) => !others.has(name)));
}

/** It is the column, with something added to it or taken away. */
function isSum(node: unknown, column: string): boolean {
  const sum = fieldsOf(node, 'A_Expr');
  if (sum === undefined || !/^[+-]$/.test(stringsOf(sum.name).at(-1) ?? '')) return false;
  return isColumn(sum.lexpr, column) || isColumn(sum.rexpr, column) || isSum(sum.lexpr, column);
}

function isColumn(node: unknown, column: string): boolean {
  const coalesce = fieldsOf(node, 'CoalesceExpr');
  return coalesce === undefined
    ? stringsOf(fieldsOf(node, 'ColumnRef')?.fields).at(-1) === column
    : isColumn(coalesce.args?.[0], column);
}

/**
 * It is how many rows there are, or what they have on average: the column one up or down, or a query for `count` or `avg`.
 * @param column the column that the value is for
 */
export function isTally(node: unknown, column: string): boolean {
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return isTally(cast.arg, column);
  const several = fieldsOf(node, 'MultiAssignRef');
  if (several !== undefined) return isTally(several.source, column);
  const choice = fieldsOf(node, 'MinMaxExpr') ?? fieldsOf(node, 'CoalesceExpr');
  if (choice !== undefined)
    return (choice.args ?? []).every((one) => constantOf(one) !== undefined || isTally(one, column));
  const sum = fieldsOf(node, 'A_Expr');
  if (sum !== undefined)
    return /^[+-]$/.test(stringsOf(sum.name).at(-1) ?? '') && isColumn(sum.lexpr, column) && isNumber(sum.rexpr);
  const call = fieldsOf(node, 'FuncCall');
  if (call !== undefined) {
    const name = stringsOf(call.funcname).at(-1) ?? '';
    if (name === 'count' || name === 'avg') return true;
    return name === 'round' && isTally(call.args?.[0], column);
  }
  const query = fieldsOf(fieldsOf(node, 'SubLink')?.subselect, 'SelectStmt');
  const targets = allOf(query?.targetList, 'ResTarget');
  return targets.length > 0 && targets.every(({ val }) => isTally(val, column));
}

/** A number, or one of several. */
function isNumber(node: unknown): boolean {
  const choice = fieldsOf(node, 'CaseExpr');
  return choice === undefined
    ? /^-?\d+$/.test(constantOf(node) ?? '')
    : [...allOf(choice.args, 'CaseWhen').map(({ result }) => result), choice.defresult].every(isNumber);
}
