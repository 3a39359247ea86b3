import { describedTable } from '../catalog/tables.ts';
import type { Column, Table } from '../catalog/model.ts';
import type { CreateStmt } from '../parse/nodes.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { ident, qualified } from './sql.ts';

/** Columns that a later CREATE TABLE of the same table describes and the table does not have, or has with another type. */
export function differences(known: Table, described: Table): { missing: Column[]; retyped: { column: Column; type: string }[] } {
  const missing: Column[] = [];
  const retyped: { column: Column; type: string }[] = [];
  for (const column of described.columns.values()) {
    const other = known.columns.get(column.name);
    if (other === undefined) missing.push(column);
    else if (other.type !== column.type) retyped.push({ column, type: other.type });
  }
  return { missing: known.open ? [] : missing, retyped };
}

export const tableRedefined: Check = {
  rule: 'table-redefined',
  doc: {
    why: 'CREATE TABLE IF NOT EXISTS does nothing at all when the table is there, whatever its columns are. The second description is believed by whoever reads it, and the first statement that uses one of its columns fails.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;',
  },
  piece(piece, catalog, report) {
    if (piece.type !== 'CreateStmt' || piece.inside === 'routine') return;
    const described = describedTable(catalog, piece);
    const known = catalog.tables.get(described.name);
    if (known === undefined || known.site === undefined) return;
    const skips = (piece.node as unknown as CreateStmt).if_not_exists === true;
    const { missing, retyped } = differences(known, described);
    if (skips && missing.length === 0 && retyped.length === 0) return;
    const { migration, parsed } = known.site.piece.source;
    const place = `${migration.file}:${parsed.position(known.site.offset).line}`;
    const names = [...missing.map(({ name }) => name), ...retyped.map(({ column, type }) => `${column.name} (${type} there, ${column.type} here)`)];
    report({
      ...at(described.site!),
      object: described.name,
      message: skips
        ? `Table ${described.name} is there already, from ${place}: this does nothing, and what it says of ${names.join(', ')} never happens.`
        : `Table ${described.name} is there already, from ${place}: this fails.`,
      suggestion: suggestionFor(described.name, missing),
    });
  },
};

function suggestionFor(table: string, missing: readonly Column[]): string {
  if (missing.length === 0) return 'Take this statement out, or bring its columns in line with the first one.';
  return `ALTER TABLE ${qualified(table)}\n${missing.map(({ name, type }) => `  ADD COLUMN IF NOT EXISTS ${ident(name)} ${type}`).join(',\n')};`;
}
