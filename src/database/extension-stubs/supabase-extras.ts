import type { ExtensionStub } from './stub.ts';

const version = '1.0';

/**
 * A language whose functions can be created and not called: they are kept as they are, since nothing validates them.
 * https://www.postgresql.org/docs/17/sql-createlanguage.html
 */
const language = (name: string): ExtensionStub => ({
  extension: name,
  version,
  note: 'its functions can be created and not called',
  sql: `CREATE TRUSTED LANGUAGE ${name} HANDLER plpgsql_call_handler;`,
});

/** An access method that keeps the least and the greatest value of each block, with the names of its operator classes. */
const asBrin = (method: string, classes: readonly [name: string, type: string][]): string =>
  [
    `CREATE ACCESS METHOD ${method} TYPE INDEX HANDLER brinhandler;`,
    ...classes.map(([name, type], index) => {
      const isFirst = classes.findIndex((each) => each[1] === type) === index;
      return `CREATE OPERATOR CLASS ${name} ${isFirst ? 'DEFAULT' : ''} FOR TYPE ${type} USING ${method} AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 brin_minmax_opcinfo(internal),
  FUNCTION 2 brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 brin_minmax_consistent(internal, internal, internal), FUNCTION 4 brin_minmax_union(internal, internal, internal);`;
    }),
  ].join('\n');

