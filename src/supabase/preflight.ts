import { MuseError } from '../shared/error.ts';
import { availableRegions, getOrganization, listOrganizations, listProjects } from './api.ts';
import { statusOf } from './failure.ts';
import type { Http } from './http.ts';
import { chooseRegion, regionChoices, type RegionChoice } from './regions.ts';
import type { Organization, Project, RegionSelection } from './types.ts';

/** What is wanted; what is left out is chosen if there is only one choice. */
interface Wanted {
  name: string;
  /** Slug or name. */
  organization?: string;
  /** Region or group code. */
  region?: string;
}

/** What was found before anything is created, and chosen. */
interface Preflight {
  organization: Organization;
  plan: string;
  /** What the plan allows, one sentence for people. */
  allows: string;
  region: RegionSelection;
  /** Warnings that do not stop the run. */
  warnings: string[];
}

/** What the plans allow, as far as it decides whether a project can be created. */
const plans: Record<string, string> = {
  free: 'two active projects for each owner, paused after a week without use; nothing is charged',
  pro: 'any number of projects; each further one is charged for its compute, by the hour',
  team: 'any number of projects; each further one is charged for its compute, by the hour',
  enterprise: 'what the contract says',
  platform: 'what the contract says',
};

/**
 * Checks whether the project can be created, and changes nothing: the token is valid, the organization and the region
 * are chosen, the name is free.
 * @throws MuseError `bad-organization`, `bad-region`, `bad-name`, `name-taken`, and what the API refuses (failure.ts)
 */
export async function preflight(http: Http, wanted: Wanted): Promise<Preflight> {
  if (wanted.name.trim() === '' || wanted.name.length > 256) {
    throw new MuseError({
      code: 'bad-name',
      message: 'The name of a project must have 1 to 256 characters.',
      suggestion: 'Choose another name.',
    });
  }
  const organization = chooseOrganization(await listOrganizations(http), wanted.organization);
  const plan = await planOf(http, organization.slug);
  const regions = await availableRegions(http, organization.slug);
  const { projects } = await listProjects(http);
  const region = chooseRegion(regions, wanted.region);
  const own = projects.filter((project) => isIn(project, organization) && project.status !== 'REMOVED');
  const taken = own.find((project) => project.name === wanted.name);
  if (taken) throw nameTaken(wanted.name, organization.slug, taken.ref);
  const active = own.filter((project) => project.status !== 'INACTIVE').length;
  const warnings =
    plan === 'free' && active >= 2
      ? [
          `${organization.name} is on the free plan and has ${active} active projects already: Supabase will probably refuse another.`,
        ]
      : [];
  return { organization, plan, allows: plans[plan] ?? "what Supabase's pricing page says", region, warnings };
}

/** A token with a narrow scope may create projects but not read the organization: then the plan is unknown. */
async function planOf(http: Http, slug: string): Promise<string> {
  try {
    return (await getOrganization(http, slug)).plan ?? 'unknown';
  } catch (error) {
    if (statusOf(error) === 403 || statusOf(error) === 404) return 'unknown';
    throw error;
  }
}

/** What a prompt shows for an organization: the regions, the recommended first. */
export async function listRegionChoices(http: Http, organization: string): Promise<RegionChoice[]> {
  return regionChoices(await availableRegions(http, organization));
}

/** The slug of the organization that a project belongs to; older answers have it by another name. */
export function organizationOf({ organization_slug: slug, organization_id: id }: Project): string {
  return slug ?? id ?? '';
}

/** Says whether the project belongs to the organization. */
export function isIn(project: Project, organization: Pick<Organization, 'slug'>): boolean {
  return organizationOf(project) === organization.slug;
}

/** The error for a name that another project of the organization has. */
export function nameTaken(name: string, organization: string, ref?: string): MuseError {
  return new MuseError({
    code: 'name-taken',
    message:
      `The organization "${organization}" already has a project named "${name}"${ref ? ` (${ref})` : ''}, and this ` +
      'run did not create it.',
    suggestion: `Choose another name, or use that project with --project-ref${ref ? ` ${ref}` : ' <ref>'}.`,
  });
}

function chooseOrganization(organizations: readonly Organization[], wanted: string | undefined): Organization {
  const found =
    wanted === undefined
      ? organizations.length === 1
        ? organizations
        : []
      : organizations.filter((one) => one.slug === wanted || one.name === wanted);
  if (found.length === 1 && found[0]) return found[0];
  throw new MuseError({
    code: 'bad-organization',
    message:
      wanted === undefined
        ? `The token can see ${organizations.length} organizations, and none was chosen.`
        : `The token can see ${found.length === 0 ? 'no' : 'more than one'} organization "${wanted}".`,
    detail: organizations.map((one) => `${one.slug}  ${one.name}`).join('\n'),
    suggestion:
      organizations.length === 0
        ? 'Create an organization at https://supabase.com/dashboard/new, or use another token.'
        : 'Pass the slug of one of these with --org.',
  });
}
