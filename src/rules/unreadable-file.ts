import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'unreadable-file',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'a migration, rollback or seed is not UTF-8 text: UTF-16, another encoding, or a NUL byte in it',
  doc: {
    why:
      'PostgreSQL reads UTF-8. A file in another encoding cannot run, and one that is left out in silence is a ' +
      'migration that production does not get. Every command that reads files stops at it, with the byte and its line.',
  },
};
