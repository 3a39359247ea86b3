import { MuseError } from '../../src/shared/error.ts';

/** The MuseError that the work throws; undefined if it throws nothing. Any other error is rethrown. */
export function errorOf(work: () => unknown): MuseError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
}

/** Like {@link errorOf}, for asynchronous work. */
export async function rejectionOf(work: Promise<unknown>): Promise<MuseError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
}
