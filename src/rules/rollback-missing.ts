import { writeRollbacks } from './engine/fix/write-rollbacks.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'rollback-missing',
  severity: 'warning',
  found: ['static'],
  means: 'an extension file without its rollback',
  doc: {
    why:
      'Products try extensions, change them and give them up. Without a rollback file, undoing one means writing ' +
      'SQL by hand on a database in use.',
  },
  check: {
    source(source, report, run) {
      const { layer, file } = source.migration;
      if (layer !== 'extension' || run.rollbacks.has(file) || source.parsed.statements.length === 0) return;
      report({
        source,
        offset: 0,
        message: 'There is no rollback for this extension file.',
        suggestion: 'muse lint --fix writes it from the statements of the file.',
      });
    },
  },
  fix: {
    does: 'writes it, from the parse tree',
    stage: 'rollbacks',
    apply: (situation) => writeRollbacks(situation, 'rollback-missing'),
  },
};
