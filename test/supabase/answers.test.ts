import { describe, expect, it } from 'vitest';
import { adoptProject } from '../../src/supabase/adopt.ts';
import {
  availableRegions,
  getAuthConfig,
  getHealth,
  getOrganization,
  getProject,
  listApiKeys,
  listOrganizations,
  listPoolers,
  listProjects,
  postProject,
  retrieveNetworkBans,
} from '../../src/supabase/api.ts';
import { createProject } from '../../src/supabase/create-project.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import type { Intent } from '../../src/supabase/intent.ts';
import { secret } from '../../src/supabase/secret.ts';
import { fastClock } from '../support/fast-clock.ts';

const ref = 'abcdefghijklmnopqrst';
const project = {
  ref,
  organization_slug: 'acme',
  organization_id: 'acme',
  name: 'n',
  region: 'eu-central-1',
  created_at: '2026-01-01T00:00:00Z',
  status: 'ACTIVE_HEALTHY',
};
const hidden = 'eyJhbGciOiJIUzI1NiJ9.hidden.hidden';

/** A Management API that returns the next of these responses for each request, and then repeats the last one. */
function answering(...bodies: unknown[]): Http {
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(JSON.stringify(bodies.length > 1 ? bodies.shift() : bodies[0]), { status: 200 }));
  return createHttp({
    baseUrl: 'https://api.example.com',
    token: secret(`sbp_${'a'.repeat(40)}`),
    clock: fastClock(),
    fetch,
  });
}

describe('an invalid response is refused, with the invalid field', () => {
  const body = { db_pass: 'secret-password', name: 'n', organization_slug: 'acme' };
  it.each<[string, (http: Http) => Promise<unknown>, unknown, string]>([
    ['a page for a list', listOrganizations, 'sign in here', 'a list was expected'],
    ['an object for a list', listOrganizations, { message: 'no' }, 'a list was expected'],
    ['an organization without a slug', listOrganizations, [{ name: 'Acme' }], '[0]: slug is missing'],
    [
      'a plan that is no text',
      (http) => getOrganization(http, 'acme'),
      { name: 'Acme', plan: 1 },
      'plan: text was expected',
    ],
    [
      'no recommended regions',
      (http) => availableRegions(http, 'acme'),
      { all: { smartGroup: [], specific: [] } },
      'recommendations is missing',
    ],
    [
      'a ref that is a path',
      listProjects,
      [project, { ...project, ref: '../../admin' }],
      '[1].ref: a project ref (20 letters a-z) was expected',
    ],
    [
      'a ref in capitals',
      (http) => postProject(http, body),
      { ...project, ref: ref.toUpperCase() },
      'ref: a project ref',
    ],
    ['no ref', (http) => postProject(http, body), { id: ref }, 'ref is missing'],
    ['a project without its database', (http) => getProject(http, ref), project, 'database is missing'],
    ['health without a status', (http) => getHealth(http, ref, ['db']), [{ name: 'db' }], '[0]: status is missing'],
    [
      'a key that is an object',
      (http) => listApiKeys(http, ref),
      [{ name: 'anon', api_key: { value: hidden } }],
      '[0].api_key: text was expected',
    ],
    ['keys in a list of texts', (http) => listApiKeys(http, ref), [hidden], '[0]: an object was expected'],
    [
      'a port that is text',
      (http) => listPoolers(http, ref),
      [{ database_type: 'PRIMARY', db_user: 'u', db_host: 'h', db_port: '6543', db_name: 'd', pool_mode: 'session' }],
      '[0].db_port: a number was expected',
    ],
    ['a site URL that is a list', (http) => getAuthConfig(http, ref), { site_url: [] }, 'site_url: text was expected'],
    [
      'bans that are text',
      (http) => retrieveNetworkBans(http, ref),
      { banned_ipv4_addresses: '192.0.2.1' },
      'banned_ipv4_addresses: a list was expected',
    ],
  ])('%s', async (_, call, answer, message) => {
    const error: unknown = await call(answering(answer)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'api-unexpected',
      message: expect.stringContaining(message),
      suggestion: expect.stringContaining('SUPABASE_API_URL'),
    });
    expect(String((error as Error).message)).not.toContain(hidden.slice(0, 8));
  });

  it('the contents of a project', async () => {
    const rows = [{ contents: { tables: [{ schema: 'public', name: 'homes' }], users: 0, buckets: [] } }];
    const http = answering({ ...project, database: { host: 'db.example.com', version: '17' } }, rows);
    await expect(adoptProject(http, ref)).rejects.toMatchObject({
      code: 'api-unexpected',
      message: expect.stringContaining('[0].contents.tables[0]: rows is missing'),
    });
  });
});

it('accepts responses with unknown fields and unknown statuses', async () => {
  const answer = {
    ...project,
    id: ref,
    status: 'DEFROSTING',
    database: { host: 'db.example.com', version: '17', new: true },
  };
  expect(await getProject(answering(answer), ref)).toEqual(answer);
});

it.each([
  ['from the answer', ref.slice(1)],
  ['from the list', '../../../admin'],
])('a malformed ref %s is never stored', async (_, malformed) => {
  const written: unknown[] = [];
  const bad = { ...project, ref: malformed };
  const request = {
    name: 'n',
    organization: 'acme',
    region: { type: 'specific' as const, code: 'eu-central-1' },
    password: secret('secret-password'),
  };
  const hooks = {
    onIntent: (intent: Intent) => Promise.resolve(void written.push(intent.name)),
    onRef: ({ ref: found }: { ref: string }) => Promise.resolve(void written.push(found)),
  };
  // No project exists, one is created, and every later lookup returns its ref.
  await expect(createProject(answering([], bad, [bad]), request, hooks)).rejects.toMatchObject({
    code: 'api-unexpected',
  });
  expect(written).toEqual(['n']);
});
