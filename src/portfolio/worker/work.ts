/** A worker: takes items, runs them, and tells the registry that it is alive. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MuseError } from '../../shared/error.ts';
import { packageVersion } from '../../shared/version.ts';
import { itemSeconds } from '../engine/advance.ts';
import { findRun } from '../engine/runs.ts';
import {
  finishItem,
  giveBack,
  giveBackUnknown,
  type Outcome,
  removeOldQueues,
  saveJournal,
  supervise,
  takeItems,
  type TakenItem,
  type WorkerIdentity,
} from '../engine/items.ts';
import type { Kinds } from '../kinds/kind.ts';
import { createShared } from '../kinds/shared.ts';
import { type KeptError, type MuseRow, musesOf } from '../registry/muses.ts';
import type { Registry } from '../registry/open.ts';
import { executeItem } from './execute.ts';
import { keptError } from './failure.ts';
import { connectionsPerServer, Limit } from '../limit.ts';

/** How often a worker does what, in ms. */
export interface Intervals {
  /** It writes that it is alive. */
  beatMs: number;
  /** One that has not written for so long is taken for dead, and takes itself for dead. */
  silenceMs: number;
  /** It looks for items where it found none. */
  pollMs: number;
}

/**
 * What a dead worker had is to be taken up within 35 s. A worker that is alive has to write in time: with four of them and 22 products
 * at once on two processors, the longest pause between two heartbeats was 4.4 s.
 */
export const defaultIntervals: Intervals = { beatMs: 2000, silenceMs: 20_000, pollMs: 500 };

/** What a worker says of an item. */
export interface ItemEvent {
  run: number;
  muse: string;
  state: 'started' | 'returned' | Outcome['state'];
  ms?: number;
  error?: KeptError;
}

export interface WorkOptions {
  registry: Registry;
  kinds: Kinds;
  /** The data directory of this machine. */
  directory: string;
  environment: NodeJS.ProcessEnv;
  secretsFrom?: string | undefined;
  /** How many items at a time; default {@link connectionsPerServer}. */
  concurrency?: number | undefined;
  /** Only this run: the worker ends with it. Otherwise it works until the signal. */
  run?: number | undefined;
  intervals?: Partial<Intervals> | undefined;
  /** The version of this tool; another one in tests. */
  tool?: string | undefined;
  /** Ends it: what can be stopped is given back. */
  signal: AbortSignal;
  onItem?: ((event: ItemEvent) => void) | undefined;
  onNote?: ((text: string) => void) | undefined;
}

/** What a worker has done. */
export interface WorkReport {
  done: number;
  failed: number;
  unknown: number;
  /** Given back unfinished. */
  returned: number;
}

/**
 * Works until the signal, or until the end of one run.
 * @throws MuseError where the registry is lost for good; other workers then take over what this one had
 */
export async function work(options: WorkOptions): Promise<WorkReport> {
  const worker = new Worker(options);
  await worker.register();
  try {
    await worker.loop();
  } finally {
    await worker.leave();
  }
  return worker.report;
}

