import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'number-gap',
  severity: 'warning',
  found: ['static'],
  means: 'a number is missing; timestamps have no gaps',
  doc: {
    why: 'A missing number is most often a file that was not committed, or was deleted after some database had it.',
  },
};
