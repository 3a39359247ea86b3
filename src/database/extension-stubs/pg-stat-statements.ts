import type { ExtensionStub } from './stub.ts';

export const pgStatStatements: ExtensionStub = {
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
};
