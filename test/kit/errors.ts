import { MuseError } from '../../src/shared/error.ts';

/** The MuseError that the work throws; undefined where it throws nothing. Any other error goes on. */
export function errorOf(work: () => unknown): MuseError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
}

/** As {@link errorOf}, for work that takes its time. */
export async function rejectionOf(work: Promise<unknown>): Promise<MuseError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
}
