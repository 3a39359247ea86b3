import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'number-gap',
  severity: 'warning',
  found: ['static'],
  means: 'a number is missing; timestamps have no gaps',
  doc: {
    why: 'A missing number usually means that a file was not committed, or was deleted after a database had applied it.',
  },
};
