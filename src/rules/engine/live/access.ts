import type { Catalog, RelationRow } from './catalog.ts';

/**
 * Says whether a user of the Data API can come near the table, by the use of its schema. Where no user role exists (a database
 * that is not Supabase-shaped) every schema counts.
 */
export function isReachable(table: RelationRow, catalog: Catalog): boolean {
  const known = Object.keys(catalog.schemaUsage);
  return (
    known.length === 0 ||
    known.some((role) => role !== 'service_role' && catalog.schemaUsage[role]?.includes(table.schema))
  );
}

/** Says whether a user's role holds a privilege on the table or on a column of it, by whatever route. */
export function isGranted(table: RelationRow): boolean {
  const roles = new Set([...Object.keys(table.grants), ...Object.keys(table.columnGrants)]);
  roles.delete('service_role');
  return [...roles].some(
    (role) => (table.grants[role] ?? '') !== '' || Object.keys(table.columnGrants[role] ?? {}).length > 0,
  );
}
