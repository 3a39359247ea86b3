import { explainMixed, mixedIn } from '../migrations/transactions.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'transaction-mixed',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'a statement that PostgreSQL forbids in a transaction is in a file with others',
  doc: {
    why:
      'A file runs in one transaction with its row in the migration history, so that it is applied whole or not at ' +
      'all. PostgreSQL refuses some statements there, such as CREATE INDEX CONCURRENTLY. A file with nothing else ' +
      'runs outside a transaction, but a file that mixes the two cannot run either way.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);\n' +
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_notes_title ON notes (title);',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);\n' +
      'CREATE INDEX IF NOT EXISTS idx_notes_title ON notes (title);',
  },
  check: {
    source(source, report) {
      for (const statement of mixedIn(source.migration.sql, source.parsed.statements))
        report({ source, offset: statement.start, ...explainMixed(statement) });
    },
  },
};
