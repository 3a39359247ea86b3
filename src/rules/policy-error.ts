import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'policy-error',
  severity: 'error',
  found: ['live'],
  means: 'a query as a user ends in an error other than a refusal',
  doc: {
    why: 'A query of a user ended in an error other than a refusal: a policy calls a function that the user may not call, casts a value that does not fit, or divides by zero. Which rows it would have let through is unknown.',
  },
};
