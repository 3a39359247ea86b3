/** A run from its start to its end: which muses, in which waves, and the work of this process on it. */
import { packageVersion } from '../shared/version.ts';
import { MuseError } from '../shared/error.ts';
import type { Session } from '../database/database.ts';
import type { Rollout, RolloutMuse, RolloutOptions } from './api-types.ts';
import { addedSince, findRun, hostsOf, listItems, type RunRow, runName } from './engine/runs.ts';
import { type PlannedItem, resumeRun, type RunPlan, startRun, type StartedRun } from './engine/start.ts';
import { parseWaves, planWaves } from './engine/waves.ts';
import type { Kind, Kinds } from './kinds/kind.ts';
import { currentUser } from './registry/audit.ts';
import { listEnvironments, listMuses, type MuseRow, selectMuses } from './registry/muses.ts';
import type { Registry } from './registry/open.ts';
import { type Intervals, work } from './worker/work.ts';
import { connectionsPerServer } from './limit.ts';

/** What a run needs besides its options. */
export interface RolloutContext {
  registry: Registry;
  kinds: Kinds;
  /** The data directory of this machine. */
  directory: string;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  intervals?: Partial<Intervals> | undefined;
}

/** The muses of a run, chosen before it starts. */
export interface Chosen {
  items: (Omit<PlannedItem, 'wave'> & { muse: MuseRow })[];
  /** The names of those that were meant and have no such environment. */
  skipped: string[];
}

/**
 * Runs a kind over the muses that are meant, or resumes a run.
 * @param choose finds the muses in the registry; default: those with the environment
 * @throws MuseError `bad-confirmation` for production that is not confirmed, `muse-in-run`, `bad-muse`, and what starting and
 *   working throw
 */
export async function rollOut(
  kindName: string,
  options: RolloutOptions,
  context: RolloutContext,
  choose?: (session: Session) => Promise<Chosen>,
): Promise<Rollout> {
  const { registry, kinds, signal } = context;
  const kind = kindOf(kindName, kinds);
  const environment = options.env ?? 'development';
  if (options.dryRun === true && options.resume !== undefined) {
    throw new MuseError({
      code: 'bad-call',
      message: 'A run that is resumed has its muses and waves already, so there is no plan to show.',
      suggestion: `Leave out --dry-run, or --resume. Show the run: muse portfolio list --runs`,
    });
  }
  if (options.dryRun !== true && options.resume === undefined) refuseUnconfirmed(kind, environment, options.confirm);
  let skipped: string[] = [];
  let planned: Rollout | undefined;
  const started = await registry.transaction<StartedRun | undefined>(async (session) => {
    if (options.resume !== undefined) {
      const run = await findRun(session, options.resume);
      refuseUnconfirmed(kind, run.environment, options.confirm);
      return resumeRun(session, kindName, options.resume);
    }
    const chosen = await (choose?.(session) ?? withEnvironment(session, environment, options.only));
    ({ skipped } = chosen);
    const plan = planOf(kindName, kind, chosen, options);
    if (options.dryRun !== true) return startRun(session, plan);
    planned = dryRun(plan, skipped);
    return undefined;
  });
  if (started === undefined) return planned!;
  const { number } = started.run;
  if (options.detach !== true) {
    const elsewhere = await registry.transaction((session) => hostsOf(session, number, registry.host));
    if (elsewhere.length > 0)
      options.onWait?.(`Muses on ${elsewhere.join(', ')} wait for a worker there: muse portfolio work`);
    await work({
      ...context,
      run: number,
      secretsFrom: options.secretsFrom,
      concurrency: options.concurrency,
      onItem: options.onItem,
      onNote: options.onNote,
    });
    if (signal.aborted) throw signal.reason;
  }
  return registry.transaction(async (session) => ({
    ...(await readRollout(session, await findRun(session, number))),
    attached: started.attached,
    skipped,
  }));
}

function kindOf(name: string, kinds: Kinds): Kind {
  const kind = kinds[name];
  if (kind !== undefined) return kind;
  throw new MuseError({
    code: 'bad-run',
    message: `A portfolio has no runs of "${name}".`,
    suggestion: `It has: ${Object.keys(kinds).join(', ')}.`,
  });
}

function refuseUnconfirmed({ changes }: Kind, environment: string, confirm: string | undefined): void {
  if (!changes || environment !== 'production' || confirm === environment) return;
  throw new MuseError({
    code: 'bad-confirmation',
    message:
      confirm === undefined
        ? 'This changes production, and nothing confirms it. Nothing was started.'
        : `--confirm names "${confirm}", but the environment is production. Nothing was started.`,
    suggestion: 'Confirm it once for all of its muses: --confirm production. See first what it would do: --dry-run',
  });
}

