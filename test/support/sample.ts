/**
 * Whether everything is tested (`npm run test:all`), and not a sample of what is long. A long test that goes with other input the
 * way of one that `npm test` runs is `it.runIf(isWhole)`.
 */
export const isWhole = process.env['CREATE_MUSE_ALL'] !== undefined;

/** How many of the runs of a search `npm test` does: one in four. */
export const sampled = (runs: number): number => (isWhole ? runs : Math.ceil(runs / 4));

/** One in so many cases of a table, from the first on; all where everything is tested. */
export const sampleOf = <T>(cases: readonly T[], oneIn: number): T[] =>
  cases.filter((_, at) => isWhole || at % oneIn === 0);
