/** What a worker does to items: takes them, keeps their journal, finishes them, gives them back. */
import type { Session } from '../../database/database.ts';
import { isNewer } from './version.ts';
import { completeJob, dropQueue, fetchJobs, queueNames, returnJob } from '../queue.ts';
import { appendAudit } from '../registry/audit.ts';
import type { EnvironmentName, MuseFile } from '../../shared/muse-file.ts';
import { type KeptError, type KeptIsolation, type MuseState, museStates, settleMuse } from '../registry/muses.ts';
import { advanceRun, itemSeconds } from './advance.ts';
import { findRun, type ItemState, queueOf } from './runs.ts';

/** An item that this worker has. */
export interface TakenItem {
  id: string;
  run: number;
  kind: string;
  environment: EnvironmentName;
  muse: string;
  queue: string;
  job: string;
  /** Counts from 1. Only the attempt that took it last may write to it. */
  attempt: number;
  input: unknown;
  journal: unknown;
}

/** Who takes items. */
export interface WorkerIdentity {
  id: string;
  host: string;
  /** The version of this tool. */
  tool: string;
}

/**
 * Takes up to so many items that this worker may have: of its own host or of any, of a kind that it knows, and of no newer
 * version of this tool.
 */
export async function takeItems(
  session: Session,
  worker: WorkerIdentity & { kinds: readonly string[] },
  most: number,
  onlyRun?: number,
): Promise<TakenItem[]> {
  if (most <= 0) return [];
  const { rows: queued } = await session.query<{ queue: string; run: number; tool: string }>(
    `select i.queue, r.number::int as run, r.tool from portfolio.items i join portfolio.runs r on r.number = i.run
      where i.state = 'queued' and ($1::bigint is null or r.number = $1::bigint) and r.kind = any ($2)
      group by i.queue, r.number, r.tool order by r.number`,
    [onlyRun ?? null, [...worker.kinds]],
  );
  const taken: TakenItem[] = [];
  for (const { queue, run, tool } of queued) {
    const isMine = queue === queueOf(run) || queue === queueOf(run, worker.host);
    if (!isMine || isNewer(tool, worker.tool) || taken.length >= most) continue;
    const jobs = await fetchJobs(session, queue, most - taken.length);
    if (jobs.length === 0) continue;
    const { rows } = await session.query<TakenItem>(
      `update portfolio.items i
          set state = 'running', worker = $2, attempts = attempts + 1, started_at = clock_timestamp(),
              expires_at = clock_timestamp() + $3 * interval '1 second'
         from portfolio.runs r
        where r.number = i.run and i.job = any ($1::uuid[]) and i.state = 'queued'
       returning i.id, i.run::int as run, r.kind, r.environment, i.muse, i.queue, i.job, i.attempts as attempt, i.input,
                 i.journal`,
      [jobs, worker.id, itemSeconds],
    );
    taken.push(...rows);
    // A job whose item was taken out of the run in the meantime stands for nothing.
    const known = new Set(rows.map(({ job }) => job));
    for (const job of jobs) if (!known.has(job)) await completeJob(session, queue, job);
  }
  return taken;
}

/** What an item came to. */
export interface Outcome {
  state: Extract<ItemState, 'done' | 'failed' | 'unknown'>;
  /** For the report. Holds no secret. */
  result: Record<string, unknown>;
  error?: KeptError;
  /** What is known about the muse's environment now. */
  seen?: {
    files?: object;
    drift?: number;
    isolation?: Omit<KeptIsolation, 'at'>;
    museState?: MuseState;
    /** With `museState`: a muse that has come further stays there. */
    atLeast?: boolean;
    /** Where the muse is on this worker's machine, if it was made just now. */
    placed?: { source: string; museFile: MuseFile };
  };
}

/**
 * Ends an item, and does what is due in its run: one transaction.
 * @returns false where the item is not this worker's any more; nothing was changed then
 */
