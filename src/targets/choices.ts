import { listOrganizations } from '../supabase/api.ts';
import { listRegionChoices } from '../supabase/preflight.ts';
import { openCloud } from './cloud.ts';

/** Something to choose from, as a prompt shows it. */
export interface CloudChoice {
  value: string;
  name: string;
}

/**
 * The organizations that the token can see.
 * @throws MuseError `bad-token-missing` and the like, and what the API refuses
 */
export async function organizationChoices(environment: NodeJS.ProcessEnv): Promise<CloudChoice[]> {
  const { http } = await openCloud(environment);
  return (await listOrganizations(http)).map(({ slug, name }) => ({
    value: slug,
    name: name === slug ? name : `${name} (${slug})`,
  }));
}

/** The regions that an organization can choose, the recommended ones first. */
export async function regionChoices(environment: NodeJS.ProcessEnv, organization: string): Promise<CloudChoice[]> {
  const { http } = await openCloud(environment);
  return (await listRegionChoices(http, organization)).map(({ code, name, recommended }) => ({
    value: code,
    name: `${name} (${code})${recommended ? ', recommended' : ''}`,
  }));
}
