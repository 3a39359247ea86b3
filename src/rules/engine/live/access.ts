import type { Catalog, RelationRow } from './catalog.ts';

/**
 * Returns whether a user of the Data API has USAGE on the table's schema. If no user role exists (a database without
 * Supabase's roles), every schema counts.
 */
export function isReachable(table: RelationRow, catalog: Catalog): boolean {
  const known = Object.keys(catalog.schemaUsage);
  return (
    known.length === 0 ||
    known.some((role) => role !== 'service_role' && catalog.schemaUsage[role]?.includes(table.schema))
  );
}

/**
 * Returns whether a user's role has a privilege on the table or on one of its columns, directly or through another
 * role.
 */
export function isGranted(table: RelationRow): boolean {
  const roles = new Set([...Object.keys(table.grants), ...Object.keys(table.columnGrants)]);
  roles.delete('service_role');
  return [...roles].some(
    (role) => (table.grants[role] ?? '') !== '' || Object.keys(table.columnGrants[role] ?? {}).length > 0,
  );
}
