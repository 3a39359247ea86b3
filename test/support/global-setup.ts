/** Vitest's globalSetup: one native PostgreSQL for all test files of a run. */
import { sharedVariable, startNative } from './native.ts';

/** Starts the server and leaves its URL where `startNative` looks; vitest calls what comes back at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  const native = await startNative({ private: true });
  process.env[sharedVariable] = native.url();
  return () => native.stop();
}
