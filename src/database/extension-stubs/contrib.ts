import { refusal, type ExtensionStub } from './stub.ts';

const version = '1.0';

/** A function that is there and says when it is called that it is a stub. */
const refuses = (extension: string, signature: string, returns: string): string =>
  `CREATE FUNCTION ${signature} RETURNS ${returns} LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '${refusal(extension)}' USING ERRCODE = 'feature_not_supported';
END $$;\n`;

/** Modules of PostgreSQL's contrib that the embedded database lacks and Supabase offers. */
export const contribStubs: readonly ExtensionStub[] = [
  {
    extension: 'dblink',
    version,
    note: 'its functions are there and refuse: there is no other database to reach',
    sql: [
      ['dblink_connect(text)', 'text'],
      ['dblink_connect(text, text)', 'text'],
      ['dblink_connect_u(text)', 'text'],
      ['dblink_connect_u(text, text)', 'text'],
      ['dblink_disconnect()', 'text'],
      ['dblink_disconnect(text)', 'text'],
      ['dblink(text)', 'SETOF record'],
      ['dblink(text, boolean)', 'SETOF record'],
      ['dblink(text, text)', 'SETOF record'],
      ['dblink(text, text, boolean)', 'SETOF record'],
      ['dblink_exec(text)', 'text'],
      ['dblink_exec(text, boolean)', 'text'],
      ['dblink_exec(text, text)', 'text'],
      ['dblink_exec(text, text, boolean)', 'text'],
      ['dblink_send_query(text, text)', 'integer'],
      ['dblink_is_busy(text)', 'integer'],
      ['dblink_get_result(text)', 'SETOF record'],
      ['dblink_get_result(text, boolean)', 'SETOF record'],
      ['dblink_cancel_query(text)', 'text'],
      ['dblink_error_message(text)', 'text'],
      ['dblink_get_connections()', 'text[]'],
    ]
      .map(([signature = '', returns = '']) => refuses('dblink', signature, returns))
      .join(''),
  },
  {
    extension: 'autoinc',
    version,
    note: 'works as the real one',
    sql: `
CREATE FUNCTION autoinc() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  made jsonb := to_jsonb(NEW);
BEGIN
  FOR i IN 0 .. TG_NARGS / 2 - 1 LOOP
    IF coalesce((made ->> TG_ARGV[2 * i])::bigint, 0) = 0 THEN
      made := made || jsonb_build_object(TG_ARGV[2 * i], nextval(TG_ARGV[2 * i + 1]::regclass));
    END IF;
  END LOOP;
  RETURN jsonb_populate_record(NEW, made);
END $$;
`,
  },
  {
    extension: 'insert_username',
    version,
    note: 'works as the real one',
    sql: `
CREATE FUNCTION insert_username() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], current_user));
END $$;
`,
  },
  {
    extension: 'refint',
    version,
    note: 'its triggers check nothing',
    sql: ['check_primary_key', 'check_foreign_key']
      .map(
        (name) =>
          `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;\n`,
      )
      .join(''),
  },
  {
    extension: 'tcn',
    version,
    note: 'its trigger notifies nobody',
    sql: 'CREATE FUNCTION triggered_change_notification() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;',
  },
  {
    extension: 'lo',
    version,
    note: 'large objects are not removed with their rows',
    sql: `
CREATE DOMAIN lo AS oid;
CREATE FUNCTION lo_oid(lo) RETURNS oid LANGUAGE sql IMMUTABLE AS $$ SELECT $1::oid $$;
CREATE FUNCTION lo_manage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
`,
  },
  {
    extension: 'sslinfo',
    version,
    note: 'says of every connection that it has no TLS',
    sql: `
CREATE FUNCTION ssl_is_used() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;
CREATE FUNCTION ssl_client_cert_present() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;
${['ssl_version', 'ssl_cipher', 'ssl_client_dn', 'ssl_issuer_dn']
  .map((name) => `CREATE FUNCTION ${name}() RETURNS text LANGUAGE sql STABLE AS $$ SELECT NULL::text $$;`)
  .join('\n')}
`,
  },
  {
    extension: 'pg_buffercache',
    version,
    note: 'its view has no rows',
    sql: `
CREATE VIEW pg_buffercache AS SELECT NULL::integer AS bufferid, NULL::oid AS relfilenode, NULL::oid AS reltablespace,
  NULL::oid AS reldatabase, NULL::smallint AS relforknumber, NULL::bigint AS relblocknumber, NULL::boolean AS isdirty,
  NULL::smallint AS usagecount, NULL::integer AS pinning_backends WHERE false;
`,
  },
  {
    extension: 'xml2',
    version,
    note: 'its functions are there and refuse: the embedded database has no XML',
    sql: [
      ['xml_valid(text)', 'boolean'],
      ['xpath_string(text, text)', 'text'],
      ['xpath_number(text, text)', 'real'],
      ['xpath_bool(text, text)', 'boolean'],
      ['xpath_nodeset(text, text)', 'text'],
      ['xpath_list(text, text)', 'text'],
      ['xpath_table(text, text, text, text, text)', 'SETOF record'],
      ['xslt_process(text, text)', 'text'],
    ]
      .map(([signature = '', returns = '']) => refuses('xml2', signature, returns))
      .join(''),
  },
];