async function withEnvironment(session: Session, environment: string, only: string | undefined): Promise<Chosen> {
  const muses = selectMuses(await listMuses(session), only);
  const having = new Set(
    (await listEnvironments(session)).flatMap(({ muse, name }) => (name === environment ? [muse] : [])),
  );
  const items = muses.filter(({ id }) => having.has(id)).map((muse) => ({ muse }));
  const skipped = muses.filter(({ id }) => !having.has(id)).map(({ name }) => name);
  if (items.length > 0) return { items, skipped };
  throw new MuseError({
    code: 'bad-muse',
    message:
      muses.length === 0 ? 'The portfolio has no muses.' : `None of these muses has the environment ${environment}.`,
    suggestion:
      muses.length === 0
        ? 'Add some: muse portfolio add --scan <folder>'
        : 'Choose another: --env <name>. Show what they have: muse portfolio status',
  });
}

function planOf(kindName: string, kind: Kind, { items }: Chosen, options: RolloutOptions): RunPlan {
  const waves = planWaves(
    items.map(({ muse }) => muse.name),
    options.canary ?? [],
    parseWaves(options.waves ?? kind.waves),
  );
  return {
    kind: kindName,
    environment: options.env ?? 'development',
    items: items.map((item, index) => ({ ...item, wave: waves[index]! })),
    rules: {
      maxFailures: options.onError === 'continue' ? (options.maxFailures ?? null) : (options.maxFailures ?? 1),
      concurrency: options.concurrency ?? connectionsPerServer,
      pauseSeconds: options.pauseBetween ?? 0,
    },
  };
}

function dryRun({ kind, environment, items }: RunPlan, skipped: string[]): Rollout {
  return {
    run: {
      name: `${kind} (planned)`,
      kind,
      environment,
      state: 'planned',
      wave: 1,
      waves: Math.max(...items.map(({ wave }) => wave)),
      tool: packageVersion(),
      startedBy: currentUser(),
      host: '',
      createdAt: '',
      pausedUntil: null,
      endedAt: null,
    },
    muses: items
      .map(({ muse, wave }): RolloutMuse => ({ name: muse.name, wave, state: 'waiting' }))
      .sort((one, other) => one.wave - other.wave),
    attached: false,
    skipped,
    added: [],
  };
}

/** A run with its muses, as it is now. */
export async function readRollout(session: Session, row: RunRow): Promise<Rollout> {
  const { number, options: _options, isPaused: _isPaused, ...run } = row;
  const items = await listItems(session, number);
  return {
    run: { ...run, name: runName(row) },
    muses: items.map(({ name, wave, state, result, error, startedAt, endedAt }) => ({
      name,
      wave,
      state,
      ...(result === null ? {} : { result }),
      ...(error === null ? {} : { error }),
      ...(startedAt === null ? {} : { startedAt }),
      ...(endedAt === null ? {} : { endedAt }),
    })),
    attached: false,
    skipped: [],
    added: await addedSince(session, number),
  };
}

/**
 * What is wrong with a run that has ended; undefined where everything is done.
 * @param command that resumes it
 */
export function rolloutError({ run, muses }: Rollout, command: string): MuseError | undefined {
  if (run.state === 'running' || run.state === 'planned' || run.state === 'done') return undefined;
  const of = (state: RolloutMuse['state']): RolloutMuse[] => muses.filter((muse) => muse.state === state);
  const [failed, unknown, blocked, cancelled] = [of('failed'), of('unknown'), of('blocked'), of('cancelled')];
  const lists = [
    ['failed', failed],
    ['could not be reached', unknown],
    ['not begun', blocked],
    ['cancelled', cancelled],
  ] as const;
  const counts = [
    `${of('done').length} done`,
    ...lists.filter(([, list]) => list.length > 0).map(([words, list]) => `${list.length} ${words}`),
  ];
  // What could not be checked, or what the checks found, is something else than what went wrong.
  const isFinding = [...failed, ...unknown].every(
    ({ state, error }) => state === 'unknown' || error?.code === 'findings',
  );
  const troubled = [...failed, ...unknown];
  return new MuseError({
    code: troubled.length > 0 && isFinding ? 'findings' : 'run-stopped',
    message: `${run.name} ${run.state === 'failed' ? 'ended with failures' : `was ${run.state}`}: ${counts.join(', ')}.`,
    detail: troubled
      .slice(0, 10)
      .map(({ name, error }) => `${name}: ${error?.message ?? ''}\n  ${error?.suggestion ?? ''}`)
      .concat(troubled.length > 10 ? [`and ${troubled.length - 10} more`] : [])
      .join('\n'),
    suggestion: `Fix what is above, then resume; what is done is not done again: ${command}`,
  });
}
