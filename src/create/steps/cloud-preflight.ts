import { adoptProject, type ProjectContents } from '../../supabase/adopt.ts';
import { preflight } from '../../supabase/preflight.ts';
import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';

/** Supabase, before anything is created: the token, the organization, the region, the name, the plan. Costs nothing. */
export const cloudPreflightStep: Step<Pick<CreateContext, 'answers' | 'cloud' | 'journal' | 'notes'>> = {
  id: 'cloud-preflight',
  title: 'Look at the Supabase organization',
  applies: ({ answers }) => answers.target === 'supabase',
  async run({ answers, cloud, journal, notes }) {
    const { http } = await cloud();
    const { organization, region, projectRef, size } = answers.supabase;
    if (projectRef !== undefined) {
      const contents = await adoptProject(http, projectRef);
      notes.push(describe(contents));
      journal.data.project = { organization: contents.organization, ref: projectRef, region: contents.region, adopted: true };
      return `adopting ${projectRef}`;
    }
    const found = await preflight(http, {
      name: answers.name,
      ...(organization === undefined ? {} : { organization }),
      ...(region === undefined ? {} : { region }),
    });
    notes.push(...found.warnings);
    journal.data.project = { organization: found.organization.slug, selection: found.region, ...(size === undefined ? {} : { size }) };
    return `${found.organization.name}, ${found.region.code}, plan ${found.plan}: ${found.allows}`;
  },
};

function describe({ ref, name, status, tables, users, buckets }: ProjectContents): string {
  const has = [`${tables.length} tables`, `${users} users`, `${buckets.length} buckets`].join(', ');
  return `The project ${ref} ("${name}", ${status}) was adopted; it had ${has}.`;
}
