import { openEmbedded } from '../database/embedded/embedded.ts';
import { readMigrations } from '../migrations/read.ts';
import { type Examination, examine } from './examine.ts';
import type { Muse } from '../shared/muse-file.ts';

/**
 * Runs all migrations of a muse on a throw-away database, twice and back, with every check.
 * @throws MuseError where the throw-away database cannot be opened
 */
export async function rehearseMuse({ directory, museFile }: Muse): Promise<Examination> {
  const [database, files] = await Promise.all([openEmbedded({}), readMigrations(directory, museFile.migrations)]);
  try {
    return await examine(database, files, museFile);
  } finally {
    await database.close();
  }
}
