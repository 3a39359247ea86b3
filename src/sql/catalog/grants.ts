import { allOf, stringsOf } from '../nodes.ts';
import type { Fields } from '../nodes.ts';
import { findTable } from './lookup.ts';
import type { Catalog, Table } from './model.ts';

/** What ALL stands for, as far as it is about rows. */
const everything = ['select', 'insert', 'update', 'delete', 'truncate'];

type Privileges = Map<string, Set<string>>;

/**
 * @param decides whether a REVOKE from a role that was never granted anything is recorded, as an entry without
 *   privileges
 */
function change(grants: Privileges, statement: Fields<'GrantStmt'>, decides: boolean): void {
  const names = allOf(statement.privileges, 'AccessPriv').map(({ priv_name: name }) => name ?? '');
  const privileges = names.length === 0 ? everything : names;
  for (const { roletype, rolename = '' } of allOf(statement.grantees, 'RoleSpec')) {
    const role = roletype === 'ROLESPEC_PUBLIC' ? 'public' : rolename;
    const known = grants.get(role);
    if (known === undefined && statement.is_grant !== true && !decides) continue;
    const held = known ?? new Set<string>();
    for (const privilege of privileges) {
      if (statement.is_grant === true) held.add(privilege);
      else held.delete(privilege);
    }
    grants.set(role, held);
  }
}

/**
 * Applies a GRANT or REVOKE on tables.
 * @param schemas the schemas whose future tables it applies to (ALTER DEFAULT PRIVILEGES); undefined for existing
 *   tables
 */
export function grant(catalog: Catalog, statement: Fields<'GrantStmt'>, schemas?: readonly string[]): void {
  if (statement.objtype !== 'OBJECT_TABLE') return;
  if (schemas !== undefined) {
    for (const schema of schemas) {
      const grants: Privileges = catalog.defaultGrants.get(schema) ?? new Map();
      change(grants, statement, false);
      catalog.defaultGrants.set(schema, grants);
    }
    return;
  }
  const named = allOf(statement.objects, 'RangeVar').flatMap((relation) => {
    const lookup = findTable(catalog, relation);
    return 'found' in lookup ? [lookup.found] : [];
  });
  const all = statement.targtype === 'ACL_TARGET_ALL_IN_SCHEMA' ? stringsOf(statement.objects) : [];
  const inSchemas =
    all.length === 0 ? [] : [...catalog.tables.values()].filter(({ name }) => all.includes(name.split('.')[0]!));
  // Before a table has policies, a REVOKE only clears its defaults; after them, it deliberately withholds what they
  // allow.
  for (const table of [...named, ...inSchemas]) change(table.grants, statement, table.policies.size > 0);
}

/** Gives a new table the privileges of earlier ALTER DEFAULT PRIVILEGES. */
export function applyDefaultGrants(catalog: Catalog, table: Table): void {
  for (const [role, privileges] of catalog.defaultGrants.get(table.name.split('.')[0]!) ?? []) {
    table.grants.set(role, new Set([...(table.grants.get(role) ?? []), ...privileges]));
  }
}
