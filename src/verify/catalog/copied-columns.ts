/** Columns that triggers of a table copy: into another column of the row, or into rows of other tables. */
import { type Catalog, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, walk } from '../../rules/engine/live/expression.ts';
import type { Sources } from './effects.ts';
import { writtenValues } from './written-values.ts';

/** What is written into the column comes, as it is or in an expression, to a column of that table. */
export interface CopiedColumn {
  column: string;
  /** `schema.name` */
  table: string;
  to: string;
}

/** Reads the triggers of the table. */
export function copiedColumns(table: RelationRow, { relations }: Catalog, sources: Sources): CopiedColumn[] {
  const own = new Set(table.columns.map(({ name }) => name));
  const found: CopiedColumn[] = [];
  const note = (name: string, to: string, value: unknown): void => {
    walk(value, (type, node) => {
      const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
      if (column?.qualifier !== 'new' || !own.has(column.name)) return;
      if (name !== qualifiedName(table) || to !== column.name) found.push({ column: column.name, table: name, to });
    });
  };
  for (const { enabled, function: oid } of table.triggers) {
    const routine = enabled ? sources.byOid(oid) : undefined;
    if (routine === undefined) continue;
    const { assigned, trees } = sources.body(routine);
    for (const { variables, value } of assigned)
      for (const to of variables) if (own.has(to)) note(qualifiedName(table), to, value);
    for (const { relname, column, value } of writtenValues(trees))
      for (const row of relations) if (row.name === relname && row !== table) note(qualifiedName(row), column, value);
  }
  return found;
}
