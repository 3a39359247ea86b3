import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'bad-file-name',
  severity: 'error',
  found: ['static'],
  means: "a name that is not NNN_name.sql, or not the layout's own form",
  doc: {
    why: 'Migrations run in the order of their numbers. A file whose name has no number has no place in that order: it is not run at all, or in another place on another machine.',
  },
};
