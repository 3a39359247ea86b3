/** Extensions that a project starts with; those that a server lacks are left out. */
const wanted: readonly (readonly [name: string, schema: string])[] = [
  ['uuid-ossp', 'extensions'], ['pgcrypto', 'extensions'], ['pg_stat_statements', 'extensions'],
  ['pg_graphql', 'graphql'], ['supabase_vault', 'vault'],
];

export const extensionsSql = `
DO $extensions$
BEGIN
${wanted.map(([name, schema]) => `
  IF EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = '${name}') THEN
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE EXTENSION IF NOT EXISTS "${name}" WITH SCHEMA ${schema};
  END IF;`).join('')}
END $extensions$;
GRANT ALL ON ALL ROUTINES IN SCHEMA extensions TO postgres WITH GRANT OPTION;
GRANT ALL ON ALL TABLES IN SCHEMA extensions TO postgres WITH GRANT OPTION;
`;
