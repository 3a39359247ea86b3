import { fitName, quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { here } from './engine/check.ts';
import { changesOf, fromExtension } from './engine/core-changes.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'extension-alters-core',
  severity: 'warning',
  found: ['static'],
  means: 'an extension adds a column to a core table',
  doc: {
    why: 'Every upgrade of core has to cope with a column that an extension added: core may add a column of the same name one day.',
  },
  check: {
    piece(piece, catalog, report) {
      if (!fromExtension(piece)) return;
      for (const { table, column, location } of changesOf(catalog, piece)) {
        if (column === undefined || !column.harmless) continue;
        report({
          ...here(piece, location),
          object: table,
          message: `Adds column ${column.name} to ${table}, a table of core.`,
          suggestion:
            'CREATE TABLE IF NOT EXISTS ' +
            `${quoteQualified(`${table.slice(0, table.indexOf('.'))}.${fitName(table.slice(table.indexOf('.') + 1), '_extra')}`)} ` +
            `(… REFERENCES ${quoteQualified(table)} …); -- a table of the extension's own, with ` +
            `${quoteIdentifier(column.name)}`,
        });
      }
    },
  },
};
