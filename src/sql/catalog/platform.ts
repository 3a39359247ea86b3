/**
 * What a Supabase database has before the first migration. The columns are those of Supabase's own migrations of Auth
 * and Storage. A table whose columns change often is `open`: its columns are not checked.
 */

import type { PlatformTable } from './platform-table.ts';
import { postgisFunctions, postgisTables, postgisTypes } from './postgis.ts';

const timestamp = 'timestamp with time zone';

export const platformSchemas = [
  'public',
  'auth',
  'storage',
  'extensions',
  'realtime',
  'vault',
  'graphql',
  'graphql_public',
  'pgbouncer',
  'supabase_migrations',
  'pg_catalog',
  'information_schema',
  'pg_toast',
  'pg_temp',
];

/** Tables that exist before the first migration, as in a new project. */
export const platformExtensions = [
  'plpgsql',
  'pgcrypto',
  'uuid-ossp',
  'pg_stat_statements',
  'pg_graphql',
  'supabase_vault',
];

export const searchPath = ['public', 'extensions'];

export const platformTables: Record<string, PlatformTable> = {
  'auth.users': {
    columns: {
      instance_id: 'uuid',
      id: 'uuid',
      aud: 'character varying(255)',
      role: 'character varying(255)',
      email: 'character varying(255)',
      encrypted_password: 'character varying(255)',
      email_confirmed_at: timestamp,
      invited_at: timestamp,
      confirmation_token: 'character varying(255)',
      confirmation_sent_at: timestamp,
      recovery_token: 'character varying(255)',
      recovery_sent_at: timestamp,
      email_change_token_new: 'character varying(255)',
      email_change: 'character varying(255)',
      email_change_sent_at: timestamp,
      last_sign_in_at: timestamp,
      raw_app_meta_data: 'jsonb',
      raw_user_meta_data: 'jsonb',
      is_super_admin: 'boolean',
      created_at: timestamp,
      updated_at: timestamp,
      phone: 'text',
      phone_confirmed_at: timestamp,
      phone_change: 'text',
      phone_change_token: 'character varying(255)',
      phone_change_sent_at: timestamp,
      confirmed_at: timestamp,
      email_change_token_current: 'character varying(255)',
      email_change_confirm_status: 'smallint',
      banned_until: timestamp,
      reauthentication_token: 'character varying(255)',
      reauthentication_sent_at: timestamp,
      is_sso_user: 'boolean',
      deleted_at: timestamp,
      is_anonymous: 'boolean',
    },
    primaryKey: ['id'],
  },
  'auth.identities': {
    columns: { id: 'uuid', user_id: 'uuid', provider: 'text', provider_id: 'text', identity_data: 'jsonb' },
    primaryKey: ['id'],
    open: true,
  },
  'auth.sessions': { columns: { id: 'uuid', user_id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.refresh_tokens': { columns: { id: 'bigint' }, primaryKey: ['id'], open: true },
  'auth.audit_log_entries': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.mfa_factors': { columns: { id: 'uuid', user_id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.mfa_amr_claims': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.mfa_challenges': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.flow_state': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.webauthn_credentials': { columns: { id: 'uuid', user_id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.webauthn_challenges': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.oauth_clients': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.one_time_tokens': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.instances': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.schema_migrations': { columns: { version: 'text' }, primaryKey: ['version'], open: true },
  'auth.sso_providers': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.sso_domains': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'auth.saml_providers': { columns: { id: 'uuid' }, primaryKey: ['id'], open: true },
  'storage.buckets': {
    columns: {
      id: 'text',
      name: 'text',
      owner: 'uuid',
      created_at: timestamp,
      updated_at: timestamp,
      public: 'boolean',
      avif_autodetection: 'boolean',
      file_size_limit: 'bigint',
      allowed_mime_types: 'text[]',
      owner_id: 'text',
    },
    primaryKey: ['id'],
    open: true,
  },
  'storage.objects': {
    columns: {
      id: 'uuid',
      bucket_id: 'text',
      name: 'text',
      owner: 'uuid',
      created_at: timestamp,
      updated_at: timestamp,
      last_accessed_at: timestamp,
      metadata: 'jsonb',
      path_tokens: 'text[]',
      version: 'text',
      owner_id: 'text',
      user_metadata: 'jsonb',
    },
    primaryKey: ['id'],
    open: true,
  },
  'storage.migrations': { columns: { id: 'integer' }, primaryKey: ['id'], open: true },
  'realtime.messages': { columns: { id: 'uuid', topic: 'text', extension: 'text' }, primaryKey: [], open: true },
  'realtime.subscription': { columns: { id: 'bigint' }, primaryKey: ['id'], open: true },
  'vault.secrets': { columns: { id: 'uuid', name: 'text', secret: 'text' }, primaryKey: ['id'], open: true },
  'vault.decrypted_secrets': {
    columns: { id: 'uuid', name: 'text', secret: 'text', decrypted_secret: 'text' },
    primaryKey: [],
    open: true,
  },
  'supabase_migrations.schema_migrations': {
    columns: { version: 'text', name: 'text', statements: 'text[]' },
    primaryKey: ['version'],
    open: true,
  },
  'extensions.pg_stat_statements': { columns: {}, primaryKey: [], open: true },
};

/** Functions by `schema.name`, with their return types. */
export const platformFunctions: Record<string, string> = {
  'auth.uid': 'uuid',
  'auth.role': 'text',
  'auth.email': 'text',
  'auth.jwt': 'jsonb',
  'storage.foldername': 'text[]',
  'storage.filename': 'text',
  'storage.extension': 'text',
  'storage.search': 'record',
  'storage.get_size_by_bucket': 'record',
  'storage.allow_only_operation': 'boolean',
  'storage.operation': 'text',
  'realtime.topic': 'text',
  'realtime.send': 'void',
  'realtime.broadcast_changes': 'void',
  'vault.create_secret': 'uuid',
  'vault.update_secret': 'void',
  'graphql.resolve': 'jsonb',
  'graphql_public.graphql': 'jsonb',
};

/** The objects of extensions that migrations often create. Names from other extensions are not checked. */
export const knownExtensions: Record<
  string,
  {
    functions?: readonly string[];
    types?: readonly string[];
    schemas?: readonly string[];
    tables?: Readonly<Record<string, PlatformTable>>;
  }
> = {
  pgcrypto: {},
  'uuid-ossp': {},
  plpgsql: {},
  pg_stat_statements: {},
  pg_graphql: {},
  supabase_vault: {},
  citext: { types: ['citext'] },
  hstore: {
    types: ['hstore'],
    functions: [
      'hstore',
      'akeys',
      'avals',
      'skeys',
      'svals',
      'each',
      'hstore_to_json',
      'hstore_to_jsonb',
      'exist',
      'defined',
      'delete',
      'populate_record',
    ],
  },
  pg_trgm: {
    functions: ['similarity', 'show_trgm', 'word_similarity', 'strict_word_similarity', 'set_limit', 'show_limit'],
  },
  unaccent: { functions: ['unaccent'] },
  moddatetime: { functions: ['moddatetime'] },
  fuzzystrmatch: {
    functions: [
      'levenshtein',
      'levenshtein_less_equal',
      'soundex',
      'difference',
      'metaphone',
      'dmetaphone',
      'dmetaphone_alt',
      'daitch_mokotoff',
    ],
  },
  vector: {
    types: ['vector', 'halfvec', 'sparsevec'],
    functions: [
      'l2_distance',
      'inner_product',
      'cosine_distance',
      'l1_distance',
      'vector_dims',
      'vector_norm',
      'l2_normalize',
      'subvector',
      'binary_quantize',
      'hamming_distance',
      'jaccard_distance',
    ],
  },
  pg_cron: { schemas: ['cron'] },
  pg_net: { schemas: ['net'] },
  http: {
    functions: ['http', 'http_get', 'http_post', 'http_put', 'http_delete', 'http_header', 'urlencode'],
    types: ['http_request', 'http_response', 'http_header', 'http_method'],
  },
  btree_gin: {},
  btree_gist: {},
  postgis: { types: postgisTypes, functions: postgisFunctions, tables: postgisTables },
};
