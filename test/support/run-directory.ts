import { tmpdir } from 'node:os';

/** Set by the global set-up. */
export const directoryVariable = 'CREATE_MUSE_TEST_DIRECTORY';

/** The directory for what the tests of a run make and do not remove themselves; it is removed at the end of the run. */
export const runDirectory = (): string => process.env[directoryVariable] ?? tmpdir();
