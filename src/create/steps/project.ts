import { createProject } from '../../supabase/create-project.ts';
import { destroyProject } from '../../supabase/destroy.ts';
import { waitForProject } from '../../supabase/wait.ts';
import { keepCertificate } from '../../targets/certificate.ts';
import { projectNameOf, refOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { passwordForNewProject, passwordOfProject } from '../../targets/cloud.ts';
import { readMuseFile, writeMuseFile } from '../../muse/muse-json.ts';
import { MuseError } from '../../shared/error.ts';
import type { Secret } from '../../supabase/secret.ts';
import type { RegionSelection } from '../../supabase/types.ts';
import type { Answers } from '../answers.ts';
import type { Run } from '../context.ts';
import { chosenProject, forgetProject, type JournalProject, redoFrom } from '../journal.ts';
import { answerOf, type Step } from '../step.ts';

const isCloud = ({ target }: Answers): boolean => targetOf(target).provisioned;

/**
 * Creates the project. The password is stored first, the intent is journaled before the request, and the ref right
 * after it.
 */
export const projectStep: Step<Run> = {
  id: 'project',
  title: 'Create the Supabase project',
  applies: isCloud,
  async run(context, output) {
    const { answers, directory, environment, journal } = context;
    if (chosenProject(journal).failed === true) await deleteFailed(context);
    const project = chosenProject(journal);
    if (project.adopted === true) await passwordOfProject(directory, answers.environment, environment);
    else if (project.ref === undefined && project.selection !== undefined)
      await make(context, project, project.selection);
    // Where the files of a run are lost, its project has the password that was given, and no new one.
    else if (context.secrets.databasePassword !== undefined) await projectPassword(context);
    const museFile = await readMuseFile(directory);
    const ref = refOf(project);
    const { region, organization } = project;
    museFile.environments[answers.environment] = {
      target: answers.target,
      ref,
      ...(region === undefined ? {} : { region }),
      organization,
      ...(await certificateFor(context, museFile.environments[answers.environment]?.databaseCa)),
    };
    await writeMuseFile(directory, museFile);
    output.summary = ref;
  },
};

const projectPassword = ({ answers, directory, secrets }: Run): Promise<Secret> =>
  passwordForNewProject(directory, answers.environment, secrets.databasePassword);

async function make(context: Run, project: JournalProject, region: RegionSelection): Promise<void> {
  const { answers, cloud, onProgress, save } = context;
  const { http } = await cloud();
  const password = await projectPassword(context);
  const created = await createProject(
    http,
    {
      name: projectNameOf(answers),
      organization: project.organization,
      region,
      ...(project.size === undefined ? {} : { size: project.size }),
      password,
    },
    {
      async onIntent(intent) {
        project.intent = intent;
        await save();
      },
      async onRef({ ref, region: placed, settled }) {
        Object.assign(project, { ref, region: placed, settled });
        await save();
      },
    },
    project.intent,
  );
  onProgress?.(created.ref);
}

/**
 * Deletes a project that never started. Deleting a deleted one changes nothing, so this can be interrupted anywhere.
 */
async function deleteFailed({ cloud, journal, onProgress, save }: Run): Promise<void> {
  const ref = refOf(journal.data.project);
  onProgress?.(`deleting ${ref}`);
  const { http } = await cloud();
  await destroyProject(http, ref, undefined, () => onProgress?.(`${ref} is not ready for deletion yet`));
  forgetProject(journal);
  await save();
}

/** A new muse has its copy of the certificate from the stage; an existing one gets it now. */
async function certificateFor(
  { answers, directory, journal }: Run,
  known: string | undefined,
): Promise<{ databaseCa?: string }> {
  const { databaseCa, environment } = answers;
  if (journal.pipeline === 'create' || databaseCa === undefined)
    return known === undefined ? {} : { databaseCa: known };
  return { databaseCa: await keepCertificate(directory, environment, databaseCa) };
}

/** Waits until the project and its services are healthy, with a live line for each. */
export const waitStep: Step<Run> = {
  id: 'wait',
  title: 'Wait for the project to start',
  applies: isCloud,
  async run({ answers, cloud, journal, onProgress }, output) {
    const { http } = await cloud();
    const states = new Map<string, string>();
    await waitForProject(http, refOf(journal.data.project), {
      timeoutMs: (answers.supabase.waitTimeout ?? 600) * 1000,
      onProgress({ name, status }) {
        states.set(name, status);
        onProgress?.(['', ...[...states].map(([service, state]) => `${service.padEnd(16)}  ${state}`)].join('\n'));
      },
    });
    output.summary = `${states.size - 1} services healthy`;
  },
};

/**
 * After a project that Supabase could not start, asks whether to delete it and create it again. A yes is journaled
 * before anything is deleted; then {@link projectStep} does both, in this run or in one that resumes it.
 * @returns whether to run again from the step `project`
 * @throws MuseError `cancelled` if the question was not answered
 */
export async function mayMakeAgain(error: unknown, { agree, answers, journal, results, save }: Run): Promise<boolean> {
  const { project } = journal.data;
  if (!(error instanceof MuseError) || error.code !== 'init-failed' || agree === undefined) return false;
  // Only a project that Supabase told this run it had created: any other is for its owner to delete by name.
  if (project?.ref === undefined || project.adopted === true || project.settled !== 'answered') return false;
  const question = `${error.message}\nDelete "${projectNameOf(answers)}" (${project.ref}) and create it again?`;
  if (!(await answerOf(() => agree(question)))) return false;
  project.failed = true;
  redoFrom(journal, 'project');
  await save();
  results.splice(results.findIndex(({ id }) => id === 'project'));
  return true;
}
