import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-insert',
  severity: 'error',
  found: ['live'],
  means: 'a user inserts a row on behalf of another user or organization',
  doc: {
    why: 'A user inserted a row on behalf of another: with a forged owner, or for an organization that the user does not belong to.',
    bad: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK (user_id IS NOT NULL);',
    good: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
};
