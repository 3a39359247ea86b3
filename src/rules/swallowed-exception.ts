import { parsePlpgsql } from '../sql/parser.ts';
import { here } from './engine/check.ts';
import type { Rule } from './engine/rule.ts';

interface Handler {
  conditions?: { PLpgSQL_condition?: { condname?: string } }[];
  action?: unknown[];
}

/** PostgreSQL's level ERROR. A NOTICE or WARNING does not stop execution. */
const ERROR_LEVEL = 21;

/** Returns whether any statement of a handler raises an error. */
function raises(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, below]) =>
      (key === 'PLpgSQL_stmt_raise' && ((below as { elog_level?: number }).elog_level ?? 0) >= ERROR_LEVEL) ||
      raises(below),
  );
}

/** Handlers of a parsed body that catch everything and continue. */
function swallowing(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + swallowing(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  for (const [key, below] of Object.entries(value)) {
    if (key === 'PLpgSQL_exception') {
      const { conditions = [], action = [] } = below as Handler;
      const all = conditions.some(({ PLpgSQL_condition: condition }) => condition?.condname === 'others');
      if (all && !raises(action)) count += 1;
    }
    count += swallowing(below);
  }
  return count;
}

export const rule: Rule = {
  name: 'swallowed-exception',
  severity: 'warning',
  found: ['static'],
  means: 'EXCEPTION WHEN others catches every error and continues',
  doc: {
    why:
      'A block that catches every error and continues always reports success: the column does not exist, the ' +
      'migration counts as applied, and only the app fails.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\n' +
      'DO $$ BEGIN ALTER TABLE notes ADD COLUMN IF NOT EXISTS title text; EXCEPTION WHEN others THEN NULL; END $$;',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;',
  },
  check: {
    piece(piece, _, report) {
      if (piece.inside !== undefined || (piece.type !== 'DoStmt' && piece.type !== 'CreateFunctionStmt')) return;
      if (!/\bothers\b/i.test(piece.statement.sql)) return;
      const functions = parsePlpgsql(piece.statement.sql);
      const count = Array.isArray(functions) ? swallowing(functions) : 0;
      // The tree has no location for a handler, so it is found by its words in the text, from the last one backwards.
      const places = [...piece.statement.sql.matchAll(/\bwhen\s+others\b/gi)].map(({ index }) => index);
      for (let index = 0; index < count; index += 1) {
        report({
          source: here(piece).source,
          offset: piece.statement.start + (places[index] ?? 0),
          message: 'EXCEPTION WHEN others catches every error and continues as if nothing had happened.',
          suggestion:
            'Remove the handler, name the one condition that is expected (WHEN duplicate_object), or RAISE again.',
        });
      }
    },
  },
};
