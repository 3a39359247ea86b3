import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';

/**
 * Looks whether a server has what migrations for Supabase stand on, or is to get it.
 * @param wanted it was asked for to put it there
 * @returns what puts it there where it is lacking, and nothing where it is not; throws what `installBaseline` throws
 * @throws MuseError `baseline-missing` where it is lacking and not wanted
 */
export async function needBaseline(database: Database, wanted: boolean): Promise<() => Promise<void>> {
  const { baselinePresent, installBaseline } = await import('../database/platform/install.ts');
  if (await baselinePresent(database)) return () => Promise.resolve();
  if (!wanted) throw noBaseline(database.description);
  return async () => {
    await installBaseline(database);
  };
}

function noBaseline(description: string): MuseError {
  return new MuseError({
    code: 'baseline-missing',
    message: `The ${description} is a plain server: it has no auth schema, no anon and authenticated roles, as Supabase has.`,
    suggestion: 'Add --supabase-baseline to put them there, or point at a Supabase database. Nothing was changed.',
  });
}
