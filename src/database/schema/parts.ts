/**
 * SQL shared by several of the schema's SELECTs. It runs with an empty search_path, so names in pg_catalog need no
 * schema.
 */

/** An access list as text, one grantee after the other. The grantor is omitted, because it differs between servers. */
export function grants(acl: string): string {
  return `string_agg(g.entry, '; ' ORDER BY g.entry) FROM (
      SELECT coalesce(r.rolname, 'PUBLIC') || '=' || string_agg(
        x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ',' ORDER BY x.privilege_type) AS entry
      FROM aclexplode(${acl}) x LEFT JOIN pg_roles r ON r.oid = x.grantee GROUP BY r.rolname) g`;
}

/** Leaves out what an extension created, since the extension itself is listed. */
export function notOfExtension(catalog: string, id: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${id} AND e.deptype = 'e')`;
}

/** Schemas of Supabase's services, in which migrations create only policies, triggers and grants. */
export const services = [
  'auth',
  'storage',
  'realtime',
  'vault',
  'graphql',
  'graphql_public',
  'supabase_functions',
  'supabase_migrations',
  'pgbouncer',
  'pgsodium',
  'pgsodium_masks',
  '_realtime',
  '_analytics',
  '_supavisor',
];

/** Kinds of objects that are compared and copied by their identity alone, with their catalogs and the columns of their schemas. */
export const namedKinds = [
  ['operator', 'pg_operator', 'oprnamespace'],
  ['collation', 'pg_collation', 'collnamespace'],
  ['text search configuration', 'pg_ts_config', 'cfgnamespace'],
  ['operator class', 'pg_opclass', 'opcnamespace'],
] as const;
