import { authAccessSql, authSql } from './auth.ts';
import { guardSql } from './guard.ts';
import { realtimeSql } from './realtime.ts';
import { rolesSql } from './roles.ts';
import { storageAccessSql } from './storage-access.ts';
import { storageSql } from './storage.ts';

/** Schemas, their USAGE grants, and the search path with extensions. A new table in public is granted to no one. */
const schemasSql = `
GRANT USAGE ON SCHEMA public TO postgres, anon, authenticated, service_role;
GRANT CREATE ON SCHEMA public TO postgres;

CREATE SCHEMA IF NOT EXISTS extensions AUTHORIZATION postgres;
GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role, dashboard_user;

CREATE SCHEMA auth AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA auth TO postgres, anon, authenticated, service_role, supabase_auth_admin, dashboard_user;
CREATE SCHEMA storage AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA storage
  TO postgres, anon, authenticated, service_role, supabase_storage_admin, dashboard_user;
CREATE SCHEMA realtime AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA realtime TO postgres, anon, authenticated, service_role, supabase_realtime_admin;
CREATE SCHEMA graphql_public AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA graphql_public TO postgres, anon, authenticated, service_role;

CREATE PUBLICATION supabase_realtime;
ALTER PUBLICATION supabase_realtime OWNER TO postgres;
`;

/** Extensions that a project starts with. Those that a server lacks are skipped. */
const wanted: readonly (readonly [name: string, schema: string])[] = [
  ['uuid-ossp', 'extensions'],
  ['pgcrypto', 'extensions'],
  ['pg_stat_statements', 'extensions'],
  ['pg_graphql', 'graphql'],
  ['supabase_vault', 'vault'],
];

const extensionsSql = `
DO $extensions$
BEGIN
${wanted
  .map(
    ([name, schema]) => `
  IF EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = '${name}') THEN
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE EXTENSION IF NOT EXISTS "${name}" WITH SCHEMA ${schema};
  END IF;`,
  )
  .join('')}
END $extensions$;
GRANT ALL ON ALL ROUTINES IN SCHEMA extensions TO postgres WITH GRANT OPTION;
GRANT ALL ON ALL TABLES IN SCHEMA extensions TO postgres WITH GRANT OPTION;
`;

/** The marker by which `installPlatform` recognizes its own objects. */
export const platformMark = 'Supabase-shaped baseline, made by create-muse';

/** The initial database of a Supabase project, as one script for a superuser. */
export function platformSql(): string {
  return [
    rolesSql,
    schemasSql,
    authSql,
    authAccessSql,
    storageSql,
    storageAccessSql,
    realtimeSql,
    extensionsSql,
    `COMMENT ON SCHEMA auth IS '${platformMark}';`,
    guardSql,
  ].join('\n');
}
