import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'owner-locked-out',
  severity: 'error',
  found: ['live'],
  means: 'the owner cannot read or insert its own row',
  doc: {
    why:
      'The owner of a row cannot read it, or cannot insert one: the table is safe and useless. Most often a policy ' +
      'for INSERT or SELECT is missing, or a grant.',
  },
};
