import { findRoutines } from '../sql/catalog/lookup.ts';
import type { Catalog, Policy } from '../sql/catalog/model.ts';
import { stringsOf, walk } from '../sql/nodes.ts';
import type { Node } from '../sql/nodes.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at, policyObject } from './engine/check.ts';
import { example } from './engine/example.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Decision, Edit, FixResult, Left, Situation } from './engine/fix/fix.ts';
import { declarePublicRead, publicReadWords } from './engine/fix/intent.ts';
import type { Words } from './engine/fix/intent.ts';
import type { Texts } from './engine/fix/place.ts';
import { inFile, replaceTrue, rolesOf, saidOf, setRoles, withPlaced } from './engine/fix/policy-edits.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import { isAlwaysTrue, isForSessions, mentionsOf, namesService, policiesOf } from './engine/policies.ts';
import { type Provided, supabase } from './engine/provided.ts';
import { readsOf } from './engine/reads.ts';
import type { Rule } from './engine/rule.ts';
import { signedInBySession } from './engine/suggest.ts';
import { declared } from './engine/tables.ts';

/** The roles that a policy without TO should name, according to its name and expression. */
function rolesFor(each: Policy): string {
  const { service, user } = mentionsOf(each);
  if ((service && !user) || (namesService(each.name) && !user)) return 'service_role';
  if (!user && each.command === 'select') return 'anon, authenticated';
  return 'authenticated';
}

/** Whom a policy without TO is for; undefined if neither its condition nor its words show that. */
function audience(situation: Situation, policy: Policy): { roles: string; reason: string; words?: Words } | undefined {
  const { catalog } = situation;
  const said = saidOf(policy);
  const user = asksUser(catalog, [policy.using, policy.check]);
  if (rolesFor(policy) === 'service_role' || (namesService(said) && !user))
    return { roles: 'service_role', reason: 'its name, comment or condition mentions the service role' };
  if (user) return { roles: 'authenticated', reason: 'its condition is about the signed-in user' };
  if (policy.command !== 'select') return undefined;
  const words = publicReadWords(policy, catalog.tables.get(policy.table));
  if (words !== undefined) return { roles: 'anon, authenticated', reason: words.quoted, words };
  if (!isAlwaysTrue(policy.using) && !asksFurther(policy.using))
    return { roles: 'anon, authenticated', reason: 'its condition is about what is published, not about who reads' };
  return undefined;
}

/**
 * Returns whether an expression depends on the signed-in user: itself, through functions of the files, or through the
 * policies of tables that it reads.
 */
function asksUser(catalog: Catalog, trees: readonly unknown[], seen: ReadonlySet<string> = new Set()): boolean {
  let found = false;
  const follow = (name: string, inner: readonly unknown[]): void => {
    if (!seen.has(name) && asksUser(catalog, inner, new Set([...seen, name]))) found = true;
  };
  walk(trees, (type, fields) => {
    if (type !== 'FuncCall') return;
    if (/^auth\.(?:uid|jwt|email|role)$|(?:^|\.)current_setting$/.test(stringsOf(fields.funcname).join('.')))
      found = true;
    const lookup = findRoutines(catalog, fields.funcname);
    for (const { name, body } of 'found' in lookup ? lookup.found : [])
      follow(
        name,
        body.map(({ type: kind, node }) => ({ [kind]: node })),
      );
  });
  for (const name of readsOf(catalog, trees, 'expressions')) {
    const table = catalog.tables.get(name);
    if (table?.rls !== undefined)
      follow(
        `table ${name}`,
        [...table.policies.values()].flatMap(({ using }) => using ?? []),
      );
  }
  return found;
}

/** Returns whether a condition depends on more than the row and the current time. */
function asksFurther(expression: Node | undefined): boolean {
  let further = false;
  walk([expression], (type, fields) => {
    if (
      type === 'SubLink' ||
      (type === 'FuncCall' && !/^(?:now|lower|upper|coalesce)$/.test(stringsOf(fields['funcname']).join('.')))
    )
      further = true;
  });
  return further;
}

