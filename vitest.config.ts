import { totalmem } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.ts';

// Tests wait for other processes for a third of their time, so one worker more than two cores have. An embedded database
// needs up to 860 MB while it starts: a small machine cannot carry three.
const workers = totalmem() < 6 * 2 ** 30 ? 2 : 3;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/slowest-files.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: workers,
    sequence: { sequencer: SlowestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary'] },
  },
});
