import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'rollback-incomplete',
  severity: 'error',
  found: ['rehearsal'],
  means: 'a rollback fails, or the schema after it is not the schema before the file',
  doc: {
    why:
      'The schema after the rollback is not the schema before the file. After a rollback something is left that no ' +
      'file describes, and applying the file again can fail on it.',
  },
};
