/** Runs and their items, as rows. */
import { createHash } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { isoTime, type KeptError } from '../registry/muses.ts';

/** How a run deals with its muses; kept with it. */
export interface RunRules {
  /** After how many failures the run stops; null: never. */
  maxFailures: number | null;
  /** How many items may be queued or running at a time, over all workers. */
  concurrency: number;
  /** How long to wait before the next wave opens, in seconds. */
  pauseSeconds: number;
}

export type RunState = 'running' | 'done' | 'failed' | 'stopped' | 'cancelled';

/** A run as the registry has it. */
export interface RunRow {
  number: number;
  kind: string;
  environment: EnvironmentName;
  options: RunRules;
  state: RunState;
  wave: number;
  waves: number;
  tool: string;
  startedBy: string;
  host: string;
  createdAt: string;
  pausedUntil: string | null;
  isPaused: boolean;
  endedAt: string | null;
}

export type ItemState = 'waiting' | 'queued' | 'running' | 'done' | 'failed' | 'unknown' | 'blocked' | 'cancelled';

/** What a run has to do for one muse. */
export interface ItemRow {
  id: string;
  run: number;
  muse: string;
  name: string;
  wave: number;
  state: ItemState;
  attempts: number;
  /** The host of the worker that has it, or had it last. */
  worker: string | null;
  result: Record<string, unknown> | null;
  error: KeptError | null;
  startedAt: string | null;
  endedAt: string | null;
}

const runColumns =
  `r.number::int as number, r.kind, r.environment, r.options, r.state, r.wave, r.waves, r.tool, ` +
  `r.started_by as "startedBy", r.host, ${isoTime('r.created_at')} as "createdAt", ` +
  `${isoTime('r.paused_until')} as "pausedUntil", coalesce(r.paused_until > clock_timestamp(), false) as "isPaused", ` +
  `${isoTime('r.ended_at')} as "endedAt"`;

/** What a person calls a run, e.g. `migrate-7`. */
export const runName = ({ kind, number }: Pick<RunRow, 'kind' | 'number'>): string => `${kind}-${number}`;

/** The queue of a run for muses that any machine can reach, or for those on one host. */
export function queueOf(run: number, host?: string): string {
  const suffix = host === undefined ? '' : `-${createHash('sha256').update(host).digest('hex').slice(0, 12)}`;
  return `run-${run}${suffix}`;
}

/**
 * The run of a name.
 * @param name `migrate-7`, or its number alone
 * @param lock whether the row is kept from other transactions until this one ends
 * @throws MuseError `bad-run` where there is none
 */
export async function findRun(session: Session, name: string | number, lock = false): Promise<RunRow> {
  const match = /^(?:([a-z]+)-)?(\d{1,15})$/.exec(String(name));
  const { rows } =
    match === null
      ? { rows: [] }
      : await session.query<RunRow>(
          `select ${runColumns} from portfolio.runs r where r.number = $1 ${lock ? 'for update' : ''}`,
          [match[2]],
        );
  const run = rows[0];
  if (run !== undefined && (match?.[1] === undefined || match[1] === run.kind)) return run;
  throw new MuseError({
    code: 'bad-run',
    message: `The portfolio has no run "${name}".`,
    suggestion: 'List the runs with: muse portfolio list --runs',
  });
}

/** The newest runs first. */
export async function listRuns(session: Session, most = 20): Promise<RunRow[]> {
  const { rows } = await session.query<RunRow>(
    `select ${runColumns} from portfolio.runs r order by r.number desc limit $1`,
    [most],
  );
  return rows;
}

/** The items of a run, in the order of their waves. */
export async function listItems(session: Session, run: number): Promise<ItemRow[]> {
  const { rows } = await session.query<ItemRow>(
    `select i.id, i.run::int as run, i.muse, m.name, i.wave, i.state, i.attempts, w.host as worker, i.result, i.error,
            ${isoTime('i.started_at')} as "startedAt", ${isoTime('i.ended_at')} as "endedAt"
       from portfolio.items i
       join portfolio.muses m on m.id = i.muse
       left join portfolio.workers w on w.id = i.worker
      where i.run = $1 order by i.wave, i.position`,
    [run],
  );
  return rows;
}

/** How many items of a run are in each state. */
export async function countItems(
  session: Session,
  run: number,
): Promise<{ wave: number; state: ItemState; count: number }[]> {
  const { rows } = await session.query<{ wave: number; state: ItemState; count: number }>(
    'select wave, state, count(*)::int as count from portfolio.items where run = $1 group by wave, state',
    [run],
  );
  return rows;
}

/** The other machines that muses of a run are on, which are not done. */
export async function hostsOf(session: Session, run: number, own: string): Promise<string[]> {
  const { rows } = await session.query<{ host: string }>(
    `select distinct m.host from portfolio.items i join portfolio.muses m on m.id = i.muse
      where i.run = $1 and i.state in ('waiting', 'queued') and i.queue <> $2 and m.host <> $3 order by m.host`,
    [run, queueOf(run), own],
  );
  return rows.map(({ host }) => host);
}

/** The muses that were added after a run began: they are not in it. */
export async function addedSince(session: Session, run: number): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select m.name from portfolio.muses m, portfolio.runs r
      where r.number = $1 and m.added_at > r.created_at and m.archived_at is null
        and not exists (select 1 from portfolio.items i where i.run = r.number and i.muse = m.id)
      order by m.name`,
    [run],
  );
  return rows.map(({ name }) => name);
}
