import type { Session } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { readHistory } from './history.ts';
import type { HistoryRow } from './history.ts';
import type { Layer, Migration } from '../sql/migration.ts';

/** A file and its layer, as status and results name it. */
export interface FileName {
  layer: Layer;
  file: string;
}

/** The files compared with the migration history. Each migration is in exactly one of applied, pending, edited, renamed. */
export interface Comparison {
  /** With the checksum that the history has. */
  applied: Migration[];
  /** Never applied, or started outside a transaction and not finished. */
  pending: Migration[];
  /** Applied with a different text. */
  edited: { migration: Migration; row: HistoryRow }[];
  /** Applied under another name: the same text, and the old file is gone. */
  renamed: { migration: Migration; row: HistoryRow }[];
  /** In the history, and no file has the name or the text. */
  missing: HistoryRow[];
  /** Rows of pending files that were started and not finished. */
  interrupted: HistoryRow[];
}

function keyOf(file: FileName): string {
  return `${file.layer} ${file.file}`;
}

/** Compares the files with the rows of the migration history. Pure. */
export function compare(migrations: readonly Migration[], rows: readonly HistoryRow[]): Comparison {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const files = new Set(migrations.map(keyOf));
  const orphans = rows.filter((row) => !files.has(keyOf(row)));
  const result: Comparison = { applied: [], pending: [], edited: [], renamed: [], missing: [], interrupted: [] };
  const taken = new Set<HistoryRow>();
  for (const migration of migrations) {
    const row = byKey.get(keyOf(migration));
    if (row === undefined) {
      const same = orphans.filter(
        (orphan) => orphan.checksum === migration.checksum && orphan.state === 'applied' && !taken.has(orphan),
      );
      const old = same.find((orphan) => orphan.layer === migration.layer) ?? same[0];
      if (old === undefined) {
        result.pending.push(migration);
      } else {
        taken.add(old);
        result.renamed.push({ migration, row: old });
      }
    } else if (row.state === 'started') {
      result.pending.push(migration);
      result.interrupted.push(row);
    } else if (row.checksum === migration.checksum) {
      result.applied.push(migration);
    } else {
      result.edited.push({ migration, row });
    }
  }
  result.missing = orphans.filter((row) => !taken.has(row));
  return result;
}

/** The pending files that come before an applied one of their own layer: they run out of order. */
export function outOfOrder(migrations: readonly Migration[], comparison: Comparison): Migration[] {
  const pending = new Set(comparison.pending);
  const last: Record<Layer, number> = { core: -1, extension: -1 };
  migrations.forEach((migration, index) => {
    if (!pending.has(migration)) last[migration.layer] = index;
  });
  return migrations.filter((migration, index) => pending.has(migration) && index < last[migration.layer]);
}

/** A `checksum-drift` for each file that was edited after it was applied. */
export function driftFindings(comparison: Comparison): Finding[] {
  return comparison.edited.map(({ migration, row }) => ({
    rule: 'checksum-drift',
    severity: 'error',
    file: migration.file,
    line: 1,
    column: 1,
    message: `The file was edited after it was applied (${row.applied_at.slice(0, 10)}): this database has the text of that time.`,
    suggestion: 'Undo the edit (git log shows it) and write the change as a new migration, with `muse new`.',
  }));
}

/** How a database compares with the files. Every list is in the order in which the files run. */
export interface MigrationStatus {
  /** Applied with the text that they have now, under this name or an older one. */
  applied: FileName[];
  pending: FileName[];
  /** Applied, and edited since. */
  edited: FileName[];
  /** Applied, and the file no longer exists. */
  missing: FileName[];
}

/**
 * Compares the files with the database's migration history; changes nothing. One query.
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
