import { findRoutines } from '../sql/catalog/lookup.ts';
import type { Node } from '../sql/nodes.ts';
import { at, policyObject } from './engine/check.ts';
import { bodiesIn } from './engine/live/bodies.ts';
import { isForUsers as isForUsersLive } from './engine/live/policies.ts';
import { isForUsers, policiesOf } from './engine/policies.ts';
import type { Rule } from './engine/rule.ts';
import { type BodiesOf, trustsUserMetadata } from './engine/user-metadata.ts';

const suggestion =
  "Read what only the server writes: auth.jwt() -> 'app_metadata', or a table of roles that users cannot change.";

const policy = (condition: string): string =>
  '-- Notes.\n' +
  'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL);\n' +
  'CREATE INDEX IF NOT EXISTS notes_user_id_idx ON notes (user_id);\n' +
  'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
  'DROP POLICY IF EXISTS admins ON notes;\n' +
  `CREATE POLICY admins ON notes FOR SELECT TO authenticated USING ((SELECT auth.jwt() -> '${condition}' ->> 'role') = 'admin');\n` +
  'GRANT SELECT ON notes TO authenticated;';

export const rule: Rule = {
  name: 'policy-trusts-user-metadata',
  severity: 'error',
  found: ['static', 'live'],
  means: 'a policy gives access by user_metadata, which every user writes for themselves',
  doc: {
    why:
      'Everyone can change their own user_metadata with one call of supabase.auth.updateUser(). A policy that asks it for a ' +
      'role or a tenant gives that to anyone who writes it there.',
    bad: policy('user_metadata'),
    good: policy('app_metadata'),
  },
  check: {
    end(catalog, report) {
      const bodies: BodiesOf = (name) => {
        const found = findRoutines(
          catalog,
          name.map((sval) => ({ String: { sval } })),
        );
        return 'found' in found
          ? found.found.flatMap(({ body }) => body.map(({ type, node }) => ({ [type]: node }) as unknown as Node))
          : [];
      };
      for (const each of policiesOf(catalog)) {
        if (!each.permissive || !isForUsers(each)) continue;
        if (![each.using, each.check].some((condition) => trustsUserMetadata(condition, bodies))) continue;
        report({
          ...at(each.site),
          object: policyObject(each),
          message: `Policy "${each.name}" on ${each.table} gives access by user_metadata, which users write themselves.`,
          suggestion,
        });
      }
    },
  },
  live: {
    policy({ policy, object, using, check }, { catalog }, report) {
      if (!policy.permissive || !isForUsersLive(policy, catalog)) return;
      if (![using, check].some((condition) => trustsUserMetadata(condition, bodiesIn(catalog)))) return;
      report({
        object,
        message: `Policy "${policy.name}" gives access by user_metadata, which users write themselves.`,
        suggestion,
      });
    },
  },
};
