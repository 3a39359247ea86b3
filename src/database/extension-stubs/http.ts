import { refusal, type ExtensionStub } from './stub.ts';

export const http: ExtensionStub = {
  extension: 'http',
  version: '1.6',
  note: 'every request fails with an error',
  sql: `
CREATE TYPE http_header AS (field varchar, value varchar);
CREATE TYPE http_request AS (method text, uri varchar, headers http_header[], content_type varchar, content varchar);
CREATE TYPE http_response AS (status integer, content_type varchar, headers http_header[], content varchar);
CREATE FUNCTION http(request http_request) RETURNS http_response LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '${refusal('http', 'it sends no requests')}' USING ERRCODE = 'feature_not_supported';
END $$;
CREATE FUNCTION http_header(field varchar, value varchar) RETURNS http_header LANGUAGE sql AS $$ SELECT $1, $2 $$;
CREATE FUNCTION http_get(uri varchar) RETURNS http_response LANGUAGE sql AS $$
  SELECT @extschema@.http(('GET', uri, NULL, NULL, NULL)::@extschema@.http_request)
$$;
CREATE FUNCTION http_post(uri varchar, content varchar, content_type varchar) RETURNS http_response LANGUAGE sql AS $$
  SELECT @extschema@.http(('POST', uri, NULL, content_type, content)::@extschema@.http_request)
$$;
`,
};
