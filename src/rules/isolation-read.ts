import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-read',
  severity: 'error',
  found: ['live'],
  means: 'a user reads a row of another user or organization',
  doc: {
    why: "A user of one tenant read a row of another. The check tries it: two users, two organizations, each asking for the other's rows.",
    bad: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING (true);',
    good: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
  },
};
