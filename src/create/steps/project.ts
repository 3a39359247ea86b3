import { createProject } from '../../supabase/create-project.ts';
import { waitForProject } from '../../supabase/wait.ts';
import { refOf } from '../cloud/ref.ts';
import { passwordForNewProject, passwordOfProject } from '../cloud/cloud.ts';
import { type CreateContext, needed } from '../context.ts';
import { writeJournal } from '../journal.ts';
import { readMuseFile, writeMuseFile } from '../muse/muse-json.ts';
import type { Step } from '../step.ts';

type Used = Pick<CreateContext, 'answers' | 'cloud' | 'directory' | 'environment' | 'journal' | 'museFile' | 'onProgress'>;
const isCloud = ({ answers }: Pick<CreateContext, 'answers'>): boolean => answers.target === 'supabase';

/** Makes the project: what is wanted is journaled before the request, the ref right after, the password before both. */
export const projectStep: Step<Used> = {
  id: 'project',
  title: 'Create the Supabase project',
  applies: isCloud,
  async run(context) {
    const { answers, cloud, directory, environment, journal } = context;
    const project = needed(journal.data.project, 'The choice of organization and region');
    const save = (): Promise<void> => writeJournal(directory, journal);
    if (project.adopted === true) await passwordOfProject(directory, answers.environment, environment);
    else if (project.ref === undefined) {
      const { http } = await cloud();
      const password = await passwordForNewProject(directory, answers.environment);
      const created = await createProject(
        http,
        {
          name: answers.name,
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
      context.onProgress?.(created.ref);
    }
    const museFile = await readMuseFile(directory);
    const { ref, region, organization } = project;
    museFile.environments[answers.environment] = { target: 'supabase', ...(ref === undefined ? {} : { ref }), ...(region === undefined ? {} : { region }), organization };
    await writeMuseFile(directory, museFile);
    context.museFile = museFile;
    return ref;
  },
};

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
        onProgress?.([...states].map(([service, state]) => `${service} ${state.toLowerCase().replace('active_', '')}`).join(', '));
      },
    });
    return `${states.size} services healthy`;
  },
};
