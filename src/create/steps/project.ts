import { createProject } from '../../supabase/create-project.ts';
import { destroyProject } from '../../supabase/destroy.ts';
import { waitForProject } from '../../supabase/wait.ts';
import { keepCertificate } from '../../targets/certificate.ts';
import { projectNameOf, refOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { passwordForNewProject, passwordOfProject } from '../../targets/cloud.ts';
import { type CreateContext, needed } from '../context.ts';
import { forgetProject, type JournalProject, writeJournal } from '../journal.ts';
import { readMuseFile, writeMuseFile } from '../../muse/muse-json.ts';
import type { Step } from '../step.ts';

type Used = Pick<CreateContext, 'answers' | 'cloud' | 'directory' | 'environment' | 'journal' | 'museFile' | 'onProgress'>;
const isCloud = ({ answers }: Pick<CreateContext, 'answers'>): boolean => targetOf(answers.target).provisioned;

/** Makes the project: what is wanted is journaled before the request, the ref right after, the password before both. */
export const projectStep: Step<Used> = {
  id: 'project',
  title: 'Create the Supabase project',
  applies: isCloud,
  async run(context) {
    const { answers, directory, environment, journal } = context;
    if (journal.data.project?.failed === true) await deleteFailed(context);
    const project = needed(journal.data.project, 'The choice of organization and region');
    if (project.adopted === true) await passwordOfProject(directory, answers.environment, environment);
    else if (project.ref === undefined) await make(context, project);
    const museFile = await readMuseFile(directory);
    const { ref, region, organization } = project;
    museFile.environments[answers.environment] = {
      target: answers.target,
      ...(ref === undefined ? {} : { ref }),
      ...(region === undefined ? {} : { region }),
      organization,
      ...(await certificateFor(context, museFile.environments[answers.environment]?.databaseCa)),
    };
    await writeMuseFile(directory, museFile);
    context.museFile = museFile;
    return ref;
  },
};

async function make({ answers, cloud, directory, journal, onProgress }: Used, project: JournalProject): Promise<void> {
  const save = (): Promise<void> => writeJournal(directory, journal);
  const { http } = await cloud();
  const password = await passwordForNewProject(directory, answers.environment);
  const created = await createProject(
    http,
    {
      name: projectNameOf(answers),
      organization: project.organization,
      region: needed(project.selection, 'The region'),
      ...(project.size === undefined ? {} : { size: project.size }),
      password,
    },
    {
      async onIntent(intent) {
        project.intent = intent;
        await save();
      },
      async onRef({ ref, region, settled }) {
        Object.assign(project, { ref, region, settled });
        await save();
      },
    },
    project.intent,
  );
  onProgress?.(created.ref);
}

/** Deletes a project that never started; deleting one that is gone changes nothing, so this may be cut off anywhere. */
async function deleteFailed({ cloud, directory, journal, onProgress }: Used): Promise<void> {
  const ref = refOf(journal.data.project);
  onProgress?.(`deleting ${ref}`);
  const { http } = await cloud();
  await destroyProject(http, ref, undefined, () => onProgress?.(`${ref} is not ready for deletion yet`));
  forgetProject(journal);
  await writeJournal(directory, journal);
}

/** A muse that is made has its copy since it was put together; one that was there before gets it now. */
async function certificateFor({ answers, directory, journal }: Used, known: string | undefined): Promise<{ databaseCa?: string }> {
  const { databaseCa, environment } = answers;
  if (journal.pipeline === 'create' || databaseCa === undefined) return known === undefined ? {} : { databaseCa: known };
  return { databaseCa: await keepCertificate(directory, environment, databaseCa) };
}

/** Waits until the project and its services are healthy, with a live line for each. */
export const waitStep: Step<Pick<CreateContext, 'answers' | 'cloud' | 'journal' | 'onProgress'>> = {
  id: 'wait',
  title: 'Wait until it serves',
  applies: isCloud,
  async run({ answers, cloud, journal, onProgress }) {
    const { http } = await cloud();
    const states = new Map<string, string>();
    await waitForProject(http, refOf(journal.data.project), {
      timeoutMs: (answers.supabase.waitTimeout ?? 600) * 1000,
      onProgress({ name, status }) {
        states.set(name, status);
        onProgress?.(['', ...[...states].map(([service, state]) => `${service.padEnd(16)}  ${state}`)].join('\n'));
      },
    });
    return `${states.size - 1} services healthy`;
  },
};
