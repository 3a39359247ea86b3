/** How much is done at a time: on one database server, whose connections all share that run against it, and on this machine. */
import { availableParallelism } from 'node:os';

/** Measured: more than this is slower on one server, whatever the machine of the worker. */
export const connectionsPerServer = Math.min(8, 4 * availableParallelism());

/** How many shadow databases work at a time: each keeps a processor busy, and takes some hundred megabytes. */
export const shadowDatabases = availableParallelism();

/** Lets so many at a time through, for each thing that is shared. */
export class Limit {
  readonly #most: number;
  readonly #busy = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(most = connectionsPerServer) {
    this.#most = most;
  }

  /**
   * Waits for its turn.
   * @param shared what is shared, e.g. a server as `host:port`; undefined for what is not
   */
  async run<T>(shared: string | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (shared === undefined) return work();
    await this.#enter(shared, signal);
    try {
      return await work();
    } finally {
      this.#leave(shared);
    }
  }

  async #enter(shared: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const busy = this.#busy.get(shared) ?? 0;
    if (busy < this.#most) {
      this.#busy.set(shared, busy + 1);
      return;
    }
    const queue = this.#waiting.get(shared) ?? [];
    this.#waiting.set(shared, queue);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        queue.splice(queue.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      const go = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
      queue.push(go);
    });
  }

  /** The place goes to the next in line. */
  #leave(shared: string): void {
    const next = this.#waiting.get(shared)?.shift();
    if (next === undefined) this.#busy.set(shared, (this.#busy.get(shared) ?? 1) - 1);
    else next();
  }
}
