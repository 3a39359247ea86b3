/**
 * portfolio/: all muses of one owner: a registry, runs over many muses in waves, and workers.
 * May touch: the registry's database, the data directory, and through muse/ the directories and databases of muses.
 */
import { resolve } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { optimizeWasm } from '../shared/wasm.ts';
import { addMuses } from './add.ts';
import type {
  AddedMuse,
  AddOptions,
  AuditReport,
  PortfolioMuse,
  Rollout,
  RolloutOptions,
  StatusOfPortfolioOptions,
  WorkerOptions,
  WorkReport,
} from './api-types.ts';
import { cancelRun } from './engine/advance.ts';
import { listRuns } from './engine/runs.ts';
import { type Creator, provisionKind } from './kinds/provision.ts';
import { kinds } from './kinds/kinds.ts';
import { checkProduct, planProducts } from './provision.ts';
import { readAudit } from './registry/audit.ts';
import { dataDirectory } from './registry/data-directory.ts';
import { findMuse, isoTime, listMuses, selectMuses, setArchived } from './registry/muses.ts';
import { openRegistry, type Registry } from './registry/open.ts';
import { readRollout, rollOut, type RolloutContext } from './rollout.ts';
import { readStatus, refresh } from './status.ts';
import { type Intervals, work } from './worker/work.ts';

/** What a portfolio is opened with. */
export interface OpenOptions {
  /** The URL of the registry; default `MUSE_REGISTRY`, else the embedded one. */
  url?: string | undefined;
  /** The data directory of this machine. */
  directory?: string | undefined;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Creates products; without it there are no runs of `provision`. */
  creator?: Creator | undefined;
  /** Other times than usual, for tests. */
  intervals?: Partial<Intervals> | undefined;
  onNote?: ((text: string) => void) | undefined;
}

/**
 * Opens the portfolio of this user, or the one that a team shares; creates it where there is none.
 * @throws MuseError what opening the registry throws
 */
export async function openOwnPortfolio(options: OpenOptions): Promise<OwnPortfolio> {
  const { environment, signal, onNote } = options;
  const directory = resolve(options.directory ?? dataDirectory(environment));
  const url = options.url ?? (environment['MUSE_REGISTRY'] || undefined);
  const registry = await openRegistry({ url, directory }, { signal, onNote });
  return new OwnPortfolio(registry, { ...options, directory });
}

/** A portfolio, open: what the commands and the public API do. */
export class OwnPortfolio {
  readonly registry: Registry;
  readonly #context: RolloutContext;
  readonly #creator: Creator | undefined;

  constructor(registry: Registry, options: OpenOptions & { directory: string }) {
    const { directory, environment, signal, intervals, creator } = options;
    this.registry = registry;
    this.#creator = creator;
    const all = creator === undefined ? kinds : { ...kinds, provision: provisionKind(creator) };
    // A copy, as each muse reads all of it: `process.env` asks the system for every variable.
    this.#context = { registry, directory, environment: { ...environment }, signal, intervals, kinds: all };
  }

