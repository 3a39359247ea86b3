import type { Database, Session } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { installPlatform } from '../../src/database/platform/install.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative } from '../support/native.ts';
import { isWhole } from '../support/sample.ts';

/**
 * A database for the proofs of a file: on the native server, where a proof takes less than half the time. Where everything is
 * tested it is the embedded one, in which a muse is rehearsed; `kinds.test.ts` compares the two in any run. Cases that need an
 * extension of Supabase open the embedded one themselves, as the server has no files of those.
 */
export async function openProofDatabase(): Promise<Database> {
  if (isWhole) return openEmbedded();
  const native = await startNative();
  const database = await openPostgres({ url: await native.createDatabase('proofs') });
  await installPlatform(database);
  await database.script('set search_path to "$user", public, extensions');
  return {
    ...database,
    async close() {
      await database.close();
      await native.stop();
    },
  };
}

/** Runs `work` after the SQL and rolls everything back. Its failures do not affect others. */
export async function withSchema<T>(
  database: Session,
  sql: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const guarded = async <R>(run: () => Promise<R>): Promise<R> => {
    await database.script('savepoint each');
    try {
      return await run();
    } catch (error) {
      await database.script('rollback to savepoint each');
      throw error;
    } finally {
      await database.script('release savepoint each');
    }
  };
  await database.script('begin');
  try {
    await database.script(sql);
    return await work({
      query: (text, parameters) => guarded(() => database.query(text, parameters)),
      script: (text) => guarded(() => database.script(text)),
    });
  } finally {
    await database.script('rollback');
  }
}