class Worker {
  readonly report: WorkReport = { done: 0, failed: 0, unknown: 0, returned: 0 };
  readonly #options: WorkOptions;
  readonly #intervals: Intervals;
  readonly #concurrency: number;
  readonly #identity: WorkerIdentity;
  readonly #limit = new Limit();
  readonly #shared = createShared();
  /** Ends with the worker. */
  readonly #stop = new AbortController();
  /** Ends when the worker has been silent for too long: then others may have its items. It takes new ones afterwards. */
  #tenure = new AbortController();
  readonly #held = new Map<string, Promise<void>>();
  #lastBeat = performance.now();
  #beating: Promise<void> | undefined;

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#intervals = { ...defaultIntervals, ...options.intervals };
    this.#concurrency = options.concurrency ?? connectionsPerServer;
    this.#identity = { id: randomUUID(), host: options.registry.host, tool: options.tool ?? packageVersion() };
  }

  async register(): Promise<void> {
    const { registry } = this.#options;
    const { id, host, tool } = this.#identity;
    await registry.transaction((session) =>
      session.query(
        `insert into portfolio.workers (id, host, pid, tool, concurrency) values ($1, $2, $3, $4, $5)
         on conflict (id) do nothing`,
        [id, host, process.pid, tool, this.#concurrency],
      ),
    );
  }

  async loop(): Promise<void> {
    const { registry, run, signal } = this.#options;
    const onAbort = (): void => this.#stop.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#beating = this.#beat();
    // A heartbeat that hangs cannot say so itself.
    const watch = setInterval(() => this.#watch(), this.#intervals.beatMs);
    let supervised = -Infinity;
    try {
      while (!this.#stop.signal.aborted) {
        // Twice a beat, as only one worker may be left to miss the others.
        if (performance.now() - supervised >= this.#intervals.beatMs / 2) {
          await registry.transaction(async (session) => {
            await giveBackUnknown(session, this.#identity, [...this.#held.keys()]);
            await supervise(session, this.#intervals.silenceMs);
          });
          supervised = performance.now();
        }
        const free = this.#concurrency - this.#held.size;
        const { items, muses, ended } = await registry.transaction(async (session) => {
          const worker = { ...this.#identity, kinds: Object.keys(this.#options.kinds) };
          const taken = await takeItems(session, worker, free, run);
          const isIdle = taken.length === 0 && this.#held.size === 0;
          return {
            items: taken,
            muses: await musesOf(
              session,
              taken.map(({ muse }) => muse),
            ),
            ended: run !== undefined && isIdle && (await hasEnded(session, run)),
          };
        });
        for (const item of items) this.#start(item, muses.get(item.muse)!);
        if (ended) break;
        if (items.length === 0 || this.#held.size >= this.#concurrency) await this.#pause();
      }
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', onAbort);
    }
    // Stopped, and not by the caller: the registry is lost.
    if (this.#stop.signal.aborted && !signal.aborted) throw this.#stop.signal.reason;
  }

  /** Ends everything; what cannot be written down any more is found by the other workers. */
  async leave(): Promise<void> {
    const { registry } = this.#options;
    this.#stop.abort(new Error('the worker ends'));
    await Promise.allSettled([...this.#held.values(), this.#beating]);
    await registry
      .transaction(async (session) => {
        await session.query('update portfolio.workers set ended_at = clock_timestamp() where id = $1', [
          this.#identity.id,
        ]);
        await removeOldQueues(session);
      })
      .catch(() => undefined);
  }

  #start(item: TakenItem, muse: MuseRow): void {
    // Where others took this worker for dead, it may get an item again before its own earlier attempt has ended.
    const earlier = this.#held.get(item.id) ?? Promise.resolve();
    const done = earlier
      .catch(() => undefined)
      .then(() => this.#run(item, muse))
      .finally(() => {
        if (this.#held.get(item.id) === done) this.#held.delete(item.id);
      });
    done.catch(() => undefined);
    this.#held.set(item.id, done);
  }

  async #run(item: TakenItem, muse: MuseRow): Promise<void> {
    const { registry, kinds, onItem, onNote } = this.#options;
    const began = performance.now();
    const event = { run: item.run, muse: muse.name };
    onItem?.({ ...event, state: 'started' });
    // Before the others take it for lost.
    const expiry = AbortSignal.timeout(1000 * itemSeconds - this.#intervals.silenceMs);
    let outcome: Outcome;
    try {
      outcome = await executeItem({
        ...this.#options,
        item,
        muse,
        kind: kinds[item.kind]!,
        host: this.#identity.host,
        limit: this.#limit,
        shared: this.#shared,
        signal: AbortSignal.any([this.#stop.signal, this.#tenure.signal, expiry]),
        onNote: (text) => onNote?.(`${muse.name}: ${text}`),
        saveJournal: async (journal, state) => {
          const isOurs = await registry.transaction((session) =>
            saveJournal(session, this.#identity, item, journal, state),
          );
          if (!isOurs) throw itemLost(muse.name);
        },
      });
    } catch (error) {
      if (expiry.aborted) {
        await this.#finish(item, event, { state: 'failed', result: {}, error: expired }, began);
        return;
      }
      this.report.returned += 1;
      // A worker that was silent for too long has lost the item already.
      await registry.transaction((session) => giveBack(session, this.#identity, item));
      onItem?.({ ...event, state: 'returned', error: keptError(error) });
      return;
    }
    await this.#finish(item, event, outcome, began).catch((error: unknown) =>
      // What it came to cannot be written down, e.g. since another muse has the project.
      this.#finish(item, event, { state: 'failed', result: {}, error: keptError(error) }, began),
    );
  }

  async #finish(
    item: TakenItem,
    event: Pick<ItemEvent, 'run' | 'muse'>,
    outcome: Outcome,
    began: number,
  ): Promise<void> {
    const { registry, onItem } = this.#options;
    const isOurs = await registry.transaction((session) => finishItem(session, this.#identity, item, outcome));
    if (!isOurs) return;
    const { state, error } = outcome;
    this.report[state] += 1;
    const ms = Math.round(performance.now() - began);
    onItem?.({ ...event, state, ms, ...(error === undefined ? {} : { error }) });
  }

  /** Until something may have changed: an item has ended, the time is over, the worker ends. */
  async #pause(): Promise<void> {
    const wake = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, wake.signal]);
    const waits = [sleep(this.#intervals.pollMs, undefined, { signal }), ...this.#held.values()];
    await Promise.race(waits.map((wait) => wait.catch(() => undefined)));
    wake.abort();
  }

  async #beat(): Promise<void> {
    const { registry } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(this.#intervals.beatMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const began = performance.now();
      try {
        await registry.transaction((session) =>
          session.query('update portfolio.workers set beat_at = clock_timestamp() where id = $1', [this.#identity.id]),
        );
        this.#lastBeat = began;
      } catch (error) {
        // The registry is lost for good: the loop ends for the same reason, and says so.
        this.#stop.abort(error);
      }
    }
  }

  /** A worker that could not write for so long is about to be taken for dead by the others: it lets go of its items first. */
  #watch(): void {
    const { beatMs, silenceMs } = this.#intervals;
    if (performance.now() - this.#lastBeat < silenceMs - 2 * beatMs) return;
    this.#tenure.abort(new Error('the registry could not be reached for too long'));
    this.#tenure = new AbortController();
    this.#lastBeat = performance.now();
  }
}

async function hasEnded(session: Parameters<typeof findRun>[0], run: number): Promise<boolean> {
  if ((await findRun(session, run)).state === 'running') return false;
  const { rows } = await session.query<{ there: boolean }>(
    "select exists (select 1 from portfolio.items where run = $1 and state = 'running') as there",
    [run],
  );
  return rows[0]?.there !== true;
}

const expired: KeptError = {
  code: 'wait-timeout',
  message: `It took longer than ${itemSeconds / 3600} hours.`,
  suggestion: 'Look at what its database waits for. Then resume the run.',
};

function itemLost(muse: string): MuseError {
  return new MuseError({
    code: 'item-lost',
    message: `Another worker has ${muse} by now, as this one was silent for too long.`,
    suggestion: 'There is nothing to do: the other worker continues.',
  });
}