/** Adds the role to each policy without TO, if its condition or its author's words show which. */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  const left: Left[] = [];
  const declared = new Set<string>();
  const signedIn = signedInBySession(situation.catalog);
  for (const problem of problemsOf(situation, 'policy-without-role')) {
    const policy = policyOf(situation, problem);
    if (policy === undefined) continue;
    const meant = audience(situation, policy);
    const { file } = problem.source.migration;
    if (signedIn !== undefined && meant?.roles !== 'service_role') {
      // The app connects as a role that no file names, so only the condition that a user is signed in can be added.
      if (meant !== undefined || policy.command !== 'select' || !isAlwaysTrue(policy.using)) continue;
      edits.push(...replaceTrue(situation, policy, signedIn, texts));
      decisions.push({
        file,
        object: policyObject(policy),
        before: 'everyone: every row',
        after: `rows where ${signedIn}`,
        reason: 'nothing says that anonymous visitors may read',
      });
      continue;
    }
    // A policy that lets everyone write anything is for `policy-always-true`.
    const provided = situation.examined.provided();
    if (meant === undefined || !areThere(meant.roles, provided)) {
      left.push({
        rule: 'policy-without-role',
        file,
        why: `nothing shows whom ${policyObject(policy)} is for, and without TO it applies to ${anyone(provided)} too.`,
      });
      continue;
    }
    const { roles, reason, words } = meant;
    const meaning = words !== undefined && !declared.has(policy.table) ? declarePublicRead(words) : '';
    if (meaning !== '') declared.add(policy.table);
    edits.push(...setRoles(situation, policy, roles, texts, meaning));
    const { start } = policy.site.piece.statement;
    if (meaning !== '' && inFile(situation, policy)) edits.push({ file, start, end: start, text: meaning });
    decisions.push({ file, object: policyObject(policy), before: rolesOf(policy), after: roles, reason });
  }
  return { ...withPlaced(situation, edits, texts, decisions), left };
}

/** Returns whether the roles of a TO are all there. */
function areThere(roles: string, provided: Provided): boolean {
  return roles.split(', ').every((role) => provided.roles.has(role));
}

/** Whom a policy without TO applies to that it may not be meant for. */
function anyone({ roles }: Provided): string {
  return roles.has('anon') ? 'anon' : 'every role';
}

/** What is wrong with a policy without TO, and the role that it should name, where that is there. */
function unlimited(
  policy: string,
  table: string,
  on: string,
  roles: string,
  provided: Provided = supabase,
): { message: string; suggestion: string } {
  const alter = `ALTER POLICY ${quoteIdentifier(policy)} ON ${on} TO`;
  return {
    message: `Policy "${policy}" on ${table} names no role, so it applies to ${anyone(provided)} as well.`,
    suggestion:
      provided === supabase || areThere(roles, provided)
        ? `${alter} ${roles};`
        : `Name the role that the app connects as: ${alter} <role>;`,
  };
}

export const rule: Rule = {
  name: 'policy-without-role',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'a policy without TO applies to anon too',
  doc: {
    why:
      'A policy without TO applies to every role, including anon. Then only its expression keeps anonymous ' +
      'visitors out, and PostgreSQL evaluates it for each of their queries.',
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
          ...unlimited(each.name, each.table, quoteQualified(each.table), rolesFor(each), run.provided()),
        });
      }
    },
  },
  live: {
    policy({ policy, table, object }, { expectations: { userRole = 'authenticated', provided } }, report) {
      if (!policy.roles.includes('public')) return;
      report({
        object,
        ...unlimited(
          policy.name,
          qualifiedName(table),
          relation(table),
          quoteIdentifier(userRole),
          userRole === 'authenticated' ? provided : undefined,
        ),
      });
    },
  },
  fix: {
    does:
      'adds TO authenticated if the policy depends on the signed-in user, TO service_role if its name or comment ' +
      'says so, TO anon, authenticated if it is about what is published; the rest needs a manual fix',
    stage: 'policies',
    apply,
  },
};