/** Extensions of others that Supabase offers. */
export const supabaseExtras: readonly ExtensionStub[] = [
  language('plv8'),
  language('plls'),
  language('plcoffee'),
  {
    extension: 'pgsodium',
    version: '3.1.8',
    note: 'keys are names, and nothing is encrypted: put no secret there',
    schema: 'pgsodium',
    sql: `
CREATE TYPE pgsodium.key_status AS ENUM ('default', 'valid', 'invalid', 'expired');
CREATE TYPE pgsodium.key_type AS ENUM ('aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth', 'shorthash',
  'generichash', 'kdf', 'secretbox', 'secretstream', 'stream_xchacha20');
CREATE TABLE pgsodium.key (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), status pgsodium.key_status DEFAULT 'valid',
  created timestamptz NOT NULL DEFAULT current_timestamp, expires timestamptz, key_type pgsodium.key_type DEFAULT 'aead-det',
  key_id bigint GENERATED ALWAYS AS IDENTITY, key_context bytea DEFAULT '\\x7067736f6469756d', name text UNIQUE,
  associated_data text DEFAULT 'associated', raw_key bytea, raw_key_nonce bytea, parent_key uuid REFERENCES pgsodium.key (id),
  comment text, user_data text
);
CREATE VIEW pgsodium.valid_key AS
  SELECT id, name, status, key_type, key_id, key_context, created, expires, associated_data FROM pgsodium.key
  WHERE status IN ('valid', 'default') AND (expires IS NULL OR expires > now());
CREATE FUNCTION pgsodium.create_key(key_type pgsodium.key_type DEFAULT 'aead-det', name text DEFAULT NULL,
  raw_key bytea DEFAULT NULL, raw_key_nonce bytea DEFAULT NULL, parent_key uuid DEFAULT NULL,
  key_context bytea DEFAULT '\\x7067736f6469756d', expires timestamptz DEFAULT NULL, associated_data text DEFAULT '')
RETURNS pgsodium.valid_key LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  INSERT INTO pgsodium.key (key_type, name, expires, associated_data) VALUES ($1, $2, $7, $8);
  SELECT v FROM pgsodium.valid_key v ORDER BY key_id DESC LIMIT 1
$$;
CREATE FUNCTION pgsodium.crypto_aead_det_encrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea DEFAULT NULL)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT message $$;
CREATE FUNCTION pgsodium.crypto_aead_det_decrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea DEFAULT NULL)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT message $$;
CREATE FUNCTION pgsodium.randombytes_buf(size integer) RETURNS bytea LANGUAGE sql VOLATILE AS $$
  SELECT substring(string_agg(uuid_send(gen_random_uuid()), '') FROM 1 FOR size) FROM generate_series(0, size / 16)
$$;
GRANT USAGE ON SCHEMA pgsodium TO postgres, service_role;
GRANT ALL ON pgsodium.key TO postgres WITH GRANT OPTION;
GRANT SELECT ON pgsodium.key, pgsodium.valid_key TO postgres, service_role;
`,
  },
  {
    extension: 'wrappers',
    version: '0.5.0',
    note: 'without its foreign data wrappers: a foreign table needs the real one',
    sql: '',
  },
  {
    extension: 'pg_partman',
    version: '5.1.0',
    note: 'its functions make no partitions',
    sql: `
CREATE TABLE part_config (parent_table text PRIMARY KEY, control text, partition_interval text, partition_type text,
  premake integer DEFAULT 4, automatic_maintenance text DEFAULT 'on', retention text, retention_schema text,
  retention_keep_table boolean DEFAULT true, retention_keep_index boolean DEFAULT true, infinite_time_partitions boolean DEFAULT false,
  inherit_privileges boolean DEFAULT false, ignore_default_data boolean DEFAULT true);
GRANT ALL ON part_config TO postgres;
CREATE FUNCTION create_parent(p_parent_table text, p_control text, p_interval text, p_type text DEFAULT 'range',
  p_epoch text DEFAULT 'none', p_premake integer DEFAULT 4, p_start_partition text DEFAULT NULL, p_default_table boolean DEFAULT true,
  p_automatic_maintenance text DEFAULT 'on', p_constraint_cols text[] DEFAULT NULL, p_template_table text DEFAULT NULL,
  p_jobmon boolean DEFAULT true, p_date_trunc_interval text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
  INSERT INTO @extschema@.part_config (parent_table, control, partition_interval, partition_type, premake)
  VALUES ($1, $2, $3, $4, $6) ON CONFLICT (parent_table) DO NOTHING;
  SELECT true
$$;
CREATE FUNCTION run_maintenance(p_parent_table text DEFAULT NULL, p_analyze boolean DEFAULT false, p_jobmon boolean DEFAULT true)
RETURNS void LANGUAGE sql AS $$ SELECT NULL::void $$;
CREATE PROCEDURE run_maintenance_proc(p_wait integer DEFAULT 0, p_analyze boolean DEFAULT NULL, p_jobmon boolean DEFAULT true)
LANGUAGE sql AS $$ SELECT 1 $$;
`,
  },
  {
    extension: 'rum',
    version: '1.3.0',
    note: 'its indexes do not help, and order by distance is missing',
    sql: asBrin('rum', [
      ['rum_tsvector_ops', 'tsvector'],
      ['rum_tsvector_hash_ops', 'tsvector'],
      ['rum_anyarray_ops', 'anyarray'],
      ['rum_timestamptz_ops', 'timestamptz'],
      ['rum_int4_ops', 'integer'],
      ['rum_text_ops', 'text'],
    ]),
  },
  {
    extension: 'pgroonga',
    version: '3.2.5',
    note: 'its indexes do not help, and its searches look for the text itself',
    sql: `${asBrin('pgroonga', [
      ['pgroonga_text_full_text_search_ops_v2', 'text'],
      ['pgroonga_text_term_search_ops_v2', 'text'],
      ['pgroonga_text_regexp_ops_v2', 'text'],
      ['pgroonga_text_array_full_text_search_ops_v2', 'anyarray'],
      ['pgroonga_jsonb_ops_v2', 'jsonb'],
    ])}
CREATE FUNCTION pgroonga_match(target text, sought text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT position(lower(sought) in lower(target)) > 0
$$;
CREATE OPERATOR &@ (LEFTARG = text, RIGHTARG = text, FUNCTION = pgroonga_match);
CREATE OPERATOR &@~ (LEFTARG = text, RIGHTARG = text, FUNCTION = pgroonga_match);
CREATE FUNCTION pgroonga_score(oid, tid) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$ SELECT 1::double precision $$;
`,
  },
  {
    extension: 'pg_tle',
    version: '1.4.0',
    note: 'installs nothing',
    schema: 'pgtle',
    sql: `
GRANT USAGE ON SCHEMA pgtle TO postgres;
CREATE FUNCTION pgtle.install_extension(name text, version text, description text, ext text, requires text[] DEFAULT NULL)
RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.install_extension_version_sql(name text, version text, ext text) RETURNS boolean
LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.install_update_path(name text, fromvers text, tovers text, ext text) RETURNS boolean
LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.set_default_version(name text, version text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.uninstall_extension(extname text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.uninstall_extension(extname text, version text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.uninstall_extension_if_exists(extname text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
CREATE FUNCTION pgtle.uninstall_update_path(extname text, fromvers text, tovers text) RETURNS boolean
LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pgtle.available_extensions() RETURNS TABLE (name name, default_version text, comment text) LANGUAGE sql AS $$
  SELECT NULL::name, NULL::text, NULL::text WHERE false
$$;
`,
  },
  {
    extension: 'address_standardizer',
    version: '3.3.7',
    note: 'its functions are missing',
    sql: `CREATE TYPE stdaddr AS (building text, house_num text, predir text, qual text, pretype text, name text, suftype text,
  sufdir text, ruralroute text, extra text, city text, state text, country text, postcode text, box text, unit text);`,
  },
];
