import { quoteIdentifier as identifier } from '../../shared/quote.ts';
import type { Finding } from '../../shared/finding.ts';
import { type Catalog, type PolicyRow, qualifiedName, type RelationRow } from './catalog.ts';
import { type Expectations, isDeclared } from './expectations.ts';
import { makeFinding } from '../report/make-finding.ts';
import { relation } from './sql.ts';

/** The users of the Data API; a table in a schema that none of them may use cannot be reached. */
const users = ['anon', 'authenticated'];

/** The verbs that a policy's command needs a privilege for. */
const verbs = { r: ['S', 'SELECT'], a: ['I', 'INSERT'], w: ['U', 'UPDATE'], d: ['D', 'DELETE'] } as const;

/** `rls-missing`, `policy-missing` and `grant-missing` of one table. */
export function checkAccess(table: RelationRow, catalog: Catalog, expectations: Expectations): Finding[] {
  const name = qualifiedName(table);
  if (!table.rls) return isReachable(table, catalog) ? [rlsMissing(table)] : [];
  if (table.policies.length > 0) return missingGrants(table, catalog, expectations.userRole);
  if (isDeclared(expectations.declarations, name, 'service-only') || !isReachable(table, catalog)) return [];
  return [makeFinding(
    'policy-missing', name,
    `${name} has row-level security and no policy, so nobody but the service role can do anything with it.`,
    `Add policies for those who may use it, or write -- muse: service-only beside its CREATE TABLE.`,
  )];
}

/** Where no user role exists (a database that is not Supabase-shaped) every schema counts as reachable. */
function isReachable(table: RelationRow, catalog: Catalog): boolean {
  const known = Object.keys(catalog.schemaUsage);
  return known.length === 0 || known.some((role) => role !== 'service_role' && catalog.schemaUsage[role]?.includes(table.schema));
}

function rlsMissing(table: RelationRow): Finding {
  const name = qualifiedName(table);
  return makeFinding(
    'rls-missing', name,
    `${name} has no row-level security: whoever has a privilege on it sees and changes every row.`,
    `ALTER TABLE ${relation(table)} ENABLE ROW LEVEL SECURITY;`,
  );
}

/** The policies of a role that no privilege lets it use; one finding a role, naming all the verbs. */
function missingGrants(table: RelationRow, catalog: Catalog, userRole = 'authenticated'): Finding[] {
  const findings: Finding[] = [];
  for (const role of Object.keys(catalog.roles)) {
    const lacking = new Set<string>();
    for (const policy of table.policies.filter((policy) => policy.permissive && appliesTo(policy, role, userRole))) {
      for (const verb of lackingVerbs(policy, table, role)) lacking.add(verb);
    }
    if (lacking.size === 0) continue;
    const list = [...lacking].join(', ');
    const name = qualifiedName(table);
    findings.push(makeFinding(
      'grant-missing', name,
      `${name} has policies that let ${role} ${list}, but ${role} has no such privilege, so every request ends in 42501.`,
      `GRANT ${list} ON ${relation(table)} TO ${identifier(role)};`,
    ));
  }
  return findings;
}

/** A policy without TO means signed-in users for sure; whether it means `anon` too is another rule's question. */
function appliesTo(policy: PolicyRow, role: string, userRole: string): boolean {
  return policy.roles.includes(role) || (role === userRole && policy.roles.includes('public'));
}

function lackingVerbs(policy: PolicyRow, table: RelationRow, role: string): string[] {
  const has = (letter: string): boolean =>
    (table.grants[role] ?? '').includes(letter) || table.columnGrants[role]?.[letter as 'S'] !== undefined;
  if (policy.command !== '*') {
    const [letter, verb] = verbs[policy.command];
    return has(letter) ? [] : [verb];
  }
  // A policy FOR ALL narrowed by the grants is a way to write it: only none at all is a mistake.
  return Object.values(verbs).some(([letter]) => has(letter)) ? [] : Object.values(verbs).map(([, verb]) => verb);
}

/** Says whether signed-in or anonymous users come under the policy, as opposed to the service alone. */
export function isForUsers(policy: PolicyRow, catalog: Catalog): boolean {
  return policy.roles.some((role) => role === 'public' || users.includes(role) || catalog.roles[role]?.bypassRls === false);
}
