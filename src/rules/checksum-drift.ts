import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'checksum-drift',
  severity: 'error',
  found: ['live'],
  means: 'an applied file was edited',
  doc: {
    why: 'An applied file was edited. Databases that had it keep the old form, new ones get the new form, and the two differ from then on.',
  },
};
