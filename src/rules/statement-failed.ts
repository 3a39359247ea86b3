import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'statement-failed',
  severity: 'error',
  found: ['rehearsal'],
  stops: true,
  means: 'PostgreSQL refuses the statement for a reason that no other rule names',
  doc: {
    why:
      'PostgreSQL refuses the statement when it runs, for a reason that the text alone does not show: data that ' +
      'breaks a constraint, an index expression that is not immutable, a missing unique key for ON CONFLICT.',
  },
};
