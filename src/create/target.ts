import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import { readMuseFile } from '../muse/muse-json.ts';
import { kindOf } from '../shared/files.ts';
import type { Connected } from '../supabase/connect.ts';
import { certificateOf } from '../targets/certificate.ts';
import { databaseUrlOf, openKept } from '../targets/open.ts';
import { needBaseline } from '../targets/supabase-baseline.ts';
import type { Run } from './context.ts';

/** Opens the target of a run; puts the Supabase baseline on a plain server only if that was asked for. */
export async function openTarget(run: Run): Promise<Database> {
  const { answers, secrets, directory, environment } = run;
  if (answers.target === 'embedded') return openKept(directory, answers.environment);
  if (answers.target === 'supabase') return (await run.connection()).database;
  const url = secrets.databaseUrl ?? (await databaseUrlOf(directory, answers.environment, { target: 'postgres' }, environment));
  const { openPostgres } = await import('../database/postgres/postgres.ts');
  const database = await openPostgres({ url, ...(await certificateFor(run)) });
  try {
    await (await needBaseline(database, answers.supabaseBaseline))();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Connects to the database of the run's Supabase project. */
export async function connectSupabase(run: Run): Promise<Connected> {
  const { answers, cloud, directory, environment, journal, onProgress } = run;
  const [{ passwordOfProject }, { refOf }, { connectProject }] = await Promise.all([
    import('../targets/cloud.ts'),
    import('../targets/project-ref.ts'),
    import('../supabase/connect.ts'),
  ]);
  const { project } = journal.data;
  return connectProject({
    ...(await cloud()),
    ref: refOf(project),
    password: await passwordOfProject(directory, answers.environment, environment),
    ...(await certificateFor(run)),
    mustProve: project?.settled === 'found',
    ...(onProgress === undefined ? {} : { onNote: onProgress }),
  });
}

/** The muse's own copy of the certificate once there is a muse in place; until then the file that the user named. */
async function certificateFor({ answers, directory }: Run): Promise<{ caFile?: string }> {
  const given = answers.databaseCa === undefined ? {} : { caFile: answers.databaseCa };
  if ((await kindOf(join(directory, 'muse.json'))) === undefined) return given;
  return { ...given, ...certificateOf(directory, (await readMuseFile(directory)).environments[answers.environment]) };
}
