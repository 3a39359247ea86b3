/**
 * The roles of a Supabase project, with the attributes and memberships that decide what a migration may do. On a plain
 * server roles belong to the whole cluster, so an existing role is left unchanged.
 */
const roles: Readonly<Record<string, string>> = {
  supabase_admin: 'NOLOGIN BYPASSRLS',
  postgres: 'NOLOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS',
  anon: 'NOLOGIN',
  authenticated: 'NOLOGIN',
  service_role: 'NOLOGIN BYPASSRLS',
  authenticator: 'NOLOGIN NOINHERIT',
  dashboard_user: 'NOLOGIN CREATEDB CREATEROLE REPLICATION',
  supabase_auth_admin: 'NOLOGIN NOINHERIT CREATEROLE',
  supabase_storage_admin: 'NOLOGIN NOINHERIT CREATEROLE',
  supabase_realtime_admin: 'NOLOGIN NOINHERIT',
  supabase_functions_admin: 'NOLOGIN NOINHERIT CREATEROLE',
  supabase_replication_admin: 'NOLOGIN REPLICATION',
  supabase_read_only_user: 'NOLOGIN BYPASSRLS',
};

/** PostgREST's settings on its role, see its documentation of in-database configuration. */
const postgrest = [
  'db_aggregates_enabled',
  'db_anon_role',
  'db_extra_search_path',
  'db_hoisted_tx_settings',
  'db_max_rows',
  'db_plan_enabled',
  'db_pre_request',
  'db_prepared_statements',
  'db_root_spec',
  'db_schemas',
  'db_timezone_enabled',
  'db_tx_end',
  'jwt_aud',
  'jwt_role_claim_key',
  'jwt_secret',
  'jwt_secret_is_base64',
  'openapi_mode',
  'openapi_security_active',
  'openapi_server_proxy_uri',
  'server_cors_allowed_origins',
  'server_timing_enabled',
  'server_trace_header',
];

const create = Object.entries(roles).map(
  ([name, attributes]) => `
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '${name}') THEN
    CREATE ROLE ${name} ${attributes};
  END IF;`,
);

export const rolesSql = `
DO $roles$ BEGIN${create.join('')}
END $roles$;

GRANT anon, authenticated, service_role TO authenticator;
GRANT authenticator TO supabase_storage_admin;
GRANT pg_read_all_data TO supabase_read_only_user;

DO $own$
DECLARE
  database_name text := current_database();
  plain boolean := NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'postgres');
BEGIN
  IF plain THEN
    ALTER ROLE postgres LOGIN;
    GRANT anon, authenticated, service_role, authenticator, pg_monitor, pg_read_all_data, pg_signal_backend
      TO postgres WITH ADMIN OPTION;
    GRANT pg_create_subscription TO postgres;
    -- Supabase lets postgres make policies and triggers on these services' tables although it does not own them. In
    -- PostgreSQL only an owner may; what else an owner may is refused by the guard.
    GRANT supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin
      TO postgres WITH INHERIT TRUE, SET FALSE;
    GRANT SET ON PARAMETER session_replication_role, log_min_messages, track_io_timing, log_lock_waits TO postgres;
    -- supautils lets it set PostgREST's, as ALTER ROLE authenticator SET pgrst.db_pre_request.
    GRANT SET ON PARAMETER ${postgrest.map((name) => `pgrst.${name}`).join(', ')} TO postgres;
    EXECUTE format('ALTER DATABASE %I OWNER TO postgres', database_name);
  END IF;
  EXECUTE format('ALTER ROLE postgres IN DATABASE %I SET search_path TO "$user", public, extensions', database_name);
  EXECUTE format('ALTER ROLE supabase_auth_admin IN DATABASE %I SET search_path TO auth', database_name);
  EXECUTE format('ALTER ROLE supabase_storage_admin IN DATABASE %I SET search_path TO storage', database_name);
  EXECUTE format('ALTER ROLE anon IN DATABASE %I SET statement_timeout TO ''3s''', database_name);
  EXECUTE format('ALTER ROLE authenticated IN DATABASE %I SET statement_timeout TO ''8s''', database_name);
  EXECUTE format('ALTER ROLE authenticator IN DATABASE %I SET statement_timeout TO ''8s''', database_name);
  EXECUTE format('ALTER ROLE authenticator IN DATABASE %I SET lock_timeout TO ''8s''', database_name);
END $own$;
`;
