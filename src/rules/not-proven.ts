import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'not-proven',
  severity: 'warning',
  found: ['live'],
  means: 'a table, claim, function or trigger could not be tried, so nothing is proven of it',
  doc: {
    why: 'The proof of isolation puts rows into each table before it tries to steal them, and calls each function. What could not be tried is named here with the reason, and never counted as proven.',
  },
};
