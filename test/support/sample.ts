/** Whether everything is tested (`npm run test:all`), and not a sample of the long searches. */
export const isWhole = process.env['CREATE_MUSE_ALL'] !== undefined;

/** How many of the runs of a search `npm test` does: one in four. */
export const sampled = (runs: number): number => (isWhole ? runs : Math.ceil(runs / 4));
