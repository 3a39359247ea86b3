/** The portfolio of the public API: every command of `muse portfolio` as a method. */
import { resolve } from 'node:path';
import { call, type CallOptions } from '../shared/call.ts';
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
import type { OwnPortfolio } from './portfolio.ts';

/**
 * All muses of one owner. It keeps a connection to its registry until {@link Portfolio.close}; an embedded registry can be
 * open in one process at a time.
 */
export class Portfolio {
  readonly #own: OwnPortfolio;
  readonly #environment: NodeJS.ProcessEnv;

  /** Use `openPortfolio` instead. */
  constructor(own: OwnPortfolio, environment: NodeJS.ProcessEnv) {
    this.#own = own;
    this.#environment = environment;
  }

  /** Adds muses: directories, and the URLs of repositories. One that cannot be added has an `error` in the result. */
  add(sources: readonly string[], options: AddOptions = {}): Promise<AddedMuse[]> {
    return this.#call(options, (own) => own.add(sources, options));
  }

  /** Every muse, from the registry alone. */
  list(options: { only?: string; archived?: boolean } & CallOptions = {}): Promise<PortfolioMuse[]> {
    return this.#call(options, (own) => own.list(options));
  }

  /** Every muse as the registry knows it or, with `refresh`, after looking at each. What is not `known` is not fine. */
  status(options: StatusOfPortfolioOptions = {}): Promise<PortfolioMuse[]> {
    return this.#call(options, (own) => own.status(options));
  }

  /** What `status` knows and the latest run, as one HTML file that needs nothing else. */
  page(options: { only?: string } & CallOptions = {}): Promise<string> {
    return this.#call(options, (own) => own.page(options));
  }

  /**
   * Applies what is pending to many muses, in waves. A run that stopped is a result too: `run.state` says so, and `muses` why.
   * @throws MuseError `bad-confirmation` for production without `confirm`; `muse-in-run`
   */
  migrate(options: RolloutOptions = {}): Promise<Rollout> {
    return this.#call(options, (own) => own.rollOut('migrate', options));
  }

  /** Proves of many muses that their tenants are isolated. */
  verify(options: RolloutOptions = {}): Promise<Rollout> {
    return this.#call(options, (own) => own.rollOut('verify', options));
  }

  /**
   * Creates the products of a file, each with its project.
   * @param file undefined to resume a run
   */
  provision(file: string | undefined, options: RolloutOptions = {}): Promise<Rollout> {
    return this.#call(options, (own) => own.provision(file === undefined ? undefined : resolve(file), options));
  }

  /** The latest runs, newest first. */
  runs(options: CallOptions = {}): Promise<Rollout[]> {
    return this.#call(options, (own) => own.runs());
  }

  /** Works on the runs that others start, until the signal is aborted; resolves then. What can be stopped is given back. */
  work({ signal, environment, ...options }: WorkerOptions = {}): Promise<WorkReport> {
    // The end of a worker is no failure of the call.
    return this.#own
      .for({ environment: environment ?? this.#environment, signal: signal ?? new AbortController().signal })
      .work(options);
  }

  /** Cancels a run: what runs is finished, nothing else is begun. */
  cancel(run: string, options: CallOptions = {}): Promise<{ run: Rollout['run']; cancelled: number }> {
    return this.#call(options, (own) => own.cancel(run));
  }

  /** Sets muses aside: no run includes them. Returns the names of those that were not set aside before. */
  archive(names: readonly string[], options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, (own) => own.archive(names));
  }

  /** Takes muses out of the archive. */
  unarchive(names: readonly string[], options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, (own) => own.archive(names, false));
  }

  /** Who changed what; `broken` is set if a row is not as it was written. */
  audit(options: { muse?: string; since?: string } & CallOptions = {}): Promise<AuditReport> {
    return this.#call(options, (own) => own.audit(options));
  }

  /** Closes the connection to the registry. */
  close(): Promise<void> {
    return this.#own.close();
  }

  #call<T>(options: CallOptions, work: (own: OwnPortfolio) => Promise<T>): Promise<T> {
    return call({ environment: this.#environment, ...options }, (context) => work(this.#own.for(context)));
  }
}
