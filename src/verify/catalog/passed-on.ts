/** Expressions whose result has the text of what is below them in it, as it is or in other letters. */
import { columnOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';

const functions = new Set(
  (
    'lower upper initcap concat concat_ws coalesce trim btrim ltrim rtrim format unaccent immutable_unaccent to_tsvector setweight ' +
    'to_json to_jsonb jsonb_build_object json_build_object array_to_string string_to_array normalize reverse'
  ).split(' '),
);

/** Says whether what is below the node is in its result as it is. */
function keepsText(type: string, node: Node): boolean {
  if (type === 'A_Expr') return nameParts(node['name']).at(-1) === '||';
  if (type === 'FuncCall') return functions.has(nameParts(node['funcname']).at(-1) ?? '');
  return !['CaseWhen', 'NullTest', 'BoolExpr', 'BooleanTest', 'SubLink'].includes(type);
}

/** Calls `note` with the columns that are in the result of an expression as they are, and those from which something is made. */
export function columnsPassed(tree: unknown, note: (column: string, isKept: boolean) => void): void {
  const visit = (below: unknown, isKept: boolean): void =>
    walk(below, (type, node) => {
      const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node })?.name : undefined;
      if (column !== undefined) note(column, isKept);
      // A query of one value is that value.
      const select = type === 'SubLink' ? fields(node['subselect'], 'SelectStmt') : undefined;
      if (select !== undefined && node['subLinkType'] === 'EXPR_SUBLINK') {
        visit(select['targetList'], isKept);
        visit([select['fromClause'], select['whereClause']], false);
        return false;
      }
      if (keepsText(type, node)) return undefined;
      visit(node, false);
      return false;
    });
  visit(tree, true);
}
