import type { Catalog, Policy, Table } from '../../sql/catalog/model.ts';
import { findRoutines, findTable } from '../../sql/catalog/lookup.ts';
import { walk } from '../../sql/nodes.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { commandsOf, isForUsers } from './policies.ts';
import { policyObject } from './sql.ts';

/** Tables that an expression or a routine's body reads with the rights of who asks. */
function readsOf(catalog: Catalog, trees: readonly unknown[], seen: Set<string> = new Set()): Set<string> {
  const reads = new Set<string>();
  const local = new Set<string>();
  walk(trees, (type, fields) => {
    if (type === 'CommonTableExpr') local.add(fields.ctename ?? '');
    if (type === 'RangeVar') {
      const lookup = fields.schemaname === undefined && local.has(fields.relname) ? undefined : findTable(catalog, fields);
      if (lookup !== undefined && 'found' in lookup) for (const table of behind(catalog, lookup.found, seen)) reads.add(table);
      else if (lookup !== undefined && 'missing' in lookup && catalog.ghosts.has(lookup.missing)) reads.add(lookup.missing);
    }
    if (type === 'FuncCall') {
      const lookup = findRoutines(catalog, fields.funcname);
      if (!('found' in lookup)) return;
      for (const routine of lookup.found) {
        // A definer's owner bypasses row-level security: what it reads ends there.
        if (routine.definer || seen.has(routine.name)) continue;
        seen.add(routine.name);
        for (const table of readsOf(catalog, routine.body.map(({ type: kind, node }) => ({ [kind]: node })), seen)) reads.add(table);
      }
    }
  });
  return reads;
}

/** The table itself, or what a view reads with the rights of who asks. */
function behind(catalog: Catalog, table: Table, seen: Set<string>): Iterable<string> {
  if (table.kind !== 'view') return [table.name];
  if (table.invoker !== true || table.site === undefined || seen.has(table.name)) return [];
  seen.add(table.name);
  return readsOf(catalog, ['query' in table.site.piece.node ? table.site.piece.node.query : undefined], seen);
}

/** Says whether expanding the policy comes back to its own table: PostgreSQL then refuses every query (42P17). */
function comesBack(catalog: Catalog, policy: Policy): string[] | undefined {
  const visited = new Set<string>();
  const follow = (from: Policy, path: string[]): string[] | undefined => {
    for (const name of readsOf(catalog, [from.using, from.check])) {
      const table = catalog.ghosts.get(name) ?? catalog.tables.get(name);
      if (table === undefined || (table.rls === undefined && !catalog.ghosts.has(name))) continue;
      const policies = [...table.policies.values()].filter((each) => isForUsers(each) && commandsOf(each).includes('select'));
      if (name === policy.table) {
        // Back at the start: it goes round again only if what guards reading there asks other tables once more.
        if (policies.some((each) => readsOf(catalog, [each.using]).size > 0)) return [...path, name];
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

export const policyRecursive: Check = {
  rule: 'policy-recursive',
  doc: {
    why: 'A policy that reads its own table, directly or through another table\'s policy, sends PostgreSQL in circles: every query of a user fails with 42P17, though the migration applies and the owner sees rows.',
    bad: '-- Members.\nCREATE TABLE IF NOT EXISTS members (organization_id uuid, user_id uuid, PRIMARY KEY (user_id, organization_id));\nALTER TABLE members ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS see ON members;\nCREATE POLICY see ON members FOR SELECT TO authenticated USING (organization_id IN (SELECT m.organization_id FROM members m WHERE m.user_id = (SELECT auth.uid())));\nGRANT SELECT ON members TO authenticated;',
    good: '-- Members.\nCREATE TABLE IF NOT EXISTS members (organization_id uuid, user_id uuid, PRIMARY KEY (user_id, organization_id));\nALTER TABLE members ENABLE ROW LEVEL SECURITY;\nCREATE OR REPLACE FUNCTION my_organizations() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = \'\' AS $$ SELECT array_agg(m.organization_id) FROM public.members m WHERE m.user_id = (SELECT auth.uid()) $$;\nDROP POLICY IF EXISTS see ON members;\nCREATE POLICY see ON members FOR SELECT TO authenticated USING (organization_id = ANY ((SELECT my_organizations())::uuid[]));\nGRANT SELECT ON members TO authenticated;',
  },
  end(catalog, report) {
    for (const table of [...catalog.tables.values(), ...catalog.ghosts.values()]) {
      if (table.rls === undefined && !catalog.ghosts.has(table.name)) continue;
      for (const policy of table.policies.values()) {
        const path = isForUsers(policy) ? comesBack(catalog, policy) : undefined;
        if (path === undefined) continue;
        report({
          ...at(policy.site),
          object: policyObject(policy),
          message: path.length === 1 ? `Policy "${policy.name}" reads its own table ${table.name}: every query of a user ends in 42P17.` : `Policy "${policy.name}" comes back to its own table (${[table.name, ...path].join(' → ')}): every query of a user ends in 42P17.`,
          suggestion: 'Ask a SECURITY DEFINER function with an empty search_path instead, which reads the table without its policies:\nUSING (organization_id = ANY ((SELECT public.my_organizations())::uuid[]))',
        });
      }
    }
  },
};

export const policyReadsAuthUsers: Check = {
  rule: 'policy-reads-auth-users',
  doc: {
    why: 'Users have no right to read auth.users. A policy that does makes every query of theirs fail with 42501, though the migration applies.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, email text);\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS mine ON notes;\nCREATE POLICY mine ON notes FOR SELECT TO authenticated USING (email = (SELECT u.email FROM auth.users u WHERE u.id = auth.uid()));\nGRANT SELECT ON notes TO authenticated;',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, email text);\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS mine ON notes;\nCREATE POLICY mine ON notes FOR SELECT TO authenticated USING (email = (SELECT auth.jwt() ->> \'email\'));\nGRANT SELECT ON notes TO authenticated;',
  },
  end(catalog, report) {
    for (const { policies } of catalog.tables.values()) {
      for (const policy of policies.values()) {
        if (!isForUsers(policy) || !readsOf(catalog, [policy.using, policy.check]).has('auth.users')) continue;
        report({
          ...at(policy.site),
          object: policyObject(policy),
          message: `Policy "${policy.name}" on ${policy.table} reads auth.users, which no user may: every query of theirs ends in 42501.`,
          suggestion: 'Take what is needed from the token, as (SELECT auth.jwt() ->> \'email\'), or from a SECURITY DEFINER function.',
        });
      }
    }
  },
};
