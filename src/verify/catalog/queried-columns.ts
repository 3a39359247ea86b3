/** What queries ask of the rows of a table. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, type Node, walk } from '../../rules/engine/live/expression.ts';

/**
 * The names of the columns of the table that queries of it name: in what they ask and join, and in what they give, unless only whether
 * that is anything counts.
 */
export function queriedColumns(table: RelationRow, tree: unknown): string[] {
  const found: string[] = [];
  const ofExists = new Set<unknown>();
  walk(tree, (type, select) => {
    if (type === 'SubLink' && select['subLinkType'] === 'EXISTS_SUBLINK')
      ofExists.add(fields(select['subselect'], 'SelectStmt'));
    if (type !== 'SelectStmt') return;
    const called = new Set<string>();
    walk(select['fromClause'], (inner, range) => {
      if (inner !== 'RangeVar') return;
      const name = `${String(range['schemaname'] ?? table.schema)}.${String(range['relname'])}`;
      if (name === qualifiedName(table))
        called.add(String((range['alias'] as Node | undefined)?.['aliasname'] ?? range['relname']));
    });
    if (called.size === 0) return;
    const given = ofExists.has(select) ? undefined : select['targetList'];
    walk([select['whereClause'], given, select['fromClause']], (inner, column) => {
      const { name, qualifier } = (inner === 'ColumnRef' ? columnOf({ ColumnRef: column }) : undefined) ?? {};
      const isOurs = name !== undefined && (qualifier === undefined || called.has(qualifier));
      if (isOurs && table.columns.some((one) => one.name === name)) found.push(name);
    });
  });
  return found;
}
