import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'schema-drift',
  severity: 'warning',
  found: ['live'],
  means: 'the database differs from what the files make',
  doc: {
    why:
      'The database has something that no file creates, or lacks something that a file creates. The next migration ' +
      'is written for a schema that does not exist.',
  },
};
