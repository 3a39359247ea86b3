/**
 * The migration history: which migrations a database has had. It is in the database's schema `muse`, which the Data API's
 * roles cannot read.
 */
import { DatabaseError, type Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Layer } from '../sql/migration.ts';

/** The version of the history's own tables. A change to them increments it and makes `createHistory` upgrade them. */
export const historyVersion = 1;

/** One row: a file that was applied, or (`started`) one that runs outside a transaction and has not been finished. */
export interface HistoryRow {
  layer: Layer;
  file: string;
  checksum: string;
  state: 'started' | 'applied';
  /** ISO time. */
  applied_at: string;
  /** How long the file took; null while it is `started`. */
  ms: number | null;
}

/**
 * The rows of the migration history; undefined if the database has none. One round trip.
 * @throws MuseError `history-newer` if a newer version of this tool wrote it
 */
export async function readHistory(session: Session): Promise<HistoryRow[] | undefined> {
  try {
    // Rows as JSON: of a newer history with other columns at least the version is read.
    const { rows } = await session.query<{ format: { version: number; tool: string } | null; rows: HistoryRow[] }>(
      `select (select to_jsonb(l) from muse.ledger l) as format,
              (select coalesce(jsonb_agg(to_jsonb(m)), '[]') from muse.migrations m) as rows`,
    );
    const { format, rows: found } = rows[0]!;
    if (format !== null && format.version > historyVersion) throw await newer(format.version, format.tool);
    return found;
  } catch (error) {
    if (error instanceof DatabaseError && (error.code === '42P01' || error.code === '3F000')) return undefined;
    throw error;
  }
}

/**
 * Says whether the database has a migration history, where {@link readHistory} must not fail: in a transaction that continues.
 * @throws DatabaseError
 */
export async function hasHistory(session: Session): Promise<boolean> {
  const { rows } = await session.query<{ there: boolean }>(
    "SELECT pg_catalog.to_regclass('muse.migrations') IS NOT NULL AS there",
  );
  return rows[0]?.there === true;
}

async function newer(version: number, tool: string): Promise<MuseError> {
  const { packageVersion } = await import('../shared/version.ts');
  return new MuseError({
    code: 'history-newer',
    message:
      `The database's migration history has format ${version}; create-muse ${packageVersion()} knows formats up to ` +
      `${historyVersion}. Nothing was changed.`,
    suggestion: `Use create-muse ${tool} or newer: npx create-muse@${tool}, or npm install --save-dev create-muse@${tool}.`,
  });
}
