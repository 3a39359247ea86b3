/** Tables in which SQL only adds to numbers: `balance = balance + amount`. */
import { fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
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