export async function finishItem(
  session: Session,
  worker: WorkerIdentity,
  item: TakenItem,
  { state, result, error, seen }: Outcome,
): Promise<boolean> {
  // The run's row first, in the order in which every transaction locks.
  const run = await findRun(session, item.run, true);
  const { rows } = await session.query<{ name: string }>(
    `update portfolio.items i set state = $4, result = $5, error = $6, ended_at = clock_timestamp(), expires_at = null
       from portfolio.muses m
      where m.id = i.muse and i.id = $1 and i.worker = $2 and i.attempts = $3 and i.state = 'running'
     returning m.name`,
    [item.id, worker.id, item.attempt, state, result, error ?? null],
  );
  if (rows[0] === undefined) return false;
  await completeJob(session, item.queue, item.job);
  if (seen?.placed !== undefined)
    await settleMuse(session, { id: item.muse, name: rows[0].name }, { ...seen.placed, host: worker.host });
  await keepSeen(session, item, state, error, seen);
  await appendAudit(session, {
    action: item.kind,
    muse: rows[0].name,
    run: item.run,
    before: { environment: item.environment, state: 'running' },
    after: { environment: item.environment, state, ...(error === undefined ? result : { error: error.code }) },
  });
  await advanceRun(session, run);
  return true;
}

async function keepSeen(
  session: Session,
  item: TakenItem,
  state: Outcome['state'],
  error: KeptError | undefined,
  { files, drift, isolation, museState, atLeast = false }: NonNullable<Outcome['seen']> = {},
): Promise<void> {
  // What failed was there; what is unknown was not.
  const unseen = state === 'unknown';
  await session.query(
    `with environment as (
       update portfolio.environments
          set files = coalesce($3, files), drift = case when $3::jsonb is null then drift else $4 end, error = $6,
              checked_at = clock_timestamp(),
              isolation = case when $5::jsonb is null then isolation else $5::jsonb || jsonb_build_object('at',
                to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end,
              seen_at = case when $3::jsonb is null then seen_at else clock_timestamp() end
        where muse = $1 and name = $2)
     update portfolio.muses set error = $7, updated_at = now(),
            seen_at = case when $8 then seen_at else clock_timestamp() end,
            state = case when $10 and array_position($11::text[], state) > array_position($11::text[], $9) then state
                         else coalesce($9, state) end
      where id = $1`,
    [
      item.muse,
      item.environment,
      files ?? null,
      drift ?? null,
      isolation ?? null,
      unseen ? (error ?? null) : null,
      error ?? null,
      unseen,
      museState ?? null,
      atLeast,
      [...museStates],
    ],
  );
}

/**
 * Keeps the journal of an item, so that another worker continues from there.
 * @returns false where the item is not this worker's any more
 */
export async function saveJournal(
  session: Session,
  worker: WorkerIdentity,
  item: TakenItem,
  journal: object,
  museState?: MuseState,
): Promise<boolean> {
  const { rows } = await session.query<{ muse: string }>(
    `update portfolio.items set journal = $4
      where id = $1 and worker = $2 and attempts = $3 and state = 'running' returning muse`,
    [item.id, worker.id, item.attempt, journal],
  );
  if (rows[0] === undefined) return false;
  if (museState !== undefined)
    await session.query('update portfolio.muses set state = $2, updated_at = now() where id = $1', [
      item.muse,
      museState,
    ]);
  return true;
}

/** Gives an item back to the queue: another worker, or this one later, takes it again. */
export async function giveBack(session: Session, worker: WorkerIdentity, item: TakenItem): Promise<void> {
  const { affected } = await session.query(
    `update portfolio.items set state = 'queued', worker = null, expires_at = null, attempts = attempts - 1
      where id = $1 and worker = $2 and attempts = $3 and state = 'running'`,
    [item.id, worker.id, item.attempt],
  );
  if (affected > 0) await returnJob(session, item.queue, item.job, 'given back');
}

/**
 * Gives back what the registry says this worker has and the worker does not know of: the answer to taking it was lost.
 * @param held the ids of what it has
 */
