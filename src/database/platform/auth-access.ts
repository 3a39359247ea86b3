/** Supabase Auth: the functions that policies call, owners and grants. */
const claim = (name: string, type: string): string => `
CREATE FUNCTION auth.${name === 'sub' ? 'uid' : name}() RETURNS ${type} LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(current_setting('request.jwt.claim.${name}', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> '${name}'
  )::${type}
$$;`;

export const authAccessSql = `
${claim('sub', 'uuid')}
${claim('role', 'text')}
${claim('email', 'text')}

CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

DO $owners$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'auth'::regnamespace AND c.relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE auth.%I OWNER TO supabase_auth_admin', name);
    EXECUTE format('ALTER TABLE auth.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT ALL ON auth.%I TO postgres, dashboard_user', name);
    EXECUTE format('GRANT SELECT ON auth.%I TO postgres WITH GRANT OPTION', name);
  END LOOP;
  FOR name IN SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'auth'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION auth.%I() OWNER TO supabase_auth_admin', name);
  END LOOP;
  FOR name IN SELECT t.typname FROM pg_catalog.pg_type t
    WHERE t.typnamespace = 'auth'::regnamespace AND t.typtype = 'e' LOOP
    EXECUTE format('ALTER TYPE auth.%I OWNER TO supabase_auth_admin', name);
  END LOOP;
END $owners$;
GRANT ALL ON SEQUENCE auth.refresh_tokens_id_seq TO postgres, dashboard_user;
`;
