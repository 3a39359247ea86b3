import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-reassign',
  severity: 'error',
  found: ['live'],
  means: 'a user hands its own row to another user or organization, or takes one over',
  doc: {
    why:
      'A user handed a row of their own to another, or took one over: the policy checks the row before the change ' +
      'but not the row after it.',
    bad: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH CHECK (true);',
    good:
      'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH ' +
      'CHECK ((SELECT auth.uid()) = user_id);',
  },
};
