import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'anon-write',
  severity: 'error',
  found: ['live'],
  means: 'an anonymous visitor inserts, changes or deletes a row',
  doc: {
    why: 'Someone who is not signed in inserted, changed or deleted a row. The key that this takes is in every browser that opens the app, so anyone can fill, falsify or empty the table. A form for visitors belongs in a function that checks its input.',
    bad: 'CREATE POLICY notes_add ON notes FOR INSERT TO anon WITH CHECK (true);',
    good: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
};
