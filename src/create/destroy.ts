import { MuseError } from '../shared/error.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { destroyProject, projectName } from '../supabase/destroy.ts';
import { openCloud } from '../targets/cloud.ts';
import { refOf } from '../targets/project-ref.ts';
import { defaultTarget } from '../targets/target.ts';
import { forgetProject, readJournal, writeJournal } from './journal.ts';
import { lockDirectory } from '../muse/lock.ts';
import { writeMuseFile } from '../muse/muse-json.ts';

/** The project that is about to be deleted. */
export interface Doomed {
  ref: string;
  /** As Supabase has it; undefined if there is no such project any more. */
  name: string | undefined;
}

/**
 * Deletes the Supabase project of an environment for good; the directory stays, and its environment is embedded again.
 * @param agree is shown the project; only its name or its ref, typed, is a yes
 * @throws MuseError `project-missing`, `bad-confirmation`, and what the API refuses
 */
export async function destroyMuse(
  { directory, museFile }: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  agree: (project: Doomed) => Promise<string>,
  onWait?: () => void,
  signal?: AbortSignal,
): Promise<Doomed> {
  const unlock = await lockDirectory(directory, { signal });
  try {
    const journal = await readJournal(directory);
    // A run that stopped early has the ref in its journal before it is in muse.json.
    const ref =
      museFile.environments[name]?.ref ??
      refOf(journal?.answers.environment === name ? journal.data.project : undefined);
    const { http } = await openCloud(environment, signal);
    const project: Doomed = { ref, name: await projectName(http, ref) };
    if (project.name !== undefined) {
      const typed = (await agree(project)).trim();
      if (typed !== ref && typed !== project.name) throw notConfirmed(project);
      await destroyProject(http, ref, undefined, onWait);
    }
    museFile.environments[name] = { target: defaultTarget };
    await writeMuseFile(directory, museFile);
    if (journal?.data.project?.ref === ref) {
      forgetProject(journal);
      await writeJournal(directory, journal);
    }
    return project;
  } finally {
    await unlock();
  }
}

function notConfirmed({ ref, name }: Doomed): MuseError {
  return new MuseError({
    code: 'bad-confirmation',
    message: `The project "${name}" (${ref}) was not deleted: its name was not typed to confirm.`,
    suggestion: `Type its name when asked, or run muse destroy --confirm ${ref}`,
  });
}
