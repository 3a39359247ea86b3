import { at, policyObject } from './engine/check.ts';
import { isForUsers } from './engine/policies.ts';
import { readsOf } from './engine/reads.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'policy-reads-auth-users',
  severity: 'error',
  found: ['static', 'rehearsal'],
  means: 'a policy reads auth.users, which users are not allowed to read (42501)',
  doc: {
    why:
      'Users are not allowed to read auth.users. A policy that reads it makes each of their queries fail with ' +
      '42501, although the migration applies.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, email text);\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS mine ON notes;\n' +
      'CREATE POLICY mine ON notes FOR SELECT TO authenticated USING (email = (SELECT u.email FROM auth.users u ' +
      'WHERE u.id = auth.uid()));\n' +
      'GRANT SELECT ON notes TO authenticated;',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, email text);\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS mine ON notes;\n' +
      "CREATE POLICY mine ON notes FOR SELECT TO authenticated USING (email = (SELECT auth.jwt() ->> 'email'));\n" +
      'GRANT SELECT ON notes TO authenticated;',
  },
  check: {
    end(catalog, report) {
      for (const { policies } of catalog.tables.values()) {
        for (const policy of policies.values()) {
          if (!isForUsers(policy) || !readsOf(catalog, [policy.using, policy.check]).has('auth.users')) continue;
          report({
            ...at(policy.site),
            object: policyObject(policy),
            message:
              `Policy "${policy.name}" on ${policy.table} reads auth.users, which users are not allowed to read: ` +
              'each of their queries fails with 42501.',
            suggestion:
              "Take what is needed from the token, as (SELECT auth.jwt() ->> 'email'), or from a SECURITY DEFINER function.",
          });
        }
      }
    },
  },
};
