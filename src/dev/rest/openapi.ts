import type { DevAnswer } from '../service.ts';
import type { RestRequest } from './request.ts';

/** GET and HEAD of the root: what the API has, as OpenAPI 2.0. */
export async function handleRoot({ schema }: RestRequest): Promise<DevAnswer> {
  return {
    status: 200,
    headers: { 'content-type': 'application/openapi+json; charset=utf-8' },
    body: JSON.stringify({ swagger: '2.0', schema }),
  };
}
