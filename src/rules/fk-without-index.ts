import { quoteIdentifier } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { addIndexes, indexStatement, isIndexed } from './engine/indexes.ts';
import { qualifiedName } from './engine/live/catalog.ts';
import type { ConstraintRow, RelationRow } from './engine/live/catalog.ts';
import type { Rule } from './engine/rule.ts';
import { ownTables } from './engine/tables.ts';

/**
 * An index helps if its first columns are the key's, in any order. A partial index helps only if it omits nothing but
 * NULL.
 */
function hasIndex(table: RelationRow, key: ConstraintRow): boolean {
  return table.indexes.some((index) => {
    const first = new Set(index.columns.slice(0, key.columns.length));
    const whole =
      index.predicate === null ||
      key.columns.some((column) => index.predicate === `(${quoteIdentifier(column)} IS NOT NULL)`);
    return index.valid && whole && key.columns.every((column) => first.has(column));
  });
}

export const rule: Rule = {
  name: 'fk-without-index',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'a foreign key has no index: joins, and deletes of the row it points at, read the whole table',
  doc: {
    why:
      'PostgreSQL does not index a foreign key on its own. Without an index, every join, and every delete of a ' +
      'referenced row, reads the whole table.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));\n' +
      'CREATE INDEX IF NOT EXISTS idx_notes_folder_id ON notes (folder_id);',
  },
  check: {
    end(catalog, report) {
      for (const table of ownTables(catalog)) {
        for (const { columns, table: target, site } of table.foreignKeys) {
          if (isIndexed(table, columns)) continue;
          report({
            ...at(site),
            object: table.name,
            message:
              `Foreign key ${table.name} (${columns.join(', ')}) to ${target} has no index: joins, and deletes ` +
              'there, read this whole table.',
            suggestion: indexStatement(table.name, columns),
          });
        }
      }
    },
  },
  live: {
    table(table, _, report) {
      const name = qualifiedName(table);
      for (const key of table.constraints.filter((each) => each.type === 'f' && !hasIndex(table, each))) {
        report({
          object: name,
          message:
            `Foreign key ${name} (${key.columns.join(', ')}) to ${key.target ?? 'another table'} has no index: ` +
            'joins, and deletes there, read this whole table.',
          suggestion: indexStatement(name, key.columns),
        });
      }
    },
  },
  fix: { does: 'adds the index', stage: 'details', apply: (situation) => addIndexes(situation, 'fk-without-index') },
};
