import type { GenericSchema } from 'valibot';
import { MuseError } from '../shared/error.ts';
import { list, pathText, problemsOf } from '../shared/schema.ts';
import type { Http } from './http.ts';
import {
  apiKey,
  type ApiKey,
  authConfig,
  type AuthConfig,
  type CreateProjectBody,
  networkBans,
  type NetworkBans,
  organization,
  type Organization,
  organizationDetails,
  type OrganizationDetails,
  poolerConfig,
  type PoolerConfig,
  project,
  type Project,
  projectWithDatabase,
  type ProjectWithDatabase,
  type QueryBody,
  regionsInfo,
  type RegionsInfo,
  serviceHealth,
  type ServiceHealth,
} from './types.ts';

/**
 * The calls of the Management API that are used, one function each. All throw what `createHttp` throws, and
 * `api-unexpected` if an answer lacks what the document promises, before it is used.
 */

/** `GET /v1/organizations` */
export async function listOrganizations(http: Http): Promise<Organization[]> {
  return valid(list(organization), await http({ method: 'GET', path: '/v1/organizations' }));
}

/** `GET /v1/organizations/{slug}`: has the plan. */
export async function getOrganization(http: Http, slug: string): Promise<OrganizationDetails> {
  return valid(organizationDetails, await http({ method: 'GET', path: `/v1/organizations/${segment(slug)}` }));
}

/** `GET /v1/projects/available-regions` */
export async function availableRegions(http: Http, organization: string): Promise<RegionsInfo> {
  const query = { organization_slug: organization };
  return valid(regionsInfo, await http({ method: 'GET', path: '/v1/projects/available-regions', query }));
}

/** `GET /v1/projects`, all that the token can see; with the server's clock, ms since 1970. */
export async function listProjects(http: Http): Promise<{ projects: Project[]; serverTime: number }> {
  const answer = await http({ method: 'GET', path: '/v1/projects' });
  return { projects: valid(list(project), answer), serverTime: answer.serverTime };
}

/** `POST /v1/projects`: sent once; whether a lost one took effect is for the caller to find out. */
export async function postProject(http: Http, body: CreateProjectBody): Promise<Project> {
  return valid(project, await http({ method: 'POST', path: '/v1/projects', body, retry: 'never', timeoutMs: 90_000 }));
}

/** `GET /v1/projects/{ref}` */
export async function getProject(http: Http, ref: string): Promise<ProjectWithDatabase> {
  return valid(projectWithDatabase, await http({ method: 'GET', path: projectPath(ref) }));
}

/** `DELETE /v1/projects/{ref}` */
export async function deleteProject(http: Http, ref: string): Promise<void> {
  await http({ method: 'DELETE', path: projectPath(ref), timeoutMs: 60_000 });
}

/** `GET /v1/projects/{ref}/health` of these services. */
export async function getHealth(http: Http, ref: string, services: readonly string[]): Promise<ServiceHealth[]> {
  return valid(
    list(serviceHealth),
    await http({ method: 'GET', path: `${projectPath(ref)}/health`, query: { services } }),
  );
}

/** `GET /v1/projects/{ref}/api-keys?reveal=true` */
export async function listApiKeys(http: Http, ref: string): Promise<ApiKey[]> {
  return valid(
    list(apiKey),
    await http({ method: 'GET', path: `${projectPath(ref)}/api-keys`, query: { reveal: 'true' } }),
  );
}

/** `GET /v1/projects/{ref}/config/database/pooler`: empty at first on a new project. */
export async function listPoolers(http: Http, ref: string): Promise<PoolerConfig[]> {
  return valid(list(poolerConfig), await http({ method: 'GET', path: `${projectPath(ref)}/config/database/pooler` }));
}

/** `GET /v1/projects/{ref}/config/auth` */
export async function getAuthConfig(http: Http, ref: string): Promise<AuthConfig> {
  return valid(authConfig, await http({ method: 'GET', path: `${projectPath(ref)}/config/auth` }));
}

/** `PATCH /v1/projects/{ref}/config/auth`: sets what is named and nothing else. */
export async function patchAuthConfig(http: Http, ref: string, body: AuthConfig): Promise<void> {
  await http({ method: 'PATCH', path: `${projectPath(ref)}/config/auth`, body });
}

/**
 * `POST /v1/projects/{ref}/database/query`: SQL over HTTPS, e.g. `postgres`; one or several statements.
 * @returns the rows of the last statement
 */
export async function runQuery(http: Http, ref: string, body: QueryBody, timeoutMs = 300_000): Promise<unknown> {
  const retry = body.read_only === true ? 'always' : 'refusals';
  return (await http({ method: 'POST', path: `${projectPath(ref)}/database/query`, body, retry, timeoutMs })).body;
}

/** `POST /v1/projects/{ref}/network-bans/retrieve`: reads, though it is a POST. */
export async function retrieveNetworkBans(http: Http, ref: string): Promise<NetworkBans> {
  const path = `${projectPath(ref)}/network-bans/retrieve`;
  return valid(networkBans, await http({ method: 'POST', path, retry: 'always' }));
}

function projectPath(ref: string): string {
  return `/v1/projects/${segment(ref)}`;
}

/** A path segment that cannot lead elsewhere. */
function segment(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new MuseError({
    code: 'bad-name',
    message: `"${text}" is neither a project ref nor an organization slug.`,
    suggestion:
      'A ref has 20 letters a-z, as in the project\'s dashboard URL; a slug has letters, digits, "-" and "_".',
  });
}

/**
 * The body of an answer, once it is what the schema says.
 * @throws MuseError `api-unexpected` that says where it is not, and nothing of what is there: that may be a secret
 */
export function valid<T>(schema: GenericSchema<unknown, T>, { body }: { body: unknown }): T {
  const [problem] = problemsOf(schema, body);
  if (problem === undefined) return body as T;
  const where = problem.path.length === 0 ? '' : `${pathText(problem.path)}: `;
  throw new MuseError({
    code: 'api-unexpected',
    message: `Supabase's API gave an invalid answer, which was not used: ${where}${problem.expected}.`,
    suggestion:
      'Check SUPABASE_API_URL, and whether a proxy or a sign-in page answers in place of the API; then run the command again.',
  });
}
