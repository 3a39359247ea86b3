import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-write',
  severity: 'error',
  found: ['live'],
  means: 'a user updates or deletes a row of another user or organization, with or without a WHERE',
  doc: {
    why: 'A user updated or deleted a row of another. Both forms are tried, with a WHERE that names the row and without any.',
    bad: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING (true);',
    good:
      'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH ' +
      'CHECK ((SELECT auth.uid()) = user_id);',
  },
};