export async function giveBackUnknown(
  session: Session,
  worker: WorkerIdentity,
  held: readonly string[],
): Promise<void> {
  const { rows } = await session.query<{ id: string; queue: string; job: string }>(
    `update portfolio.items set state = 'queued', worker = null, expires_at = null, attempts = attempts - 1
      where worker = $1 and state = 'running' and id <> all ($2::uuid[]) returning id, queue, job`,
    [worker.id, [...held]],
  );
  for (const { queue, job } of rows) await returnJob(session, queue, job, 'the answer was lost');
}

/** How often an item may be lost by workers that died before it counts as failed. */
const mostAttempts = 5;

/**
 * Gives back the items of workers that are silent or have ended, and of those that hold one too long; opens waves whose pause
 * is over; removes the queues of runs that have ended. Every worker does this; one at a time does it to an item.
 * @param silenceMs how long a worker may be silent, by the registry's clock
 * @returns the items that were given back
 */
export async function supervise(session: Session, silenceMs: number): Promise<string[]> {
  const isLost = `i.state = 'running'
    and (w.id is null or w.ended_at is not null or i.expires_at < clock_timestamp()
         or w.beat_at < clock_timestamp() - $1 * interval '1 millisecond')`;
  // The runs' rows first, in the order in which every transaction locks.
  await session.query(
    `select 1 from portfolio.runs where number in (
       select i.run from portfolio.items i left join portfolio.workers w on w.id = i.worker where ${isLost})
      order by number for update`,
    [silenceMs],
  );
  const { rows } = await session.query<{
    id: string;
    run: number;
    name: string;
    queue: string;
    job: string;
    attempts: number;
  }>(
    `select i.id, i.run::int as run, m.name, i.queue, i.job, i.attempts
       from portfolio.items i
       join portfolio.muses m on m.id = i.muse
       left join portfolio.workers w on w.id = i.worker
      where ${isLost}
      order by i.run for update of i skip locked`,
    [silenceMs],
  );
  for (const { id, run, name, queue, job, attempts } of rows) {
    const isLast = attempts >= mostAttempts;
    if (isLast) await completeJob(session, queue, job);
    else await returnJob(session, queue, job, 'the worker is silent');
    await session.query(
      `update portfolio.items set worker = null, expires_at = null, state = $2, error = $3,
              ended_at = case when $2 = 'failed' then clock_timestamp() end
        where id = $1`,
      [id, isLast ? 'failed' : 'queued', isLast ? lostTooOften : null],
    );
    await appendAudit(session, {
      action: 'worker lost',
      muse: name,
      run,
      after: { attempts, state: isLast ? 'failed' : 'queued' },
    });
    if (isLast) await advanceRun(session, await findRun(session, run, true));
  }
  const { rows: due } = await session.query<{ number: number }>(
    "select number::int as number from portfolio.runs where state = 'running' and paused_until <= clock_timestamp()",
  );
  for (const { number } of due) {
    await session.query('update portfolio.runs set paused_until = null where number = $1', [number]);
    await advanceRun(session, await findRun(session, number, true));
  }
  return rows.map(({ id }) => id);
}

const lostTooOften: KeptError = {
  code: 'worker-lost',
  message: `${mostAttempts} workers in a row went silent while they had it.`,
  suggestion: 'Look at the logs of the workers: it may need more memory than they have. Then resume the run.',
};

/** Removes the queues of runs that have ended and have nothing running; apart from runs, as it waits for their tables. */
export async function removeOldQueues(session: Session): Promise<void> {
  // No run is started or resumed meanwhile.
  await session.query('lock table portfolio.runs in share row exclusive mode');
  const { rows } = await session.query<{ number: number }>(
    `select distinct r.number::int as number from portfolio.runs r
      where r.state = 'running' or exists (
        select 1 from portfolio.items i where i.run = r.number and i.state in ('queued', 'running'))`,
  );
  const live = new Set(rows.map(({ number }) => number));
  for (const name of await queueNames(session)) {
    const run = /^run-(\d+)/.exec(name)?.[1];
    if (run !== undefined && !live.has(Number(run))) await dropQueue(session, name);
  }
}
