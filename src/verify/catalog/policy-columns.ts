import type { PolicyRow, RelationRow } from './catalog.ts';
import { columnOf, constantOf, fields, type Node, nameParts, type ParseExpression, readsColumn, walk } from './expression.ts';

/**
 * Columns of the table that its policies compare with something that is the same for the whole query: what an index on the
 * column can answer; each with the first policy that does. Constants do not count: a status or a flag has too few values for
 * an index to help.
 */
export function comparedColumns(table: RelationRow, parse: ParseExpression): Map<string, PolicyRow> {
  const own = new Set(table.columns.map((column) => column.name));
  const found = new Map<string, PolicyRow>();
  for (const policy of table.policies) {
    for (const sql of [policy.using, policy.check]) {
      // A check on INSERT looks at the new row alone: no index has a part in it.
      if (sql === null || (sql === policy.check && policy.command === 'a')) continue;
      for (const name of comparisons(parse(sql))) if (own.has(name) && !found.has(name)) found.set(name, policy);
    }
  }
  return found;
}

function comparisons(expression: Node | undefined): string[] {
  const names: string[] = [];
  walk(expression, (type, node) => {
    if (type === 'A_Expr' && nameParts(node['name']).at(-1) === '=') {
      names.push(...[[node['lexpr'], node['rexpr']], [node['rexpr'], node['lexpr']]].flatMap(([column, other]) => bareColumn(column, other)));
    }
    if (type === 'SubLink') {
      if (node['subLinkType'] === 'ANY_SUBLINK' && !isCorrelated(node)) names.push(...bareColumn(node['testexpr'], undefined));
      return false;
    }
    return undefined;
  });
  return names;
}

/** The column on one side of `=`, if it stands there as it is (a cast would need an index on the cast). */
function bareColumn(column: unknown, other: unknown): string[] {
  if (fields(column, 'ColumnRef') === undefined || constantOf(other) !== undefined || readsOwnColumn(other)) return [];
  const constants = fields(other, 'A_ArrayExpr') ?? fields(fields(other, 'TypeCast')?.['arg'], 'A_ArrayExpr');
  if (constants !== undefined || Array.isArray(fields(other, 'List')?.['items'])) return [];
  return [columnOf(column)!.name];
}

/** Columns inside a sub-select with FROM are another table's. */
function readsOwnColumn(node: unknown): boolean {
  let found = false;
  walk(node, (type) => {
    if (type === 'ColumnRef') found = true;
    return type !== 'SubLink' && !found;
  });
  return found;
}

function isCorrelated(link: Node): boolean {
  const select = fields(link['subselect'], 'SelectStmt');
  return select?.['fromClause'] === undefined && readsColumn(select);
}
