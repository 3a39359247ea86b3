import type { ExtensionStub } from './stub.ts';

export const pgjwt: ExtensionStub = {
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
};
