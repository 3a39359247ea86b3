/** The built-in kit's files, and a database with its core. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Session } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';
import { isWhole } from '../support/sample.ts';

export const kitDirectory = join(import.meta.dirname, '..', '..', 'templates', 'musekit');

/** Text of a file of the kit, by its path with `/`. A checkout on Windows may have CRLF. */
export function kitFile(path: string): string {
  return readFileSync(join(kitDirectory, ...path.split('/')), 'utf8').replaceAll('\r\n', '\n');
}

const sqlFiles = (folder: string): string[] =>
  readdirSync(join(kitDirectory, ...folder.split('/')))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => `${folder}/${name}`);

export const coreFiles = sqlFiles('migrations/core');
export const rollbackFiles = sqlFiles('migrations/rollback/core');
export const seedFile = 'seeds/development.sql';

/** Runs the files one after the other, each in a transaction of its own. */
export async function run(database: Database, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await database.transaction((session: Session) => session.script(kitFile(file)));
  }
}

/**
 * A database with the kit's core applied.
 * @param kind default: on the native server, where it is there in a fraction of the time; where everything is tested, the embedded
 *   one, in which a muse is developed and which has the extensions of Supabase
 */
export async function openKit(kind: 'embedded' | 'native' = isWhole ? 'embedded' : 'native'): Promise<Database> {
  if (kind === 'embedded') {
    const embedded = await openEmbedded();
    await run(embedded, coreFiles);
    return embedded;
  }
  const native = await startNative();
  const database = await openPostgres({ url: await platformDatabase(native, 'kit') });
  await database.script('set search_path to "$user", public, extensions');
  await run(database, coreFiles);
  return {
    ...database,
    async close() {
      await database.close();
      await native.stop();
    },
  };
}
