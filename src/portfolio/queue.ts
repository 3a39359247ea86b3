/**
 * The queue: everything that the portfolio asks of pg-boss. Jobs are fetched and completed by hand, inside the transaction
 * that changes the item they stand for; pg-boss opens no connection, starts no timer and knows nothing of items.
 */
import { createRequire } from 'node:module';
import type { Database, Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';

type PgBoss = import('pg-boss');
type Db = NonNullable<import('pg-boss').ConnectionOptions['db']>;

const schema = 'pgboss';

/** How often a job may be lost by workers before pg-boss gives it up; items have a limit of their own, which is lower. */
const retryLimit = 100;

/** Loaded only where jobs are touched: the registry alone is read without it. */
const load = async (): Promise<typeof import('pg-boss')> => (await import('pg-boss')).default;

/** A pg-boss on one session, and what PostgreSQL answered last where pg-boss keeps that to itself. */
interface Boss {
  boss: PgBoss;
  db: Db;
  /** @throws the error of the last statement, if it failed */
  check(): void;
}

async function bossOn(session: Session): Promise<Boss> {
  let failure: unknown;
  const db: Db = {
    async executeSql(text: string, values: unknown[] = []) {
      failure = undefined;
      try {
        return await session.query(text, values);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  };
  const Boss = await load();
  const boss = new Boss({ db, schema, supervise: false, schedule: false, migrate: false });
  return {
    boss,
    db,
    check() {
      if (failure !== undefined) throw failure;
    },
  };
}

/**
 * Creates the queue's tables, or brings those of an older pg-boss up to date. Nothing is granted on them.
 * @throws MuseError `history-newer` where a newer pg-boss made them
 */
export async function installQueue(database: Database): Promise<void> {
  const Boss = await load();
  const { boss } = await bossOn(database);
  // The types leave out that it is null before the first installation.
  const found = (await boss.isInstalled()) ? ((await boss.schemaVersion()) as number | null) : null;
  const { schema: own } = createRequire(import.meta.url)('pg-boss/version.json') as { schema: number };
  if (found === own) return;
  if (found !== null && found > own) {
    throw new MuseError({
      code: 'history-newer',
      message: `The queue of ${database.description} was made by a newer version of create-muse. Nothing was changed.`,
      suggestion: 'Use that version: npx create-muse@latest.',
    });
  }
  await database.script(
    found === null ? Boss.getConstructionPlans(schema) : Boss.getMigrationPlans(schema, String(found)),
  );
  await database.script(`revoke all on schema ${schema} from public`);
}

/** Makes sure that there is a queue of this name. */
export async function openQueue(session: Session, name: string): Promise<void> {
  await (await bossOn(session)).boss.createQueue(name, { name, policy: 'standard', retryLimit });
}

/** Removes a queue with all of its jobs. */
export async function dropQueue(session: Session, name: string): Promise<void> {
  await session.query(`delete from ${schema}.job where name = $1`, [name]);
  await (await bossOn(session)).boss.deleteQueue(name);
}

/** The names of all queues. */
export async function queueNames(session: Session): Promise<string[]> {
  return (await (await bossOn(session)).boss.getQueues()).map(({ name }) => name);
}

/**
 * Puts jobs into the queue.
 * @param ids chosen by the caller, one for each job
 * @param expireInSeconds how long a worker may hold one, less than a day
 */
export async function enqueue(
  session: Session,
  name: string,
  ids: readonly string[],
  expireInSeconds: number,
): Promise<void> {
  if (ids.length === 0) return;
  const { boss, db } = await bossOn(session);
  await boss.insert(
    ids.map((id) => ({ id, name, expireInSeconds, retryLimit })),
    { db },
  );
}

/** Takes up to so many jobs from the queue: their ids, oldest first. */
export async function fetchJobs(session: Session, name: string, count: number): Promise<string[]> {
  const { boss, db, check } = await bossOn(session);
  // pg-boss takes every error of this statement for a job that another worker has; only an empty answer means that.
  const jobs = await boss.fetch(name, { batchSize: count, db } as import('pg-boss').FetchOptions);
  check();
  return jobs.map(({ id }) => id);
}

/** Ends a job for good, whatever came of its item. */
export async function completeJob(session: Session, name: string, id: string): Promise<void> {
  const { boss, db } = await bossOn(session);
  await boss.complete(name, id, {}, { db });
}

/** Gives a job back: another fetch gets it again. */
export async function returnJob(session: Session, name: string, id: string, reason: string): Promise<void> {
  const { boss, db } = await bossOn(session);
  await boss.fail(name, id, { reason }, { db });
}

/** Takes jobs out of the queue that no worker has yet. */
export async function cancelJobs(session: Session, name: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { boss, db } = await bossOn(session);
  await boss.cancel(name, [...ids], { db });
}
