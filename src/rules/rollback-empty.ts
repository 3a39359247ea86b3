import { hasStatements } from '../sql/trivia.ts';
import { writeRollbacks } from './engine/fix/write-rollbacks.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'rollback-empty',
  severity: 'warning',
  found: ['static'],
  means: 'the rollback of a file does nothing',
  doc: {
    why:
      'A rollback that holds comments only looks like one, and leaves everything in place: `muse rollback` refuses ' +
      'it, on the day on which it is needed.',
  },
  check: {
    source(source, report, { rollbacks }) {
      const rollback = rollbacks.get?.(source.migration.file);
      if (rollback === undefined || source.parsed.statements.length === 0 || hasStatements(rollback.sql)) return;
      report({
        source,
        offset: 0,
        object: rollback.file,
        message: `Its rollback, ${rollback.file}, does nothing.`,
        suggestion: 'muse lint --fix writes it from the statements of the file.',
      });
    },
  },
  fix: {
    does: 'writes it, from the parse tree',
    stage: 'rollbacks',
    apply: (situation) => writeRollbacks(situation, 'rollback-empty'),
  },
};
