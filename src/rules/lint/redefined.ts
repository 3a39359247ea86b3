import type { Column } from '../../sql/catalog/model.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { ident, qualified } from './sql.ts';

export const tableRedefined: Check = {
  rule: 'table-redefined',
  doc: {
    why: 'CREATE TABLE IF NOT EXISTS does nothing at all when the table is there, whatever its columns are. The second description is believed by whoever reads it, and the first statement that uses one of its columns fails.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;',
  },
  end(catalog, report) {
    for (const { known, described, skips, missing, retyped, site } of catalog.redefinitions) {
      // What a later ALTER TABLE adds is there after all.
      const never = missing.filter(({ name }) => !known.columns.has(name));
      if (skips && never.length === 0 && retyped.length === 0) continue;
      const { migration, parsed } = known.site!.piece.source;
      const place = `${migration.file}:${parsed.position(known.site!.offset).line}`;
      const names = [...never.map(({ name }) => name), ...retyped.map(({ column, type }) => `${column.name} (${type} there, ${column.type} here)`)];
      report({
        ...at(site),
        object: described.name,
        message: skips
          ? `Table ${described.name} is there already, from ${place}: this does nothing, and what it says of ${names.join(', ')} never happens.`
          : `Table ${described.name} is there already, from ${place}: this fails.`,
        suggestion: suggestionFor(described.name, never),
      });
    }
  },
};

function suggestionFor(table: string, missing: readonly Column[]): string {
  if (missing.length === 0) return 'Take this statement out, or bring its columns in line with the first one.';
  return `ALTER TABLE ${qualified(table)}\n${missing.map(({ name, type }) => `  ADD COLUMN IF NOT EXISTS ${ident(name)} ${type}`).join(',\n')};`;
}
