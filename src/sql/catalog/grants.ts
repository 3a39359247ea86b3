import { allOf, stringsOf } from '../nodes.ts';
import type { Fields } from '../nodes.ts';
import { findTable } from './lookup.ts';
import type { Catalog, Site, Table } from './model.ts';

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

/** Applies what is granted on the whole table, or on columns, or taken of those, to what is known beside {@link Table.grants}. */
function changeColumns(table: Table, statement: Fields<'GrantStmt'>, site: Site): void {
  const isGrant = statement.is_grant === true;
  const all = allOf(statement.privileges, 'AccessPriv').map(({ priv_name: name, cols }) => ({
    names: name === undefined ? everything : [name],
    columns: stringsOf(cols),
  }));
  const privileges = all.length === 0 ? [{ names: everything, columns: [] }] : all;
  for (const { roletype, rolename = '' } of allOf(statement.grantees, 'RoleSpec')) {
    const role = roletype === 'ROLESPEC_PUBLIC' ? 'public' : rolename;
    for (const { names, columns } of privileges)
      for (const privilege of names)
        if (columns.length > 0) ofColumns(table, { role, privilege, columns, isGrant }, site);
        else ofTable(table, { role, privilege, isGrant });
  }
}

function ofTable(
  table: Table,
  { role, privilege, isGrant }: { role: string; privilege: string; isGrant: boolean },
): void {
  const wide = table.wideGrants.get(role) ?? new Set<string>();
  table.wideGrants.set(role, wide);
  const isOther = (one: Table['columnRevokes'][number]): boolean => one.role !== role || one.privilege !== privilege;
  if (isGrant) {
    wide.add(privilege);
    // What it gives back on purpose is withheld no more; what was never taken still is meant to be.
    table.columnRevokes = table.columnRevokes.filter((one) => isOther(one) || one.isIdle);
  } else {
    wide.delete(privilege);
    table.columnGrants.get(role)?.delete(privilege);
    table.columnRevokes = table.columnRevokes.filter(isOther);
  }
}

function ofColumns(
  table: Table,
  { role, privilege, columns, isGrant }: { role: string; privilege: string; columns: string[]; isGrant: boolean },
  site: Site,
): void {
  const ofRole = table.columnGrants.get(role) ?? new Map<string, Set<string>>();
  table.columnGrants.set(role, ofRole);
  const held = ofRole.get(privilege) ?? new Set<string>();
  ofRole.set(privilege, held);
  for (const column of columns)
    if (isGrant) held.add(column);
    else held.delete(column);
  const isIdle = [role, 'public'].some((one) => table.wideGrants.get(one)?.has(privilege) === true);
  if (!isGrant) table.columnRevokes.push({ role, privilege, columns, isIdle, site });
  // The privilege on the table stays, as do those on other columns.
  if (!isGrant && (isIdle || held.size > 0)) table.grants.get(role)?.add(privilege);
}

/**
 * Applies a GRANT or REVOKE on tables.
 * @param site where it is
 * @param schemas the schemas whose future tables it applies to (ALTER DEFAULT PRIVILEGES); undefined for existing
 *   tables
 */
export function grant(catalog: Catalog, statement: Fields<'GrantStmt'>, site: Site, schemas?: readonly string[]): void {
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
  for (const table of [...named, ...inSchemas]) {
    change(table.grants, statement, table.policies.size > 0);
    changeColumns(table, statement, site);
  }
}

/** Gives a new table the privileges of earlier ALTER DEFAULT PRIVILEGES. */
export function applyDefaultGrants(catalog: Catalog, table: Table): void {
  for (const [role, privileges] of catalog.defaultGrants.get(table.name.split('.')[0]!) ?? []) {
    table.grants.set(role, new Set([...(table.grants.get(role) ?? []), ...privileges]));
    table.wideGrants.set(role, new Set([...(table.wideGrants.get(role) ?? []), ...privileges]));
  }
}
