import type { Database } from '../database/database.ts';
import { migrate, type MigrateOptions, type MigrateResult } from '../migrations/apply.ts';
import { expectationsOf } from '../muse/declared-schema.ts';
import type { Finding } from '../shared/finding.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import type { Migration } from '../sql/migration.ts';
import { checkCatalog } from '../verify/catalog/catalog-check.ts';

/**
 * What a run does to its target once. The first call begins it, and every later one gets the same result: so a step can begin
 * what a later step reports.
 */
export interface TargetWork {
  /**
   * Applies the migrations.
   * @param onProgress replaces that of an earlier call
   * @throws MuseError what `migrate` throws
   */
  migrate(migrations: readonly Migration[], onProgress?: MigrateOptions['onProgress']): Promise<MigrateResult>;
  /** What the target's catalog lacks of what the files declare. */
  check(migrations: readonly Migration[], museFile: MuseFile): Promise<Finding[]>;
}

/** @param statementTimeoutMs how long a statement of a migration may take; default: what the server says */
export function targetWork(database: Database, statementTimeoutMs: number | undefined): TargetWork {
  let follow: MigrateOptions['onProgress'];
  let migrated: Promise<MigrateResult> | undefined;
  let checked: Promise<Finding[]> | undefined;
  return {
    migrate(migrations, onProgress) {
      follow = onProgress;
      return (migrated ??= migrate(database, migrations, {
        ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
        onProgress: (progress) => follow?.(progress),
      }));
    },
    check(migrations, museFile) {
      return (checked ??= expectationsOf(migrations, museFile).then((expected) => checkCatalog(database, expected)));
    },
  };
}
