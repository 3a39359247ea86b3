import type { Session } from '../database/database.ts';
import { compare, type FileName } from './compare.ts';
import { readHistory } from './history.ts';
import type { Migration } from '../sql/migration.ts';

/** Where a database stands against the files. Every list in the order in which the files run. */
export interface MigrationStatus {
  /** Applied with the text that they have now, under this name or an older one. */
  applied: FileName[];
  pending: FileName[];
  /** Applied, and edited since. */
  edited: FileName[];
  /** Applied, and no such file any more. */
  missing: FileName[];
}

/**
 * Compares the files with the database's ledger; changes nothing. One query.
 * @throws MuseError `history-newer`
 */
export async function migrationStatus(database: Session, migrations: readonly Migration[]): Promise<MigrationStatus> {
  const comparison = compare(migrations, (await readHistory(database)) ?? []);
  const names = (files: readonly FileName[]): FileName[] => files.map(({ layer, file }) => ({ layer, file }));
  const applied = new Set([...comparison.applied, ...comparison.renamed.map(({ migration }) => migration)]);
  return {
    applied: names(migrations.filter((migration) => applied.has(migration))),
    pending: names(comparison.pending),
    edited: names(comparison.edited.map(({ migration }) => migration)),
    missing: names(comparison.missing),
  };
}
