import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'isolation-escalation',
  severity: 'error',
  found: ['live'],
  means: 'a permitted write (joining, a role, a flag, a share) widens what the same user can reach afterwards',
  doc: {
    why:
      'Each policy is correct on its own, but one trusts rows that another lets users write: a membership that ' +
      'they give themselves, or a role or status in a row of their own. The proof does every write that a user is ' +
      'allowed, and then looks again, as the same user, at everything whose policies read what was written.',
    bad: 'CREATE POLICY joins ON workspace_members FOR INSERT TO authenticated WITH CHECK ((SELECT auth.uid()) = user_id);',
    good:
      'CREATE POLICY joins ON workspace_members FOR INSERT TO authenticated\n' +
      '  WITH CHECK ((SELECT auth.uid()) = user_id AND workspace_id IN (SELECT ' +
      'private.workspaces_that_invited_me()));',
  },
};
