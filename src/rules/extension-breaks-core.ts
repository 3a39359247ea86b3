import { quoteIdentifier } from '../shared/quote.ts';
import { here } from './engine/check.ts';
import { changesOf, fromExtension } from './engine/core-changes.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'extension-breaks-core',
  severity: 'error',
  found: ['static'],
  means: 'an extension drops, renames or retypes something of core, or changes its policies',
  doc: {
    why:
      'Core is shared: its code and its next version rely on its tables, types and policies. What an extension ' +
      'changes there breaks at the next upgrade, or exposes what core keeps separate.',
  },
  check: {
    piece(piece, catalog, report) {
      if (!fromExtension(piece)) return;
      for (const { table, column, location, what } of changesOf(catalog, piece)) {
        if (column !== undefined && column.harmless) continue;
        report({
          ...here(piece, location),
          object: table,
          message:
            column === undefined
              ? `An extension ${what} ${table}, which belongs to core.`
              : `Adds column ${column.name} to ${table} of core as NOT NULL without a default: every insert that core makes fails.`,
          suggestion:
            column === undefined
              ? 'Leave core as it is: put what the extension needs into a table of its own.'
              : `Give ${quoteIdentifier(column.name)} a DEFAULT, or remove NOT NULL.`,
        });
      }
    },
  },
};
