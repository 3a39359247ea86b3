import type { Database } from '../database/database.ts';
import { targetOf } from '../targets/open.ts';
import type { CreateContext } from './context.ts';

/** Opens the target of a creation; what Supabase has is installed on a plain server only where that was asked for. */
export async function openTarget(context: CreateContext): Promise<Database> {
  const { answers, secrets, directory, environment, journal, museFile, notes, onProgress, signal } = context;
  const target = targetOf(answers.target);
  const { project } = journal.data;
  const entry = { ...museFile?.environments[answers.environment], target: answers.target, ...(project?.ref === undefined ? {} : { ref: project.ref }) };
  const opened = await target.open(
    { directory, name: answers.environment, entry, environment },
    {
      url: secrets.databaseUrl,
      caFile: answers.databaseCa,
      cloud: context.cloud,
      signal,
      mustProve: project?.settled === 'found',
      onNote(note) {
        onProgress?.(note);
        if (note.includes('not verified')) notes.push(note);
      },
    },
  );
  try {
    await (await target.preparePlatform(opened.database, answers.supabaseBaseline))();
  } catch (error) {
    await opened.database.close();
    throw error;
  }
  if (opened.connected !== undefined) context.connected = opened.connected;
  return opened.database;
}
