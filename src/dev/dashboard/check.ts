import { checkFiles } from '../../muse/check-files.ts';
import { openMuse } from '../../muse/open.ts';
import { MuseError } from '../../shared/error.ts';
import { fingerprint } from './fingerprint.ts';
import { type CheckReport, reportOf } from './verdicts.ts';

/** Why a check could not be run to its end. */
export interface CheckProblem {
  message: string;
  suggestion: string;
}

/** What came of a check: a report, with the {@link fingerprint} of the files that it is about. */
export type CheckOutcome = { report: CheckReport & { of: string } } | { problem: CheckProblem };

/** What the thread of a check says: how far it is, for people, and in the end what came of it. */
export type CheckMessage = { progress: string } | { outcome: CheckOutcome };

/** Checks the files of the muse in a directory; never fails. */
export async function check(directory: string, onProgress: (text: string) => void): Promise<CheckOutcome> {
  try {
    const muse = await openMuse(directory);
    const of = await fingerprint(muse);
    return { report: { of, ...reportOf(await checkFiles(muse, { onProgress })) } };
  } catch (error) {
    if (error instanceof MuseError) return { problem: { message: error.message, suggestion: error.suggestion } };
    return { problem: { message: error instanceof Error ? error.message : String(error), suggestion: 'Try again.' } };
  }
}
