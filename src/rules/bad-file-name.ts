import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'bad-file-name',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: "a name that is not NNN_name.sql, or not the layout's own form",
  doc: {
    why:
      'Migrations run in the order of their numbers. A file without a number has no place in that order: it does ' +
      'not run at all, or runs at another point on another machine.',
  },
};
