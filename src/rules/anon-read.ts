import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'anon-read',
  severity: 'error',
  found: ['live'],
  means: 'an anonymous visitor reads a row of a table that no file declares public',
  doc: {
    why: 'An anonymous visitor read rows of a table that no file declares public. The key for that is in every browser that opens the app.',
    bad: 'CREATE POLICY notes_read ON notes FOR SELECT TO anon USING (true);',
    good: '-- muse: public-read\nCREATE POLICY plans_read ON plans FOR SELECT TO anon, authenticated USING (true);',
  },
};
