/** Vitest's globalSetup: one native PostgreSQL for all test files of a run, and one directory for what they make. */
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedVariable, startNative } from './native.ts';
import { memoryDirectory } from './memory-directory.ts';
import { directoryVariable, lastingVariable } from './run-directory.ts';

/**
 * Starts the server and stores its URL for `startNative`, and the directory's path for `runDirectory`. What is temporary is in
 * memory, where there is enough. Vitest calls the returned function at the end.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const memory = memoryDirectory();
  if (memory !== undefined) {
    process.env[lastingVariable] = tmpdir();
    process.env['TMPDIR'] = memory;
  }
  const native = await startNative({ private: true }).catch(stop);
  process.env[sharedVariable] = native.url();
  const directory = mkdtempSync(join(tmpdir(), 'create-muse-run-'));
  process.env[directoryVariable] = directory;
  return async () => {
    await native.stop();
    for (const each of [directory, memory])
      if (each !== undefined) rmSync(each, { recursive: true, force: true, maxRetries: 5 });
  };
}

/**
 * Ends the process with the reason. If the error were thrown, Vitest would first print "No test files found" and an
 * empty coverage report.
 */
function stop(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  writeSync(2, `\nNo test ran: the PostgreSQL server that the tests share did not start.\n${reason}\n`);
  process.exit(1);
}
