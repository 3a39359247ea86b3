import { createHash } from 'node:crypto';
import { unreadableSeeds } from '../../muse/seed-files.ts';
import { readMigrations } from '../../migrations/read.ts';
import type { Muse } from '../../shared/muse-file.ts';

/** A text that differs where a file of the muse does. */
export async function fingerprint({ directory, museFile }: Muse): Promise<string> {
  const { migrations, rollbacks, findings } = await readMigrations(directory, museFile.migrations);
  const all = [museFile, migrations, [...rollbacks], findings, await unreadableSeeds(directory)];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}
