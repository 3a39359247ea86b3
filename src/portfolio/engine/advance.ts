/** Moves a run on: puts items into the queue, opens the next wave, stops the run, ends it. */
import type { Session } from '../../database/database.ts';
import { cancelJobs, enqueue } from '../queue.ts';
import { appendAudit } from '../registry/audit.ts';
import { countItems, findRun, type ItemState, type RunRow, type RunState } from './runs.ts';

/** How long a worker may hold an item, in seconds: longer than the longest `--wait-timeout`, shorter than pg-boss's day. */
export const itemSeconds = 4 * 60 * 60;

/**
 * Does what is due in a run, in the caller's transaction: what ended an item and what begins the next one are one change.
 * @param run as it is now, locked by this transaction
 * @returns the run as it is then
 */
export async function advanceRun(session: Session, run: RunRow): Promise<RunRow> {
  const { number } = run;
  if (run.state !== 'running') return run;
  const counts = await countItems(session, number);
  const count = (states: readonly ItemState[], wave?: number): number =>
    counts
      .filter((one) => states.includes(one.state) && (wave === undefined || one.wave === wave))
      .reduce((sum, one) => sum + one.count, 0);
  const failures = count(['failed', 'unknown']);
  const { maxFailures, concurrency, pauseSeconds } = run.options;
  if (maxFailures !== null && failures >= maxFailures) {
    await blockRest(session, number);
    if (count(['running']) > 0) return run;
    const stopped = count(['waiting', 'queued', 'blocked']) > 0;
    return endRun(session, run, stopped ? 'stopped' : 'failed');
  }
  const isOpen = (wave: number): boolean => count(['waiting', 'queued', 'running'], wave) > 0;
  let { wave } = run;
  while (!isOpen(wave) && wave < run.waves) wave += 1;
  if (!isOpen(wave)) return endRun(session, run, failures > 0 ? 'failed' : 'done');
  if (wave !== run.wave) {
    const pauses = pauseSeconds > 0;
    await session.query(
      `update portfolio.runs set wave = $2,
              paused_until = case when $3 then clock_timestamp() + $4 * interval '1 second' end
        where number = $1`,
      [number, wave, pauses, pauseSeconds],
    );
    if (pauses) return { ...run, wave, isPaused: true };
  } else if (run.isPaused) return run;
  await fillQueue(session, number, wave, concurrency - count(['queued', 'running']));
  return { ...run, wave };
}

/** Queues the next items of the open wave. */
async function fillQueue(session: Session, run: number, wave: number, most: number): Promise<void> {
  if (most <= 0) return;
  const { rows: jobs } = await session.query<{ queue: string; job: string }>(
    `with next as (
       select id from portfolio.items where run = $1 and wave = $2 and state = 'waiting'
        order by position limit $3 for update)
     update portfolio.items i set state = 'queued', job = gen_random_uuid(), queued_at = clock_timestamp()
       from next where i.id = next.id returning i.queue, i.job`,
    [run, wave, most],
  );
  for (const queue of new Set(jobs.map((one) => one.queue))) {
    const ids = jobs.filter((one) => one.queue === queue).map(({ job }) => job);
    await enqueue(session, queue, ids, itemSeconds);
  }
}

/** What has not begun is not begun any more. */
async function blockRest(session: Session, run: number): Promise<void> {
  await takeBack(session, run, 'blocked');
}

/**
 * Takes what no worker has yet out of a run.
 * @returns how many items that were
 */
async function takeBack(session: Session, run: number, state: 'blocked' | 'cancelled'): Promise<number> {
  const { rows } = await session.query<{ queue: string; job: string | null }>(
    `with those as (
       select id, queue, job from portfolio.items where run = $1 and state in ('waiting', 'queued') for update)
     update portfolio.items i set state = $2, job = null, ended_at = null
       from those where i.id = those.id returning those.queue, those.job`,
    [run, state],
  );
  for (const queue of new Set(rows.map((row) => row.queue))) {
    const jobs = rows.flatMap((row) => (row.queue === queue && row.job !== null ? [row.job] : []));
    await cancelJobs(session, queue, jobs);
  }
  return rows.length;
}

async function endRun(session: Session, run: RunRow, state: RunState): Promise<RunRow> {
  await session.query(
    'update portfolio.runs set state = $2, ended_at = clock_timestamp(), paused_until = null where number = $1',
    [run.number, state],
  );
  await appendAudit(session, {
    action: `${run.kind} run ${state}`,
    run: run.number,
    before: { state: run.state },
    after: { state },
  });
  return { ...run, state };
}

/**
 * Cancels a run: what runs is finished, nothing else is begun. A run that has ended stays as it is.
 * @returns the run, and how many items were cancelled
 */
export async function cancelRun(session: Session, name: string): Promise<{ run: RunRow; cancelled: number }> {
  const run = await findRun(session, name, true);
  if (run.state !== 'running') return { run, cancelled: 0 };
  const cancelled = await takeBack(session, run.number, 'cancelled');
  return { run: await endRun(session, run, 'cancelled'), cancelled };
}
