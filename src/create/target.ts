import type { Database } from '../database/database.ts';
import { certificateOf } from '../targets/certificate.ts';
import { databaseUrlOf, openKept } from '../targets/open.ts';
import { needBaseline } from '../targets/supabase-baseline.ts';
import type { CreateContext } from './context.ts';

/** Opens the target of a creation; the baseline is put on a plain server only where that was asked for. */
export async function openTarget(context: CreateContext): Promise<Database> {
  const { answers, secrets, directory, environment, journal, notes, onProgress } = context;
  // The muse has its own copy once it is in place; before that the file is where the user says.
  const certificate = {
    ...(answers.databaseCa === undefined ? {} : { caFile: answers.databaseCa }),
    ...certificateOf(directory, context.museFile?.environments[answers.environment]),
  };
  if (answers.target === 'embedded') return openKept(directory, answers.environment);
  if (answers.target === 'supabase') {
    const [{ passwordOfProject }, { refOf }, { connectProject }] = await Promise.all([
      import('../targets/cloud.ts'),
      import('../targets/project-ref.ts'),
      import('../supabase/connect.ts'),
    ]);
    const { project } = journal.data;
    context.connected = await connectProject({
      ...(await context.cloud()),
      ref: refOf(project),
      password: await passwordOfProject(directory, answers.environment, environment),
      ...certificate,
      mustProve: project?.settled === 'found',
      onNote(note) {
        onProgress?.(note);
        if (note.includes('not verified')) notes.push(note);
      },
    });
    return context.connected.database;
  }
  const url = secrets.databaseUrl ?? (await databaseUrlOf(directory, answers.environment, { target: 'postgres' }, environment));
  const { openPostgres } = await import('../database/postgres/postgres.ts');
  const database = await openPostgres({ url, ...certificate });
  try {
    await (await needBaseline(database, answers.supabaseBaseline))();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
