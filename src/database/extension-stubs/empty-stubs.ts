import type { StandIn } from './stub.ts';

/** Stand-ins that are a function or two. */
export const smallStandIns: readonly StandIn[] = [
  {
    extension: 'moddatetime',
    version: '1.0',
    note: 'works as the real one',
    sql: `
CREATE FUNCTION moddatetime() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_NARGS <> 1 THEN RAISE EXCEPTION 'moddatetime (%): A single argument was expected', TG_TABLE_NAME; END IF;
  RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
END $$;
`,
  },
  {
    extension: 'pgjwt',
    version: '0.2.0',
    note: 'signs and verifies HS256, HS384 and HS512',
    requires: 'pgcrypto',
    sql: `
CREATE FUNCTION url_encode(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT translate(encode(data, 'base64'), E'+/=\\n', '-_')
$$;
CREATE FUNCTION url_decode(data text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT decode(translate(data, '-_', '+/') || repeat('=', (4 - length(data) % 4) % 4), 'base64')
$$;
CREATE FUNCTION algorithm_sign(signables text, secret text, algorithm text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT @extschema@.url_encode(@extschema:pgcrypto@.hmac(signables, secret,
    CASE algorithm WHEN 'HS256' THEN 'sha256' WHEN 'HS384' THEN 'sha384' WHEN 'HS512' THEN 'sha512' ELSE '' END))
$$;
CREATE FUNCTION sign(payload json, secret text, algorithm text DEFAULT 'HS256') RETURNS text LANGUAGE sql IMMUTABLE AS $$
  WITH parts AS (SELECT @extschema@.url_encode(convert_to('{"alg":"' || algorithm || '","typ":"JWT"}', 'utf8')) || '.'
    || @extschema@.url_encode(convert_to(payload::text, 'utf8')) AS signables)
  SELECT signables || '.' || @extschema@.algorithm_sign(signables, secret, algorithm) FROM parts
$$;
CREATE FUNCTION try_cast_double(inp text) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN inp::double precision;
EXCEPTION WHEN invalid_text_representation THEN
  RETURN NULL;
END $$;
CREATE FUNCTION verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean) LANGUAGE sql IMMUTABLE AS $$
  SELECT convert_from(@extschema@.url_decode(p[1]), 'utf8')::json, convert_from(@extschema@.url_decode(p[2]), 'utf8')::json,
    p[3] = @extschema@.algorithm_sign(p[1] || '.' || p[2], secret, algorithm) AND tstzrange(
      to_timestamp(@extschema@.try_cast_double(convert_from(@extschema@.url_decode(p[2]), 'utf8')::json ->> 'nbf')),
      to_timestamp(@extschema@.try_cast_double(convert_from(@extschema@.url_decode(p[2]), 'utf8')::json ->> 'exp'))) @> current_timestamp
  FROM (SELECT regexp_split_to_array(token, '\\.') AS p) AS split
$$;
`,
  },
  {
    extension: 'pg_stat_statements',
    version: '1.11',
    note: 'the view is empty',
    sql: `
CREATE FUNCTION pg_stat_statements(showtext boolean, OUT userid oid, OUT dbid oid, OUT toplevel boolean, OUT queryid bigint,
  OUT query text, OUT plans bigint, OUT total_plan_time double precision, OUT calls bigint,
  OUT total_exec_time double precision, OUT min_exec_time double precision, OUT max_exec_time double precision,
  OUT mean_exec_time double precision, OUT rows bigint) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT NULL::oid, NULL::oid, NULL::boolean, NULL::bigint, NULL::text, NULL::bigint, NULL::double precision, NULL::bigint,
    NULL::double precision, NULL::double precision, NULL::double precision, NULL::double precision, NULL::bigint WHERE false
$$;
CREATE VIEW pg_stat_statements AS SELECT * FROM pg_stat_statements(true);
CREATE FUNCTION pg_stat_statements_reset(userid oid DEFAULT 0, dbid oid DEFAULT 0, queryid bigint DEFAULT 0,
  minmax_only boolean DEFAULT false) RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() $$;
GRANT SELECT ON pg_stat_statements TO PUBLIC;
`,
  },
  {
    extension: 'http',
    version: '1.6',
    note: 'every request fails with an error',
    sql: `
CREATE TYPE http_header AS (field varchar, value varchar);
CREATE TYPE http_request AS (method text, uri varchar, headers http_header[], content_type varchar, content varchar);
CREATE TYPE http_response AS (status integer, content_type varchar, headers http_header[], content varchar);
CREATE FUNCTION http(request http_request) RETURNS http_response LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'http: the embedded database sends no requests';
END $$;
CREATE FUNCTION http_header(field varchar, value varchar) RETURNS http_header LANGUAGE sql AS $$ SELECT $1, $2 $$;
CREATE FUNCTION http_get(uri varchar) RETURNS http_response LANGUAGE sql AS $$
  SELECT @extschema@.http(('GET', uri, NULL, NULL, NULL)::@extschema@.http_request)
$$;
CREATE FUNCTION http_post(uri varchar, content varchar, content_type varchar) RETURNS http_response LANGUAGE sql AS $$
  SELECT @extschema@.http(('POST', uri, NULL, content_type, content)::@extschema@.http_request)
$$;
`,
  },
  {
    extension: 'pg_jsonschema',
    version: '0.3.3',
    note: 'every document is valid',
    sql: `
CREATE FUNCTION json_matches_schema(schema json, instance json) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE FUNCTION jsonb_matches_schema(schema json, instance jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE FUNCTION jsonschema_is_valid(schema json) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
`,
  },
  ...['index_advisor', 'hypopg', 'pgaudit', 'pg_repack', 'plpgsql_check', 'pgrowlocks', 'pgstattuple', 'pg_prewarm'].map(
    (extension) => ({ extension, version: '1.0', note: 'an empty shell: its functions are missing', sql: '' }),
  ),
];
