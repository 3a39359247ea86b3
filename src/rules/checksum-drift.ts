import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'checksum-drift',
  severity: 'error',
  found: ['live'],
  means: 'an applied file was edited',
  doc: {
    why:
      'Databases that applied the file before the edit keep the old schema, new ones get the new schema, and the ' +
      'two differ from then on.',
  },
};
