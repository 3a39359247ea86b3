import type { Policy } from '../sql/catalog/model.ts';
import { stringsOf, walk } from '../sql/nodes.ts';
import type { Node } from '../sql/nodes.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at, policyObject } from './engine/check.ts';
import { example } from './engine/example.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Decision, Edit, FixResult, Situation } from './engine/fix/fix.ts';
import type { Texts } from './engine/fix/place.ts';
import { inFile, replaceTrue, rolesOf, saidOf, setRoles, withPlaced } from './engine/fix/policy-edits.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import { isAlwaysTrue, isForSessions, mentionsOf, namesService, policiesOf } from './engine/policies.ts';
import type { Rule } from './engine/rule.ts';
import { signedInBySession } from './engine/suggest.ts';
import { declared } from './engine/tables.ts';

/** The roles that a policy without TO should name, by its name and expression. */
function rolesFor(each: Policy): string {
  const { service, user } = mentionsOf(each);
  if ((service && !user) || (namesService(each.name) && !user)) return 'service_role';
  if (!user && each.command === 'select') return 'anon, authenticated';
  return 'authenticated';
}

/** Words by which a policy says that strangers may read. */
const open = /\b(?:any(?:one|body)|every(?:one|body)|public(?:ly)?|anonymous|anon|visitors?|all users can (?:read|view))\b/i;

/** Who a policy without TO should be for. */
function audience(policy: Policy): { roles: string; reason: string; publicRead: boolean } {
  const said = saidOf(policy);
  const { user } = mentionsOf(policy);
  if (rolesFor(policy) === 'service_role' || (namesService(said) && !user)) return { roles: 'service_role', reason: 'its name, comment or condition speaks of the service role', publicRead: false };
  if (policy.command === 'select' && !user && open.test(said)) return { roles: 'anon, authenticated', reason: 'its name or comment says that everyone may read', publicRead: true };
  if (policy.command === 'select' && !user && !isAlwaysTrue(policy.using) && !asksFurther(policy.using)) return { roles: 'anon, authenticated', reason: 'its condition tells what is published, not who reads', publicRead: true };
  return { roles: 'authenticated', reason: user ? 'its condition is about the signed-in user' : 'nothing says that anonymous visitors should', publicRead: false };
}

/** Says whether a condition depends on more than the row and the clock. */
function asksFurther(expression: Node | undefined): boolean {
  let further = false;
  walk([expression], (type, fields) => {
    if (type === 'SubLink' || (type === 'FuncCall' && !/^(?:now|lower|upper|coalesce)$/.test(stringsOf(fields['funcname']).join('.')))) further = true;
  });
  return further;
}

/** Names the role of each policy that has none. */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  const declared = new Set<string>();
  const signedIn = signedInBySession(situation.catalog);
  for (const problem of problemsOf(situation, 'policy-without-role')) {
    const policy = policyOf(situation, problem);
    if (policy === undefined) continue;
    const { roles, reason, publicRead } = audience(policy);
    const { file } = problem.source.migration;
    if (signedIn !== undefined && roles !== 'service_role') {
      // The app connects as a role of its own, which no file names: what can be said is who must have signed in.
      if (publicRead || policy.command !== 'select' || !isAlwaysTrue(policy.using)) continue;
      edits.push(...replaceTrue(situation, policy, signedIn, texts));
      decisions.push({ file, object: policyObject(policy), before: 'everyone: every row', after: `rows where ${signedIn}`, reason });
      continue;
    }
    const meaning = publicRead && !declared.has(policy.table) ? '-- muse: public-read\n' : '';
    if (meaning !== '') declared.add(policy.table);
    edits.push(...setRoles(situation, policy, roles, texts, meaning));
    const { start } = policy.site.piece.statement;
    if (meaning !== '' && inFile(situation, policy)) edits.push({ file, start, end: start, text: meaning });
    if (!publicRead) decisions.push({ file, object: policyObject(policy), before: rolesOf(policy), after: roles, reason });
  }
  return withPlaced(situation, edits, texts, decisions);
}

export const rule: Rule = {
  name: 'policy-without-role',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'a policy without TO applies to anon too',
  doc: {
    why: 'A policy without TO is for every role, including anon. Then only its expression keeps strangers out, and PostgreSQL evaluates it for each of them.',
    bad: example.replace(' TO authenticated USING', ' USING'),
    good: example,
  },
  check: {
    end(catalog, report, run) {
      for (const each of policiesOf(catalog)) {
        if (each.roles.length > 0 || declared(run, each.table, 'public-read') || isForSessions(each, catalog)) continue;
        report({
          ...at(each.site),
          object: policyObject(each),
          message: `Policy "${each.name}" on ${each.table} names no role, so it applies to anon as well.`,
          suggestion: `ALTER POLICY ${quoteIdentifier(each.name)} ON ${quoteQualified(each.table)} TO ${rolesFor(each)};`,
        });
      }
    },
  },
  live: {
    policy({ policy, table, object }, { expectations: { userRole = 'authenticated' } }, report) {
      if (!policy.roles.includes('public')) return;
      report({
        object,
        message: `Policy "${policy.name}" on ${qualifiedName(table)} names no role, so it applies to anon as well.`,
        suggestion: `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${relation(table)} TO ${quoteIdentifier(userRole)};`,
      });
    },
  },
  fix: { does: 'TO authenticated, or TO service_role where the policy\'s name or comment says so', stage: 'policies', apply },
};
