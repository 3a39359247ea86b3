import { tmpdir } from 'node:os';

/** Set by the global set-up. */
export const directoryVariable = 'CREATE_MUSE_TEST_DIRECTORY';
/** Set by the global set-up where the temporary files of the run are in memory: where they would be otherwise. */
export const lastingVariable = 'CREATE_MUSE_TEST_LASTING';

/** The directory for what the tests of a run make and do not remove themselves; it is removed at the end of the run. */
export const runDirectory = (): string => process.env[directoryVariable] ?? tmpdir();

/** The directory for what is fetched once and used by later runs. */
export const lastingDirectory = (): string => process.env[lastingVariable] ?? tmpdir();