  /** The same portfolio, for calls that another signal ends or that read other variables. */
  for(call: Pick<OpenOptions, 'environment' | 'signal'>): OwnPortfolio {
    const { directory, intervals } = this.#context;
    return new OwnPortfolio(this.registry, { directory, intervals, creator: this.#creator, ...call });
  }

  /** Adds muses: directories, and repositories, which are cloned. */
  add(
    sources: readonly string[],
    { scan = [], tags = [] }: AddOptions = {},
    from = process.cwd(),
  ): Promise<AddedMuse[]> {
    return addMuses(this.registry, { sources, scan, tags, from }, { ...this.#context, host: this.registry.host });
  }

  /** Every muse, from the registry alone. */
  list({ only, archived = false }: { only?: string | undefined; archived?: boolean } = {}): Promise<PortfolioMuse[]> {
    return this.registry.transaction(async (session) => selectMuses(await readStatus(session, { archived }), only));
  }

  /** Every muse: as the registry knows it, or looked at now. */
  async status(options: StatusOfPortfolioOptions = {}): Promise<PortfolioMuse[]> {
    const { only, archived = false, drift = false, secretsFrom, onMuse } = options;
    if (options.refresh === true) {
      const muses = await this.registry.transaction(async (session) => selectMuses(await listMuses(session), only));
      await refresh(this.registry, muses, {
        ...this.#context,
        host: this.registry.host,
        drift,
        secretsFrom,
        ...(onMuse === undefined ? {} : { onMuse }),
      });
    } else if (drift) {
      throw new MuseError({
        code: 'bad-call',
        message: '--drift looks at the databases, which only --refresh does.',
        suggestion: 'Add --refresh. What was found last time is shown without either.',
      });
    }
    return this.list({ only, archived });
  }

  /**
   * Runs a kind over many muses, in waves; this process works on it unless it is detached.
   * @param kind `migrate`, `verify`, or another one that the portfolio was opened with
   */
  rollOut(kind: string, options: RolloutOptions = {}): Promise<Rollout> {
    return rollOut(kind, options, this.#context);
  }

  /**
   * Creates the products of a file, each with its project, or resumes such a run.
   * @param file absolute path; not needed to resume
   * @throws MuseError `bad-spec`, `name-taken`, and what `create-muse` refuses of any of them: then nothing is begun
   */
  async provision(file: string | undefined, options: RolloutOptions = {}): Promise<Rollout> {
    const creator = this.#creator;
    if (options.env !== undefined && options.env !== 'development') {
      throw new MuseError({
        code: 'bad-call',
        message: 'A product is created with its development environment.',
        suggestion: `Leave out --env. Add ${options.env} to a product later: muse provision --env ${options.env}`,
      });
    }
    if (file === undefined || options.resume !== undefined || creator === undefined)
      return rollOut('provision', options, this.#context);
    const { readProducts } = await import('./products.ts');
    const products = await readProducts(file);
    const { directory } = this.#context;
    for (const { product } of products) await checkProduct(creator, product, directory);
    return rollOut('provision', options, this.#context, (session) =>
      planProducts(session, products, { data: directory, host: this.registry.host, dryRun: options.dryRun === true }),
    );
  }

  /** The newest runs, newest first. */
  runs(most = 20): Promise<Rollout[]> {
    return this.registry.transaction(async (session) => {
      const runs: Rollout[] = [];
      for (const run of await listRuns(session, most)) runs.push(await readRollout(session, run));
      return runs;
    });
  }

  /** The portfolio as a page: one HTML file that needs nothing else, as the registry knows it now. */
  async page({ only }: { only?: string | undefined } = {}): Promise<string> {
    const { renderPage } = await import('./page.ts');
    const muses = await this.list({ only });
    const [run] = await this.runs(1);
    const at = await this.registry.transaction(
      async (session) =>
        (await session.query<{ at: string }>(`select ${isoTime('clock_timestamp()')} as at`)).rows[0]!.at,
    );
    return renderPage({ muses, run, at });
  }

  /** Works on whatever there is, until the signal. */
  work({ concurrency, secretsFrom, onItem, onNote }: WorkerOptions = {}): Promise<WorkReport> {
    optimizeWasm();
    return work({ ...this.#context, concurrency, secretsFrom, onItem, onNote });
  }

  /** Cancels a run: what runs is finished, nothing else is begun. */
  cancel(run: string): Promise<{ run: Rollout['run']; cancelled: number }> {
    return this.registry.transaction(async (session) => {
      const { run: row, cancelled } = await cancelRun(session, run);
      return { run: (await readRollout(session, row)).run, cancelled };
    });
  }

  /** Archives muses, or takes them out of the archive. Returns the names of those that were not so before. */
  archive(names: readonly string[], archived = true): Promise<string[]> {
    return this.registry.transaction(async (session) => {
      const muses = await listMuses(session, { archived: true });
      return setArchived(
        session,
        names.map((name) => findMuse(muses, name)),
        archived,
      );
    });
  }

  /** The audit, and whether its chain is whole. */
  audit({ muse, since }: { muse?: string | undefined; since?: string | undefined } = {}): Promise<AuditReport> {
    return this.registry.transaction(async (session) => {
      const name = muse === undefined ? undefined : findMuse(await listMuses(session, { archived: true }), muse).name;
      return readAudit(session, { muse: name, since });
    });
  }

  close(): Promise<void> {
    return this.registry.close();
  }
}
