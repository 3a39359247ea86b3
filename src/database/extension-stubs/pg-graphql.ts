import type { ExtensionStub } from './stub.ts';

export const pgGraphql: ExtensionStub = {
  extension: 'pg_graphql',
  version: '1.5.11',
  note: 'graphql.resolve answers every query with an error; comment directives are kept as comments',
  schema: 'graphql',
  sql: `
CREATE FUNCTION graphql.resolve(query text, variables jsonb DEFAULT '{}'::jsonb, "operationName" text DEFAULT NULL,
  extensions jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('data', NULL, 'errors', jsonb_build_array(jsonb_build_object('message',
    'pg_graphql is not part of the embedded database')))
$$;
CREATE FUNCTION graphql.get_schema_version() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT 1 $$;
CREATE FUNCTION graphql.comment_directive(comment_ text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(substring(comment_ FROM '@graphql\\((.*)\\)')::jsonb, '{}'::jsonb)
$$;
GRANT USAGE ON SCHEMA graphql TO postgres WITH GRANT OPTION;
GRANT USAGE ON SCHEMA graphql TO anon, authenticated, service_role;
CREATE FUNCTION graphql_public.graphql("operationName" text DEFAULT NULL, query text DEFAULT NULL,
  variables jsonb DEFAULT NULL, extensions jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT graphql.resolve(query, coalesce(variables, '{}'), "operationName", extensions)
$$;
`,
};
