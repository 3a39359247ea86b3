import type { ExtensionStub } from './stub.ts';

/** Extensions that CREATE EXTENSION accepts but that have no functions here. */
export const emptyStubs: readonly ExtensionStub[] = [
  'index_advisor',
  'hypopg',
  'pgaudit',
  'pg_repack',
  'plpgsql_check',
  'pgrowlocks',
  'pgstattuple',
  'pg_prewarm',
].map((extension) => ({ extension, version: '1.0', note: 'empty: its functions are missing', sql: '' }));
