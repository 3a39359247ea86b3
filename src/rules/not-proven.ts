import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'not-proven',
  severity: 'warning',
  found: ['live'],
  means:
    'a table, claim, function or trigger could not be tried, so nothing is proven about it; an error if it is SECURITY DEFINER',
  doc: {
    why:
      'The proof of isolation puts rows into each table before it tries to steal them, and calls each function. ' +
      'Whatever could not be tried is listed here with the reason, and never counts as proven. A SECURITY DEFINER ' +
      "function or trigger that was not tried is an error, because it runs with its owner's rights. The rest are " +
      'warnings; with muse verify --strict they lead to exit code 3.',
  },
};
