import type { ExtensionStub } from './stub.ts';

export const pgJsonschema: ExtensionStub = {
  extension: 'pg_jsonschema',
  version: '0.3.3',
  note: 'every document is valid',
  sql: `
CREATE FUNCTION json_matches_schema(schema json, instance json) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE FUNCTION jsonb_matches_schema(schema json, instance jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE FUNCTION jsonschema_is_valid(schema json) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
`,
};
