import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'policy-error',
  severity: 'error',
  found: ['live'],
  means: "a user's query fails with an error other than a refusal",
  doc: {
    why:
      "A user's query failed with an error other than a refusal: a policy calls a function that the user cannot " +
      'call, casts a value that does not fit, or divides by zero. It is unknown which rows the policy would have ' +
      'let through.',
  },
};
