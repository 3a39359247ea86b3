/** Starts a run, or resumes one. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Session } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { packageVersion } from '../../shared/version.ts';
import { openQueue } from '../queue.ts';
import { appendAudit, currentUser } from '../registry/audit.ts';
import type { MuseRow } from '../registry/muses.ts';
import { advanceRun } from './advance.ts';
import { isNewer } from './version.ts';
import { findRun, queueOf, type RunRow, type RunRules, runName } from './runs.ts';

/** A muse in a run that is to start. */
export interface PlannedItem {
  muse: Pick<MuseRow, 'id' | 'name' | 'host' | 'isRemote'>;
  wave: number;
  /** What its kind needs to know about it. */
  input?: unknown;
  /** What an earlier run of the same kind wrote down about it. */
  journal?: unknown;
}

/** A run that is to start. */
export interface RunPlan {
  kind: string;
  environment: EnvironmentName;
  items: readonly PlannedItem[];
  rules: RunRules;
}

/** A run that was started, or one that was under way already. */
export interface StartedRun {
  run: RunRow;
  /** The run had been started before and has not ended. */
  attached: boolean;
}

/**
 * Starts a run: writes down all of its items and opens the first wave. The same run that has not ended is attached to.
 * @throws MuseError `muse-in-run` where one of the muses is in another run; nothing was queued then
 */
export async function startRun(session: Session, plan: RunPlan): Promise<StartedRun> {
  // Two starts at the same moment: the second finds what the first wrote.
  await session.query('lock table portfolio.runs in share row exclusive mode');
  const signature = signatureOf(plan);
  const { rows: live } = await session.query<{ number: number }>(
    "select number::int as number from portfolio.runs where signature = $1 and state = 'running'",
    [signature],
  );
  if (live[0] !== undefined) return { run: await findRun(session, live[0].number), attached: true };
  const ids = plan.items.map(({ muse }) => muse.id);
  await refuseBusy(session, ids);
  const { rows } = await session.query<{ number: number }>(
    `insert into portfolio.runs (kind, environment, signature, options, waves, tool, started_by, host)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning number::int as number`,
    [
      plan.kind,
      plan.environment,
      signature,
      plan.rules,
      Math.max(...plan.items.map(({ wave }) => wave)),
      packageVersion(),
      currentUser(),
      hostname(),
    ],
  );
  const { number } = rows[0]!;
  const queues = plan.items.map(({ muse }) => queueOf(number, muse.isRemote ? undefined : muse.host));
  await session.query(
    `insert into portfolio.items (run, muse, wave, position, queue, input, journal)
     select $1, new.muse, new.wave, new.position, new.queue, new.input::jsonb, new.journal::jsonb
       from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[]) with ordinality
            as new (muse, wave, queue, input, journal, position)`,
    [
      number,
      ids,
      plan.items.map(({ wave }) => wave),
      queues,
      plan.items.map(({ input }) => (input === undefined ? null : JSON.stringify(input))),
      plan.items.map(({ journal }) => (journal === undefined ? null : JSON.stringify(journal))),
    ],
  );
  for (const queue of new Set(queues)) await openQueue(session, queue);
  await appendAudit(session, {
    action: `${plan.kind} run started`,
    run: number,
    after: { environment: plan.environment, muses: plan.items.map(({ muse }) => muse.name), ...plan.rules },
  });
  return { run: await advanceRun(session, await findRun(session, number, true)), attached: false };
}

/** What makes two starts the same: what is done, where, to which muses, in which waves. */
function signatureOf({ kind, environment, items }: RunPlan): string {
  const muses = items.map(({ muse, wave, input }) => [muse.id, wave, input ?? null]);
  return createHash('sha256')
    .update(JSON.stringify([kind, environment, muses]))
    .digest('hex');
}

async function refuseBusy(session: Session, muses: readonly string[], run?: number): Promise<void> {
  const { rows } = await session.query<{ name: string; kind: string; number: number }>(
    `select m.name, r.kind, r.number::int as number
       from portfolio.items i
       join portfolio.runs r on r.number = i.run
       join portfolio.muses m on m.id = i.muse
      where i.state in ('waiting', 'queued', 'running') and i.muse = any ($1::uuid[]) and i.run is distinct from $2
      order by m.name`,
    [[...muses], run ?? null],
  );
  const [first] = rows;
  if (first === undefined) return;
  const others = rows.length === 1 ? '' : `, and ${rows.length - 1} more of these muses are in other runs too`;
  throw new MuseError({
    code: 'muse-in-run',
    message: `${first.name} is in the run ${runName(first)}, which has not ended${others}. Nothing was started.`,
    suggestion: `Wait until it ends, or cancel it: muse portfolio cancel ${runName(first)}`,
  });
}

/**
 * Resumes a run: what failed, could not be reached or was not begun is done now; what is done is not done again. One that
 * has not ended is attached to.
 * @param kind that the caller resumes
 * @throws MuseError `bad-run`; `nothing-to-resume` where everything is done; `muse-in-run`; `history-newer` where a newer
 *   version of this tool started it
 */
export async function resumeRun(session: Session, kind: string, name: string): Promise<StartedRun> {
  await session.query('lock table portfolio.runs in share row exclusive mode');
  const run = await findRun(session, name, true);
  if (run.kind !== kind) {
    throw new MuseError({
      code: 'bad-run',
      message: `${runName(run)} is a run of ${run.kind}, not of ${kind}.`,
      suggestion: `Resume it with: muse portfolio ${run.kind} --resume ${runName(run)}`,
    });
  }
  if (run.state === 'running') return { run, attached: true };
  if (isNewer(run.tool, packageVersion())) {
    throw new MuseError({
      code: 'history-newer',
      message: `${runName(run)} was started by create-muse ${run.tool}; this is ${packageVersion()}.`,
      suggestion: `Use that version: npx create-muse@${run.tool}.`,
    });
  }
  const { rows } = await session.query<{ muse: string; wave: number; queue: string }>(
    `select muse, wave, queue from portfolio.items
      where run = $1 and state in ('failed', 'unknown', 'blocked', 'cancelled')`,
    [run.number],
  );
  if (rows.length === 0) {
    throw new MuseError({
      code: 'nothing-to-resume',
      message: `Everything in ${runName(run)} is done.`,
      suggestion: `Start a new run: muse portfolio ${run.kind}`,
    });
  }
  await refuseBusy(
    session,
    rows.map(({ muse }) => muse),
    run.number,
  );
  await session.query(
    `update portfolio.items set state = 'waiting', error = null, job = null, attempts = 0, ended_at = null
      where run = $1 and state in ('failed', 'unknown', 'blocked', 'cancelled')`,
    [run.number],
  );
  await session.query(
    `update portfolio.runs set state = 'running', wave = $2, tool = $3, ended_at = null, paused_until = null
      where number = $1`,
    [run.number, Math.min(...rows.map(({ wave }) => wave)), packageVersion()],
  );
  for (const queue of new Set(rows.map((row) => row.queue))) await openQueue(session, queue);
  await appendAudit(session, {
    action: `${run.kind} run resumed`,
    run: run.number,
    before: { state: run.state },
    after: { state: 'running', muses: rows.length },
  });
  return { run: await advanceRun(session, await findRun(session, run.number, true)), attached: false };
}
