import { openEmbedded } from '../database/embedded/embedded.ts';
import type { Database } from '../database/database.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import { hasErrors } from '../shared/finding.ts';
import { type Examination, examine } from './examine.ts';
import { unreadableSeeds } from './seed-files.ts';
import type { Muse } from '../shared/muse-file.ts';

/**
 * Runs all migrations of a muse on a shadow database, twice, rolls them back, and runs every check.
 * @param afterwards runs on that database if nothing is wrong
 * @throws MuseError where the shadow database cannot be opened
 */
export async function rehearseMuse(
  { directory, museFile }: Muse,
  signal?: AbortSignal,
  afterwards?: (database: Database, files: MigrationFiles) => Promise<void>,
): Promise<Examination> {
  const [database, files] = await Promise.all([
    openEmbedded({ signal }),
    readMigrations(directory, museFile.migrations),
  ]);
  try {
    const seeds = await unreadableSeeds(directory);
    const examination = await examine(database, { ...files, findings: [...files.findings, ...seeds] }, museFile);
    if (!hasErrors(examination.findings)) await afterwards?.(database, files);
    return examination;
  } finally {
    await database.close();
  }
}
