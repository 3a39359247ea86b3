import type { Catalog, Policy, Routine } from '../sql/catalog/model.ts';
import { fieldsOf, walk } from '../sql/nodes.ts';
import { at, policyObject } from './engine/check.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Decision, Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { cut, functionText, helperFor, nameFor } from './engine/fix/membership-helper.ts';
import { mayEdit, noteText, placed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { restated } from './engine/fix/policy-edits.ts';
import { addOptions, searchPathFor } from './engine/fix/routine-options.ts';
import { isForSessions, isForUsers } from './engine/policies.ts';
import { invokersIn } from './engine/reads.ts';
import { comesBack } from './engine/recursion.ts';
import type { Rule } from './engine/rule.ts';

/**
 * The functions without SECURITY DEFINER through which a policy reads tables: the policies of those tables apply to
 * them.
 */
function invokers(catalog: Catalog, policy: Policy): Routine[] {
  return invokersIn(catalog, [policy.using, policy.check]);
}

/**
 * Makes recursive policies call a helper that bypasses policies: a new one, or an existing one that becomes SECURITY
 * DEFINER.
 */
function apply(situation: Situation): FixResult {
  const edits: Edit[] = [];
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  const names = new Map<string, string>();
  const opened = new Set<Routine>();
  for (const problem of problemsOf(situation, 'policy-recursive')) {
    const policy = policyOf(situation, problem);
    const outer = policy === undefined ? undefined : situation.catalog.tables.get(policy.table);
    if (policy === undefined || policy.mixed === true || outer === undefined || policy.site.piece.inside !== undefined)
      continue;
    const { piece } = policy.site;
    const { file } = piece.source.migration;
    if (comesBack(situation.catalog, policy, 'expressions') === undefined) {
      for (const routine of invokers(situation.catalog, policy).filter((each) => !opened.has(each))) {
        opened.add(routine);
        edits.push(
          ...addOptions(
            situation,
            routine,
            `SECURITY DEFINER${routine.searchPath === undefined ? ` SET search_path = ${searchPathFor(routine, situation.catalog)}` : ''}`,
            texts,
          ),
        );
        decisions.push({
          file,
          object: policyObject(policy),
          before: "a query that reads another user's row fails (54001)",
          after: `what the policy says, through ${routine.name}()`,
          reason: 'the helper reads the table of the policy, and was not SECURITY DEFINER',
        });
      }
      continue;
    }
    const helpers: string[] = [];
    const asked: Edit[] = [];
    const sessions = policy.roles.length === 0 && isForSessions(policy, situation.catalog);
    const there = situation.examined.provided().roles;
    const named =
      policy.roles.length === 0 ? ['anon', 'authenticated'].filter((role) => there.has(role)) : policy.roles;
    const server = there.has('service_role') ? ['service_role'] : [];
    const roles =
      sessions || there.size === 0 || named.length === 0 ? undefined : [...new Set([...named, ...server])].join(', ');
    walk([policy.using, policy.check], (type, fields) => {
      if (type !== 'SubLink') return undefined;
      const select = fieldsOf(fields.subselect, 'SelectStmt');
      if (select?.fromClause === undefined) return false;
      const subquery = cut(policy, situation.catalog, fields.location, select);
      const helper = subquery === undefined ? undefined : helperFor(policy, outer, situation.catalog, fields, subquery);
      if (subquery === undefined || helper === undefined) return false;
      const key = `${helper.returns} ${helper.body.replaceAll(/\s+/g, ' ')} ${roles}`;
      const known = names.get(key);
      const name = known ?? nameFor(policy, situation.catalog, new Set(names.values()));
      if (known === undefined) {
        names.set(key, name);
        helpers.push(functionText(name, helper, roles));
      }
      asked.push({ file, start: subquery.start, end: subquery.end, text: helper.call(name) });
      return false;
    });
    if (asked.length === 0) continue;
    const { start } = piece.statement;
    if (mayEdit(situation, piece.source))
      edits.push(...helpers.map((text): Edit => ({ file, start, end: start, text })), ...asked);
    else noteText(texts, piece.source, [...helpers, restated(policy, asked)].join(''));
    decisions.push({
      file,
      object: policyObject(policy),
      before: 'every query fails (42P17)',
      after: 'what the policy says, through a helper',
      reason: 'the policy reads its own table',
    });
  }
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits], decisions };
}

