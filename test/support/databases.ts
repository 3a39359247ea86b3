/** Two kinds of the same database, for tests that compare them. */
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative } from './native.ts';
import { platformDatabase } from './platform-database.ts';

export interface BothKinds {
  embedded: Database;
  postgres: Database;
  close(): Promise<void>;
}

/** An embedded database and one on a native server, both with the baseline installed. */
export async function openBoth(): Promise<BothKinds> {
  const native = await startNative();
  const [embedded, postgres] = await Promise.all([
    openEmbedded(),
    platformDatabase(native, 'both').then((url) => openPostgres({ url })),
  ]);
  await postgres.script('set search_path to "$user", public, extensions');
  return {
    embedded,
    postgres,
    async close() {
      await Promise.all([embedded.close(), postgres.close()]);
      await native.stop();
    },
  };
}
