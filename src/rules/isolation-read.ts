import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-read',
  severity: 'error',
  found: ['live'],
  means: 'a user reads a row of another user or organization',
  doc: {
    why:
      'A user of one tenant read a row of another. The proof tries this with two users and two organizations, each ' +
      "reading the other's rows.",
    bad: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING (true);',
    good: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
  },
};
