import { MuseError } from '../shared/error.ts';
import type { Http } from './http.ts';
import type {
  ApiKey, AuthConfig, CreateProjectBody, NetworkBans, Organization, OrganizationDetails, PoolerConfig, Project,
  ProjectWithDatabase, QueryBody, RegionsInfo, ServiceHealth,
} from './types.ts';

/**
 * The calls of the Management API that are used, one function each. All throw what `createHttp` throws, and
 * `api-unexpected` if an answer is not of the documented kind (a list, an object).
 */

/** `GET /v1/organizations` */
export async function listOrganizations(http: Http): Promise<Organization[]> {
  return list<Organization>(await http({ method: 'GET', path: '/v1/organizations' }));
}

/** `GET /v1/organizations/{slug}`: has the plan. */
export async function getOrganization(http: Http, slug: string): Promise<OrganizationDetails> {
  return object<OrganizationDetails>(await http({ method: 'GET', path: `/v1/organizations/${segment(slug)}` }));
}

/** `GET /v1/projects/available-regions` */
export async function availableRegions(http: Http, organization: string): Promise<RegionsInfo> {
  const query = { organization_slug: organization };
  return object<RegionsInfo>(await http({ method: 'GET', path: '/v1/projects/available-regions', query }));
}

/** `GET /v1/projects`, all that the token can see; with the server's clock, ms since 1970. */
export async function listProjects(http: Http): Promise<{ projects: Project[]; serverTime: number }> {
  const answer = await http({ method: 'GET', path: '/v1/projects' });
  return { projects: list<Project>(answer), serverTime: answer.serverTime };
}

/** `POST /v1/projects`: sent once; whether a lost one took effect is for the caller to find out. */
export async function postProject(http: Http, body: CreateProjectBody): Promise<Project> {
  return object<Project>(await http({ method: 'POST', path: '/v1/projects', body, retry: 'never', timeoutMs: 90_000 }));
}

/** `GET /v1/projects/{ref}` */
export async function getProject(http: Http, ref: string): Promise<ProjectWithDatabase> {
  return object<ProjectWithDatabase>(await http({ method: 'GET', path: projectPath(ref) }));
}

/** `DELETE /v1/projects/{ref}` */
export async function deleteProject(http: Http, ref: string): Promise<void> {
  await http({ method: 'DELETE', path: projectPath(ref), timeoutMs: 60_000 });
}

/** `GET /v1/projects/{ref}/health` of these services. */
export async function getHealth(http: Http, ref: string, services: readonly string[]): Promise<ServiceHealth[]> {
  return list<ServiceHealth>(await http({ method: 'GET', path: `${projectPath(ref)}/health`, query: { services } }));
}

/** `GET /v1/projects/{ref}/api-keys?reveal=true` */
export async function listApiKeys(http: Http, ref: string): Promise<ApiKey[]> {
  return list<ApiKey>(await http({ method: 'GET', path: `${projectPath(ref)}/api-keys`, query: { reveal: 'true' } }));
}

/** `GET /v1/projects/{ref}/config/database/pooler`: empty at first on a new project. */
export async function listPoolers(http: Http, ref: string): Promise<PoolerConfig[]> {
  return list<PoolerConfig>(await http({ method: 'GET', path: `${projectPath(ref)}/config/database/pooler` }));
}

/** `GET /v1/projects/{ref}/config/auth` */
export async function getAuthConfig(http: Http, ref: string): Promise<AuthConfig> {
  return object<AuthConfig>(await http({ method: 'GET', path: `${projectPath(ref)}/config/auth` }));
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
  return object<NetworkBans>(await http({ method: 'POST', path, retry: 'always' }));
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
    suggestion: 'A ref has 20 letters a-z, as in the project\'s dashboard URL; a slug has letters, digits, "-" and "_".',
  });
}

function list<T>(answer: { body: unknown }): T[] {
  if (Array.isArray(answer.body)) return answer.body as T[];
  throw unexpected('a list');
}

function object<T>(answer: { body: unknown }): T {
  if (typeof answer.body === 'object' && answer.body !== null && !Array.isArray(answer.body)) return answer.body as T;
  throw unexpected('an object');
}

function unexpected(kind: string): MuseError {
  return new MuseError({
    code: 'api-unexpected',
    message: `The answer of Supabase's API is not ${kind}.`,
    suggestion: 'Check SUPABASE_API_URL, and whether a proxy or a sign-in page answers in place of the API.',
  });
}
