// Runs every test in full: all mutants, all points of a kill, and the long search by trial. Takes hours on a small machine;
// further arguments go to vitest, e.g. `npm run test:all -- test/verify/prober`. CREATE_MUSE_SEED repeats a search.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  // The flag takes what comes after it for its value.
  [vitest, 'run', ...process.argv.slice(2), '--disable-console-intercept'],
  { stdio: 'inherit', env: { ...process.env, CREATE_MUSE_ALL: '1' } },
);
process.exitCode = status ?? 1;
