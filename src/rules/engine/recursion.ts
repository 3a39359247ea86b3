/** Policies that read their own table again: PostgreSQL refuses every query with them. */
import type { Catalog, Policy, Table } from '../../sql/catalog/model.ts';
import { holds } from '../../sql/nodes.ts';
import { commandsOf, isForUsers } from './policies.ts';
import { type Depth, readsOf } from './reads.ts';

/** The policies of a table that apply to users who read it. */
function readPolicies({ policies }: Table): Policy[] {
  return [...policies.values()].filter((each) => isForUsers(each) && commandsOf(each).includes('select'));
}

/**
 * The path of tables by which a policy reads its own table again, that one last; undefined if it does not.
 * @param depth `expressions`: follows what PostgreSQL expands, where it refuses every query (42P17); `calls`: also
 *   follows the functions that a policy calls, which recurse until the stack is full (54001)
 * @param asWrapped the policies for reading the own table are taken for such with a subquery, as `(select auth.uid())`
 */
export function comesBack(catalog: Catalog, policy: Policy, depth: Depth, asWrapped = false): string[] | undefined {
  const visited = new Set<string>();
  // PostgreSQL expands a table again that it is expanding already, and refuses that, as soon as the policies for reading it have any
  // subquery, even one without a table. A function runs a query of its own, and only what that reads leads further.
  const isRefused = ({ using }: Policy): boolean =>
    asWrapped || (depth === 'expressions' ? holds(using, 'SubLink') : readsOf(catalog, [using], depth).size > 0);
  const follow = (from: Policy, path: string[]): string[] | undefined => {
    for (const name of readsOf(catalog, [from.using, from.check], depth)) {
      const table = catalog.ghosts.get(name) ?? catalog.tables.get(name);
      if (table === undefined || (table.rls === undefined && !catalog.ghosts.has(name))) continue;
      const policies = readPolicies(table);
      if (name === policy.table) {
        if (policies.some(isRefused)) return [...path, name];
        continue;
      }
      if (visited.has(name)) continue;
      visited.add(name);
      for (const next of policies) {
        const found = follow(next, [...path, name]);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  return follow(policy, []);
}

/** The policy of a table that PostgreSQL would refuse if those for reading the table had a subquery; undefined if none, or if they do. */
export function refusedIfWrapped(catalog: Catalog, table: Table): Policy | undefined {
  if (table.rls === undefined || readPolicies(table).some(({ using }) => holds(using, 'SubLink'))) return undefined;
  return [...table.policies.values()].find(
    (each) => isForUsers(each) && comesBack(catalog, each, 'expressions', true) !== undefined,
  );
}
