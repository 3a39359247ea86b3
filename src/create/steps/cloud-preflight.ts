import { adoptProject, type ProjectContents } from '../../supabase/adopt.ts';
import { preflight } from '../../supabase/preflight.ts';
import { refuseFinal } from '../../supabase/wait.ts';
import { passwordOfProject } from '../../targets/cloud.ts';
import { projectNameOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import type { CreateContext } from '../context.ts';
import { answerOf, cancelled, type Step } from '../step.ts';

type Used = Pick<CreateContext, 'agree' | 'answers' | 'cloud' | 'directory' | 'environment' | 'journal' | 'notes'>;

/** Supabase, before anything is created: the token, the organization, the region, the name, the plan. Costs nothing. */
export const cloudPreflightStep: Step<Used> = {
  id: 'cloud-preflight',
  title: 'Look at the Supabase organization',
  applies: ({ answers }) => targetOf(answers.target).provisioned,
  async run(context) {
    const { answers, cloud, journal, notes } = context;
    const { organization, region, projectRef, size } = answers.supabase;
    if (projectRef !== undefined) return adopt(context, projectRef);
    const { http } = await cloud();
    const found = await preflight(http, {
      name: projectNameOf(answers),
      ...(organization === undefined ? {} : { organization }),
      ...(region === undefined ? {} : { region }),
    });
    notes.push(...found.warnings);
    journal.data.project = { organization: found.organization.slug, selection: found.region, ...(size === undefined ? {} : { size }) };
    return `${found.organization.name}, ${found.region.code}, plan ${found.plan}: ${found.allows}`;
  },
};

/** Takes a project that is there: what is in it is shown, and asked about where somebody can be. */
async function adopt({ agree, answers, cloud, directory, environment, journal }: Used, ref: string): Promise<string> {
  const { http } = await cloud();
  const contents = await adoptProject(http, ref);
  refuseFinal(ref, contents.status);
  // Who does not know it is told now, and not after the rehearsal.
  await passwordOfProject(directory, answers.environment, environment);
  const shown = describe(contents);
  if (agree !== undefined && !(await answerOf(agree, `${shown}\nMigrate this project?`))) throw cancelled(undefined);
  journal.data.project = { organization: contents.organization, ref, region: contents.region, adopted: true };
  return shown;
}

/** How many tables are named; of the others there is the number. */
const named = 8;

function describe({ ref, name, organization, region, status, tables, users, buckets }: ProjectContents): string {
  const head = `The project "${name}" (${ref}) of ${organization} in ${region}, ${status}`;
  if (status !== 'ACTIVE_HEALTHY') return `${head}: what is in it cannot be seen yet`;
  const count = (list: number, what: string): string => `${list === 0 ? 'no' : list} ${what}${list === 1 ? '' : 's'}`;
  const listed = tables.slice(0, named).map(({ schema, name: table, rows }) => `${schema}.${table}${rows > 0 ? ` (about ${rows} rows)` : ''}`);
  if (tables.length > named) listed.push(`${tables.length - named} more`);
  const names = listed.length === 0 ? '' : ` (${listed.join(', ')})`;
  return `${head}: ${count(tables.length, 'table')}${names}, ${count(users, 'user')}, ${count(buckets.length, 'bucket')}${buckets.length === 0 ? '' : ` (${buckets.join(', ')})`}`;
}
