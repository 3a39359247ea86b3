import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'anon-write',
  severity: 'error',
  found: ['live'],
  means: 'an anonymous visitor inserts, changes or deletes a row',
  doc: {
    why:
      'An anonymous visitor inserted, changed or deleted a row. The key for that is in every browser that opens ' +
      'the app, so anyone can fill, falsify or empty the table. For a form that visitors submit, use a function ' +
      'that checks its input.',
    bad: 'CREATE POLICY notes_add ON notes FOR INSERT TO anon WITH CHECK (true);',
    good: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
};
