import type { ExtensionStub } from './stub.ts';

const call = (name: string, method: string, body: boolean): string => {
  const parameters = body
    ? `url text, body jsonb DEFAULT '{}'::jsonb, params jsonb DEFAULT '{}'::jsonb,
  headers jsonb DEFAULT '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer DEFAULT 5000`
    : `url text, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{}'::jsonb,
  timeout_milliseconds integer DEFAULT 5000`;
  return `
CREATE FUNCTION net.${name}(${parameters}) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = net AS $$
  INSERT INTO net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  VALUES ('${method}', url, headers, ${body ? "convert_to(body::text, 'UTF8')" : 'NULL'}, timeout_milliseconds) RETURNING id
$$;`;
};

export const pgNet: ExtensionStub = {
  extension: 'pg_net',
  version: '0.14.0',
  note: 'requests are put into net.http_request_queue and never sent',
  sql: `
CREATE SCHEMA net;
CREATE DOMAIN net.http_method AS text CHECK (value IN ('GET', 'POST', 'DELETE'));
-- The address may come from a secret or a setting that only the server has: pg_net asks for one.
CREATE TABLE net.http_request_queue (
  id bigserial PRIMARY KEY, method net.http_method NOT NULL, url text, headers jsonb, body bytea,
  timeout_milliseconds integer NOT NULL
);
CREATE TABLE net._http_response (
  id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text,
  created timestamptz NOT NULL DEFAULT now()
);
${call('http_get', 'GET', false)}
${call('http_post', 'POST', true)}
${call('http_delete', 'DELETE', false)}
GRANT USAGE ON SCHEMA net TO postgres, anon, authenticated, service_role, supabase_functions_admin;
GRANT SELECT ON net._http_response, net.http_request_queue TO postgres;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA net FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA net TO postgres, anon, authenticated, service_role, supabase_functions_admin;
`,
};
