import { cancelled } from '../shared/error.ts';

/**
 * How long a command may take to end in order after the first signal, in ms. What is left of the second after which it must
 * have ended is for printing.
 */
const graceMs = 700;

/** npm passes on a signal that the terminal has sent already: what comes this soon, in ms, is the same key. */
const sameKeyMs = 50;

/** Ctrl-C and SIGTERM, for as long as a command runs. */
export interface Interrupts {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /**
   * What the work comes to. After a signal it has a moment to end in order; then it is left as it is.
   * @throws LeftRunning where that moment was not enough, and what the work throws
   */
  untilStopped<T>(work: Promise<T>): Promise<T>;
  /**
   * Leaves Ctrl-C to another program while that one has the terminal, which sends it to both.
   * @returns a function that ends it
   */
  leaveCtrlC(): () => void;
  /** Stops listening. */
  dispose(): void;
}

/** The work had not ended when its time after a signal was over. */
export class LeftRunning extends Error {
  override readonly name = 'LeftRunning';
}

/** @param atOnce ends the process, at the second signal */
export function listenForInterrupts(atOnce: () => never): Interrupts {
  const abort = new AbortController();
  let first = 0;
  let timer: NodeJS.Timeout | undefined;
  let leave: (reason: LeftRunning) => void;
  const left = new Promise<never>((_, reject) => {
    leave = reject;
  });
  left.catch(() => undefined);
  const interrupt = (): void => {
    const now = performance.now();
    if (abort.signal.aborted) {
      if (now - first > sameKeyMs) atOnce();
      return;
    }
    first = now;
    timer = setTimeout(() => leave(new LeftRunning()), graceMs);
    abort.abort(cancelled(undefined));
  };
  let isLeft = false;
  const press = (): void => {
    if (!isLeft) interrupt();
  };
  process.on('SIGINT', press).on('SIGTERM', interrupt);
  return {
    signal: abort.signal,
    leaveCtrlC() {
      isLeft = true;
      return () => void (isLeft = false);
    },
    untilStopped: (work) => Promise.race([work, left]),
    dispose() {
      clearTimeout(timer);
      process.off('SIGINT', press).off('SIGTERM', interrupt);
    },
  };
}
