import { openEmbedded } from '../database/embedded/embedded.ts';
import type { Database } from '../database/database.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import { hasErrors } from '../shared/finding.ts';
import type { Hooks } from '../shared/hooks.ts';
import { type Examination, type ExamineOptions, examine } from './examine.ts';
import { unreadableSeeds } from './seed-files.ts';
import type { Muse } from '../shared/muse-file.ts';

/** How a rehearsal is stopped, limited and followed. */
export type RehearseOptions = Hooks & Pick<ExamineOptions, 'statementTimeoutMs' | 'onPhase'>;

/**
 * Runs all migrations of a muse on a shadow database, twice, rolls them back, and runs every check.
 * @param afterwards runs on that database if nothing is wrong
 * @throws MuseError where the shadow database cannot be opened
 */
export async function rehearseMuse(
  { directory, museFile }: Muse,
  options: RehearseOptions = {},
  afterwards?: (database: Database, files: MigrationFiles) => Promise<void>,
): Promise<Examination> {
  const open = () => openEmbedded({ signal: options.signal });
  const [database, files] = await Promise.all([open(), readMigrations(directory, museFile.migrations)]);
  try {
    const seeds = await unreadableSeeds(directory);
    const readable = { ...files, findings: [...files.findings, ...seeds] };
    const examination = await examine(database, readable, museFile, { ...options, openAnother: open });
    if (!hasErrors(examination.findings)) await afterwards?.(database, files);
    return examination;
  } finally {
    await database.close();
  }
}
