/** Vitest's globalSetup: one native PostgreSQL for all test files of a run. */
import { writeSync } from 'node:fs';
import { sharedVariable, startNative } from './native.ts';

/** Starts the server and leaves its URL where `startNative` looks; vitest calls what comes back at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  const native = await startNative({ private: true }).catch(stop);
  process.env[sharedVariable] = native.url();
  return () => native.stop();
}

/**
 * Ends the process with the reason. Thrown to vitest, the error would come last: vitest ends such a run like one
 * without tests, says "No test files found" and prints an empty coverage report first.
 */
function stop(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  writeSync(2, `\nNo test ran: the PostgreSQL server that the tests share did not start.\n${reason}\n`);
  process.exit(1);
}
