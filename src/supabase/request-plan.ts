import type { RequestRecord } from './http.ts';
import { selectionOf } from './regions.ts';
import { neededServices } from './wait.ts';

interface PlannedProject {
  name: string;
  /** Slug, or undefined while it is not chosen. */
  organization?: string;
  /** Region or group code, or undefined for the one that is recommended. */
  region?: string;
  /** The project that is adopted, instead of making one. */
  projectRef?: string;
  size?: string;
  siteUrl?: string;
  /** Ids of the buckets to create. */
  buckets?: readonly string[];
  adminEmail?: string;
}

type Planned = [method: string, path: string, body?: unknown];

/**
 * Every request that creating and configuring this project sends, in order, without secrets: to the Management API, and,
 * after `{project}` (the project's own URL), to its Auth, Storage and Data API. `{ref}` is what the platform will name
 * it. Polling requests are repeated. Migrations use a PostgreSQL connection; only if none is possible, they go to the
 * query endpoint.
 */
export function planRequests(wanted: PlannedProject): RequestRecord[] {
  const { organization = '{organization}', buckets = [], siteUrl, adminEmail } = wanted;
  const services = neededServices.map((name) => `services=${name}`).join('&');
  const ref = `/v1/projects/${wanted.projectRef ?? '{ref}'}`;
  const create = {
    db_pass: '***',
    name: wanted.name,
    organization_slug: organization,
    region_selection:
      wanted.region === undefined ? { type: 'smartGroup', code: '{recommended}' } : selectionOf(wanted.region),
    ...(wanted.size === undefined ? {} : { desired_instance_size: wanted.size }),
  };
  const creating: Planned[] = [
    ['GET', '/v1/organizations'],
    ['GET', `/v1/organizations/${organization}`],
    ['GET', `/v1/projects/available-regions?organization_slug=${organization}`],
    ['GET', '/v1/projects'],
    ['POST', '/v1/projects', create],
    ['GET', ref],
  ];
  const adopting: Planned[] = [
    ['GET', ref],
    ['POST', `${ref}/database/query`, { query: '{what is in it}', read_only: true }],
  ];
  const requests: Planned[] = [
    ...(wanted.projectRef === undefined ? creating : adopting),
    ['GET', `${ref}/health?${services}`],
    ['GET', `${ref}/config/database/pooler`],
    ['GET', `${ref}/api-keys?reveal=true`],
    ['GET', `${ref}/config/auth`],
    [
      'PATCH',
      `${ref}/config/auth`,
      { ...(siteUrl ? { site_url: siteUrl } : {}), uri_allow_list: '{as it is, and localhost}' },
    ],
    ...(buckets.length > 0 ? [['GET', '{project}/storage/v1/bucket'] as Planned] : []),
    ...buckets.map((id): Planned => ['POST', '{project}/storage/v1/bucket', { id }]),
    ...(adminEmail === undefined ? [] : adminRequests(adminEmail)),
  ];
  return requests.map(([method, path, body]) => ({
    method,
    path,
    ...(body === undefined ? {} : { body }),
    attempt: 1,
  }));
}

function adminRequests(email: string): Planned[] {
  return [
    ['GET', '{project}/auth/v1/admin/users'],
    ['POST', '{project}/auth/v1/admin/users or /auth/v1/invite', { email }],
    ['GET', '{project}/rest/v1/user_roles'],
    ['POST', '{project}/rest/v1/user_roles', { role: 'admin' }],
  ];
}
