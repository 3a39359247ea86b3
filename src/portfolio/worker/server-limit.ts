/** How many items work on one database server at a time: its connections are shared by all that run against it. */
import { availableParallelism } from 'node:os';

/** Measured: more than this is slower on one server, whatever the machine of the worker. */
export const connectionsPerServer = Math.min(8, 4 * availableParallelism());

/** Lets so many at a time through, for each server. */
export class ServerLimit {
  readonly #most: number;
  readonly #busy = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(most = connectionsPerServer) {
    this.#most = most;
  }

  /**
   * Waits for its turn.
   * @param server `host:port`; undefined for a database that shares none
   */
  async run<T>(server: string | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (server === undefined) return work();
    await this.#enter(server, signal);
    try {
      return await work();
    } finally {
      this.#leave(server);
    }
  }

  async #enter(server: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const busy = this.#busy.get(server) ?? 0;
    if (busy < this.#most) {
      this.#busy.set(server, busy + 1);
      return;
    }
    const queue = this.#waiting.get(server) ?? [];
    this.#waiting.set(server, queue);
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
  #leave(server: string): void {
    const next = this.#waiting.get(server)?.shift();
    if (next === undefined) this.#busy.set(server, (this.#busy.get(server) ?? 1) - 1);
    else next();
  }
}
