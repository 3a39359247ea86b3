import { explainMixed, mixedIn } from '../migrations/transactions.ts';
import { editable } from './engine/fix/fix.ts';
import type { FixResult, Left, Situation } from './engine/fix/fix.ts';
import { splitFile } from './engine/fix/split.ts';
import type { Rule } from './engine/rule.ts';

/** Splits the first file that can be split: its parts may move the numbers of others. */
function apply(situation: Situation): FixResult {
  const left: Left[] = [];
  for (const source of new Set(editable(situation, 'transaction-mixed').map((problem) => problem.source))) {
    const split = splitFile(situation, source);
    if (!('why' in split)) return { ...split, left };
    left.push({ rule: 'transaction-mixed', file: source.migration.file, why: split.why });
  }
  return { edits: [], left };
}

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
  fix: {
    does: 'moves it to a file of its own, right after this one, and what follows it to another',
    stage: 'syntax',
    apply,
  },
};
