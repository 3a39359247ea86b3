import { authAccessSql } from './auth-access.ts';
import { authSql } from './auth.ts';
import { extensionsSql } from './extensions.ts';
import { guardSql } from './guard.ts';
import { realtimeSql } from './realtime.ts';
import { rolesSql } from './roles.ts';
import { schemasSql } from './schemas.ts';
import { storageAccessSql } from './storage-access.ts';
import { storageSql } from './storage.ts';

/** What `installBaseline` knows its own work by. */
export const baselineMark = 'Supabase-shaped baseline, made by create-muse';

/** The database that a Supabase project starts with, as one script for a superuser. */
export function baselineSql(): string {
  return [
    rolesSql, schemasSql, authSql, authAccessSql, storageSql, storageAccessSql, realtimeSql, extensionsSql,
    `COMMENT ON SCHEMA auth IS '${baselineMark}';`, guardSql,
  ].join('\n');
}
