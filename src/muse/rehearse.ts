import { openEmbedded } from '../database/embedded/embedded.ts';
import { readMigrations } from '../migrations/read.ts';
import { type Examination, examine } from './examine.ts';
import type { Muse } from '../shared/muse-file.ts';

/**
 * Runs all migrations of a muse on a shadow database, twice, rolls them back, and runs every check.
 * @throws MuseError where the shadow database cannot be opened
 */
export async function rehearseMuse({ directory, museFile }: Muse, signal?: AbortSignal): Promise<Examination> {
  const [database, files] = await Promise.all([openEmbedded({ signal }), readMigrations(directory, museFile.migrations)]);
  try {
    return await examine(database, files, museFile);
  } finally {
    await database.close();
  }
}
