import type { RequestRecord } from './http.ts';
import { neededServices } from './wait.ts';

export interface PlannedProject {
  name: string;
  organization: string;
  /** As chosen, or undefined while the platform's recommendation is not known. */
  region?: { type: string; code: string };
  size?: string;
  siteUrl?: string;
}

/**
 * Every request to the Management API that making this project would send, in order, without secrets; `{ref}` is what
 * the platform will name it. Requests that look are sent until what they look for is there, so some are sent again.
 */
export function planRequests(wanted: PlannedProject): RequestRecord[] {
  const project = '/v1/projects/{ref}';
  const body = {
    db_pass: '***',
    name: wanted.name,
    organization_slug: wanted.organization,
    ...(wanted.region ? { region_selection: wanted.region } : {}),
    ...(wanted.size === undefined ? {} : { desired_instance_size: wanted.size }),
  };
  const services = neededServices.map((name) => `services=${name}`).join('&');
  const requests: [string, string, unknown?][] = [
    ['GET', '/v1/organizations'],
    ['GET', `/v1/organizations/${wanted.organization}`],
    ['GET', `/v1/projects/available-regions?organization_slug=${wanted.organization}`],
    ['GET', '/v1/projects'],
    ['POST', '/v1/projects', body],
    ['GET', project],
    ['GET', `${project}/health?${services}`],
    ['GET', `${project}/config/database/pooler`],
    ['GET', `${project}/api-keys?reveal=true`],
    ['GET', `${project}/config/auth`],
    ['PATCH', `${project}/config/auth`, { ...(wanted.siteUrl ? { site_url: wanted.siteUrl } : {}), uri_allow_list: '…' }],
  ];
  return requests.map(([method, path, sent]) => ({ method, path, ...(sent === undefined ? {} : { body: sent }), attempt: 1 }));
}