/** The message for a recursive policy. */
function explain(catalog: Catalog, policy: Policy): string | undefined {
  const expanded = comesBack(catalog, policy, 'expressions');
  if (expanded !== undefined) {
    return expanded.length === 1
      ? `Policy "${policy.name}" reads its own table ${policy.table}: every user query fails with 42P17.`
      : `Policy "${policy.name}" reads its own table through others (${[policy.table, ...expanded].join(' → ')}): ` +
          'every user query fails with 42P17.';
  }
  if (comesBack(catalog, policy, 'calls') === undefined) return undefined;
  const names = invokers(catalog, policy)
    .map(({ name }) => `${name}()`)
    .join(' and ');
  return (
    `Policy "${policy.name}" reads its own table ${policy.table} through ${names || 'a function'}, which is not ` +
    "SECURITY DEFINER: a query that reads another user's row fails with 54001 (stack depth limit exceeded)."
  );
}

export const rule: Rule = {
  name: 'policy-recursive',
  severity: 'error',
  found: ['static', 'rehearsal'],
  means: 'a policy reads its own table, directly (42P17) or through a helper that is not SECURITY DEFINER (54001)',
  doc: {
    why:
      "A policy that reads its own table, directly, through another table's policy or through a function with its " +
      "caller's rights, recurses without end: user queries fail with 42P17 or 54001, although the migration " +
      'applies and the owner sees rows.',
    bad:
      '-- Members.\n' +
      'CREATE TABLE IF NOT EXISTS members (organization_id uuid, user_id uuid, PRIMARY KEY (user_id, ' +
      'organization_id));\n' +
      'ALTER TABLE members ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS see ON members;\n' +
      'CREATE POLICY see ON members FOR SELECT TO authenticated USING (organization_id IN (SELECT ' +
      'm.organization_id FROM members m WHERE m.user_id = (SELECT auth.uid())));\n' +
      'GRANT SELECT ON members TO authenticated;',
    good:
      '-- Members.\n' +
      'CREATE TABLE IF NOT EXISTS members (organization_id uuid, user_id uuid, PRIMARY KEY (user_id, ' +
      'organization_id));\n' +
      'ALTER TABLE members ENABLE ROW LEVEL SECURITY;\n' +
      'CREATE OR REPLACE FUNCTION my_organizations() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER SET ' +
      "search_path = '' AS $$ SELECT array_agg(m.organization_id) FROM public.members m WHERE m.user_id = (SELECT " +
      'auth.uid()) $$;\n' +
      'DROP POLICY IF EXISTS see ON members;\n' +
      'CREATE POLICY see ON members FOR SELECT TO authenticated USING (organization_id = ANY ((SELECT ' +
      'my_organizations())::uuid[]));\n' +
      'GRANT SELECT ON members TO authenticated;',
  },
  check: {
    end(catalog, report) {
      for (const table of [...catalog.tables.values(), ...catalog.ghosts.values()]) {
        if (table.rls === undefined && !catalog.ghosts.has(table.name)) continue;
        for (const policy of table.policies.values()) {
          const message = isForUsers(policy) ? explain(catalog, policy) : undefined;
          if (message === undefined) continue;
          report({
            ...at(policy.site),
            object: policyObject(policy),
            message,
            suggestion:
              'Call a SECURITY DEFINER function with an empty search_path instead, which reads the table without ' +
              'its policies:\n' +
              'USING (organization_id = ANY ((SELECT public.my_organizations())::uuid[]))',
          });
        }
      }
    },
  },
  fix: { does: 'uses a membership helper; an existing helper becomes SECURITY DEFINER', stage: 'recursion', apply },
};
