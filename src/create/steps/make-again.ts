import { MuseError } from '../../shared/error.ts';
import { projectNameOf } from '../../targets/project-ref.ts';
import type { CreateContext } from '../context.ts';
import { redoFrom, writeJournal } from '../journal.ts';
import { answerOf } from '../step.ts';

/**
 * After a project that Supabase could not start: asks whether to delete it and make it again. A yes is journaled before
 * anything is deleted; from then on the step `project` does both, in this run or in the one that goes on.
 * @returns whether to run again from the step `project`
 * @throws MuseError `cancelled` where the question was not answered
 */
export async function mayMakeAgain(error: unknown, context: CreateContext): Promise<boolean> {
  const { agree, answers, directory, journal, results } = context;
  const { project } = journal.data;
  if (!(error instanceof MuseError) || error.code !== 'init-failed' || agree === undefined) return false;
  // Only what this very run was told that it made: everything else its owner deletes by name.
  if (project?.ref === undefined || project.adopted === true || project.settled !== 'answered') return false;
  const question = `${error.message}\nDelete "${projectNameOf(answers)}" (${project.ref}) and create it again?`;
  if (!(await answerOf(agree, question))) return false;
  project.failed = true;
  redoFrom(journal, 'project');
  await writeJournal(directory, journal);
  results.splice(results.findIndex(({ id }) => id === 'project'));
  return true;
}
