import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { LateInput, LateReply, LateRequest, Pack } from './protocol.ts';

/** Files that a database is given when PostgreSQL looks at the first of them, and not before. */
export interface LateFiles {
  /** Relative to PostgreSQL's installation. */
  paths: readonly string[];
  load(): Promise<Pack>;
}

/**
 * Gives out files to a thread, which waits for them in the middle of a statement. The port does not keep the process alive.
 * @returns the thread's input; its port has to be transferred
 */
export function giveLate({ paths, load }: LateFiles): LateInput & { port: MessagePort } {
  const { port1: own, port2: port } = new MessageChannel();
  own.on('message', ({ signal }: LateRequest) => {
    const reply = (answer: LateReply): void => {
      own.postMessage(answer);
      Atomics.store(signal, 0, 1);
      Atomics.notify(signal, 0);
    };
    load().then(
      ({ entries, bytes, kept }) => reply(kept ? { entries, kept } : { entries, bytes }),
      () => reply({ entries: [] }),
    );
  });
  own.unref();
  return { paths, port };
}
