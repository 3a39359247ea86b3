import { adoptProject, type ProjectContents } from '../../supabase/adopt.ts';
import { preflight } from '../../supabase/preflight.ts';
import { refuseFinal } from '../../supabase/wait.ts';
import { passwordOfProject } from '../../targets/cloud.ts';
import { projectNameOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { cancelled } from '../../shared/error.ts';
import type { Run } from '../context.ts';
import { chooseRepository } from '../repository.ts';
import { answerOf, type Step } from '../step.ts';

/** Finds out what would stop the run later, while that costs nothing. */
export const preflightStep: Step<Run> = {
  id: 'preflight',
  title: 'Preflight checks',
  async run({ answers, directory, environment, git, journal, shadow, signal, target }, output) {
    // Opening the shadow database takes the longest: it continues while the steps before the rehearsal run.
    void shadow().catch(() => undefined);
    const { repository, note } = await chooseRepository(directory, answers.git, { environment, signal });
    journal.data.repository = repository;
    if (note !== undefined) output.notes.push(note);
    // Waited for before anything is moved into place.
    void git().catch(() => undefined);
    // A server that cannot be reached, or lacks what Supabase has, is reported before anything is fetched.
    const { local, provisioned } = targetOf(answers.target);
    if (!local && !provisioned) await target();
  },
};

/** Checks the Supabase token, organization, region, name and plan before anything is created. Costs nothing. */
export const cloudPreflightStep: Step<Run> = {
  id: 'cloud-preflight',
  title: 'Check the Supabase organization',
  applies: ({ target }) => targetOf(target).provisioned,
  async run(context, output) {
    const { answers, cloud, journal } = context;
    const { organization, region, projectRef, size } = answers.supabase;
    if (projectRef !== undefined) {
      output.summary = await adopt(context, projectRef);
      return;
    }
    // A run that continues where its files are lost has asked for its project already.
    const { intent, ref, adopted } = journal.data.project ?? {};
    if (adopted !== true && (intent !== undefined || ref !== undefined)) {
      output.summary = ref ?? 'asked for already';
      return;
    }
    const { http } = await cloud();
    const found = await preflight(http, {
      name: projectNameOf(answers),
      ...(organization === undefined ? {} : { organization }),
      ...(region === undefined ? {} : { region }),
    });
    output.notes.push(...found.warnings);
    journal.data.project = {
      organization: found.organization.slug,
      selection: found.region,
      ...(size === undefined ? {} : { size }),
    };
    output.summary = `${found.organization.name}, ${found.region.code}, plan ${found.plan}: ${found.allows}`;
  },
};

/** Takes an existing project: shows what is in it, and asks if there is someone to ask. */
async function adopt(
  { agree, answers, cloud, directory, dryRun, environment, journal }: Run,
  ref: string,
): Promise<string> {
  const { http } = await cloud();
  const contents = await adoptProject(http, ref);
  refuseFinal(ref, contents.status);
  // A missing password is reported now, not after the rehearsal.
  await passwordOfProject(directory, answers.environment, environment);
  const shown = describe(contents);
  if (agree !== undefined && !dryRun && !(await answerOf(() => agree(`${shown}\nMigrate this project?`))))
    throw cancelled(undefined);
  journal.data.project = { organization: contents.organization, ref, region: contents.region, adopted: true };
  return shown;
}

/** How many tables are listed by name; the others are counted. */
const listedTables = 8;

function describe({ ref, name, organization, region, status, tables, users, buckets }: ProjectContents): string {
  const head = `The project "${name}" (${ref}) of ${organization} in ${region}, ${status}`;
  if (status !== 'ACTIVE_HEALTHY') return `${head}: what is in it cannot be seen yet`;
  const count = (list: number, what: string): string => `${list === 0 ? 'no' : list} ${what}${list === 1 ? '' : 's'}`;
  const listed = tables
    .slice(0, listedTables)
    .map(({ schema, name: table, rows }) => `${schema}.${table}${rows > 0 ? ` (about ${rows} rows)` : ''}`);
  if (tables.length > listedTables) listed.push(`${tables.length - listedTables} more`);
  const names = listed.length === 0 ? '' : ` (${listed.join(', ')})`;
  return (
    `${head}: ${count(tables.length, 'table')}${names}, ${count(users, 'user')}, ` +
    `${count(buckets.length, 'bucket')}${buckets.length === 0 ? '' : ` (${buckets.join(', ')})`}`
  );
}
