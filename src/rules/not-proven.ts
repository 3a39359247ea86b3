import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'not-proven',
  severity: 'warning',
  found: ['live'],
  means:
    'a table, claim, function or trigger could not be tried, so nothing is proven of it; an error where it is SECURITY DEFINER',
  doc: {
    why: "The proof of isolation puts rows into each table before it tries to steal them, and calls each function. What could not be tried is named here with the reason, and never counted as proven. A SECURITY DEFINER function or trigger that was not tried is an error, since it has its owner's rights; the rest are warnings, and end in exit 3 with muse verify --strict.",
  },
};
