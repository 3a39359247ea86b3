/** Options and results of the portfolio, of the public API too. */
import type { CallOptions } from '../shared/call.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import type { AuditReport, AuditRow } from './registry/audit.ts';
import type { FileCounts, KeptError, KeptIsolation, MuseState } from './registry/muses.ts';
import type { ItemState, RunRow, RunState } from './engine/runs.ts';
import type { ItemEvent, WorkReport } from './worker/work.ts';

export type {
  AuditReport,
  AuditRow,
  FileCounts,
  ItemEvent,
  ItemState,
  KeptError,
  KeptIsolation,
  MuseState,
  RunState,
  WorkReport,
};

/** How a portfolio is opened. Its `environment` is that of every call that names no other. */
export interface PortfolioOptions extends CallOptions {
  /** The URL of a PostgreSQL database. Default: `MUSE_REGISTRY`, else the embedded registry in the data directory. */
  registry?: string | undefined;
  /** The data directory of this machine. Default: `CREATE_MUSE_PORTFOLIO`, else the system's. */
  directory?: string | undefined;
  /** Called with what is waited for. */
  onNote?: ((text: string) => void) | undefined;
}

/** What {@link Portfolio.add} takes. */
export interface AddOptions extends CallOptions {
  /** Folders whose muses are added. */
  scan?: readonly string[];
  tags?: readonly string[];
}

/** A muse that was to be added. */
export interface AddedMuse {
  /** As far as it is known. */
  name?: string;
  source: string;
  /** False where the portfolio had it already, or it could not be added. */
  added: boolean;
  error?: KeptError;
}

/** One environment of a muse in the portfolio. */
export interface PortfolioEnvironment extends Partial<FileCounts> {
  name: EnvironmentName;
  target: string;
  ref?: string;
  region?: string;
  /** The number of differences between schema and files, when that was last compared. */
  drift?: number;
  isolation?: KeptIsolation;
  /** ISO time by the registry's clock. */
  seenAt?: string;
  /** Why it could not be reached. */
  error?: KeptError;
  /** Whether the rest of this still holds: anything but `yes` is not fine. */
  known: 'yes' | 'never' | 'too long ago' | 'unreachable';
}

/** A muse in the portfolio. */
export interface PortfolioMuse {
  name: string;
  state: MuseState;
  source: string;
  host: string;
  isRemote: boolean;
  tags: string[];
  /** With `behind`, where it is known: how many commits the kit has that the muse has not. */
  kit: { source?: string; commit?: string; layout?: string; behind?: number };
  environments: PortfolioEnvironment[];
  addedAt: string;
  seenAt?: string;
  archivedAt?: string;
  error?: KeptError;
  /** Whether every environment is known. */
  known: boolean;
}

export interface StatusOfPortfolioOptions extends CallOptions {
  /** A name with `*`, or a tag. */
  only?: string | undefined;
  /** Look at each muse, instead of only reading the registry. */
  refresh?: boolean;
  /** With `refresh`: also compare the schemas with the files. */
  drift?: boolean;
  archived?: boolean;
  /** A command that prints the variables of an environment; it gets the muse and the environment as arguments. */
  secretsFrom?: string | undefined;
  onMuse?: (name: string, index: number, count: number) => void;
}

/** How a run goes through the muses. */
export interface RolloutOptions extends CallOptions {
  /** Default: `development`. */
  env?: EnvironmentName;
  /** The environment's name again, to confirm a run on production. */
  confirm?: string | undefined;
  only?: string | undefined;
  /** Names or patterns of the muses that come first. */
  canary?: readonly string[] | undefined;
  /** E.g. `1,10%,100%`, the muses of earlier waves included. */
  waves?: string | undefined;
  /** How many at a time, over all workers. */
  concurrency?: number | undefined;
  /** Default: `stop`. */
  onError?: 'stop' | 'continue' | undefined;
  /** With `onError: 'continue'`: after how many failures it stops nevertheless. */
  maxFailures?: number | undefined;
  /** Seconds between one wave and the next. */
  pauseBetween?: number | undefined;
  /** Continue this run: what failed, or was not begun. */
  resume?: string | undefined;
  /** Leave the work to workers, and return when the run is written down. */
  detach?: boolean;
  /** Only say what would be done. */
  dryRun?: boolean;
  secretsFrom?: string | undefined;
  onItem?: (event: ItemEvent) => void;
  /** Called with what is being done to a muse. */
  onNote?: (text: string) => void;
  /** Called with what the run waits for, where this process cannot do it. */
  onWait?: (text: string) => void;
}

/** A muse in a run. */
export interface RolloutMuse {
  name: string;
  wave: number;
  state: ItemState;
  result?: Record<string, unknown>;
  error?: KeptError;
  startedAt?: string;
  endedAt?: string;
}

/** A run, and how far it is. */
export interface Rollout {
  run: Omit<RunRow, 'number' | 'options' | 'isPaused' | 'state'> & { name: string; state: RunState | 'planned' };
  muses: RolloutMuse[];
  /** It had been started before, and has not ended. */
  attached: boolean;
  /** Muses that are not in it, as they have no such environment. */
  skipped: string[];
  /** Muses that were added after it began: they are not in it. */
  added: string[];
}

export interface WorkerOptions extends CallOptions {
  concurrency?: number | undefined;
  secretsFrom?: string | undefined;
  onItem?: (event: ItemEvent) => void;
  onNote?: (text: string) => void;
}
