import { cancelled } from './error.ts';
import { asMuseError } from './files.ts';

/** Options of every call of the public API. */
export interface CallOptions {
  /** Ends the call with the code `cancelled` when it aborts. Default: never aborted. */
  signal?: AbortSignal | undefined;
  /** The variables that tokens, URLs and proxies are read from. Default: `process.env`. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** What a call works with. */
export interface CallContext {
  signal: AbortSignal;
  environment: NodeJS.ProcessEnv;
}

/**
 * Runs a call of the public API to its end.
 * @throws MuseError for anything that is thrown: `cancelled` after an abort, `unexpected` for any other error
 */
export async function call<T>(
  { signal, environment = process.env }: CallOptions,
  work: (context: CallContext) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw cancelled(signal.reason);
  // A signal of its own: the caller's may live for years, and must not hold on to a call that has ended.
  const own = new AbortController();
  const stop = (): void => own.abort(cancelled(signal?.reason));
  signal?.addEventListener('abort', stop);
  try {
    return await work({ signal: own.signal, environment });
  } catch (error) {
    throw own.signal.aborted ? cancelled(error) : asMuseError(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
