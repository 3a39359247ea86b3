import { totalmem } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.ts';

// Each embedded database takes and leaves tens of megabytes, a page at a time: with large pages a fifth less time goes to the system.
// Only glibc reads it, as a process starts: those of the tests inherit it.
process.env['GLIBC_TUNABLES'] ??= 'glibc.malloc.hugetlb=1';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/optimize.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/slowest-files.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // An embedded database needs up to 860 MB while it starts: more workers than two can drown a small machine. Where there is memory,
    // a third one works while others wait for a time limit, a lock or a process.
    maxWorkers: totalmem() > 12 * 2 ** 30 ? 3 : 2,
    // A process for each file would compile PostgreSQL and load everything again, a tenth of the whole time.
    isolate: false,
    // JavaScript is optimized later than usual: each embedded database has a thread of its own, which would optimize the same
    // functions again, a tenth of its time.
    execArgv: ['--interrupt-budget=1000000'],
    sequence: { sequencer: SlowestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary'] },
  },
});
