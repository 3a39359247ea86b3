/** The Management API calls that are used. Requests are validated strictly against the official document. */
import { findOperation, validateRequest } from './document.ts';
import type { Conditions } from './faults.ts';
import type { FakeAnswer, FakeRequest } from './http.ts';
import { makeProject, type FakeProject, type FakeState } from './state.ts';
import type { ProjectDatabases } from './databases.ts';

export interface ManagementSide {
  state: FakeState;
  conditions: Conditions;
  databases: ProjectDatabases;
  /** `closed` is an unused port. */
  ports: { pooler: number; closed: number; direct: (ref: string) => number | undefined };
}

type Handler = (side: ManagementSide, call: Call) => Promise<FakeAnswer> | FakeAnswer;
interface Call {
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

const message = (status: number, text: string): FakeAnswer => ({ status, body: { message: text } });

export async function manage(side: ManagementSide, request: FakeRequest): Promise<FakeAnswer> {
  const { state } = side;
  const found = findOperation(request.method, request.url.pathname);
  if (!found) return message(404, `Cannot ${request.method} ${request.url.pathname}`);
  if (state.tokenRevoked || request.headers.authorization !== `Bearer ${state.token}`)
    return message(401, 'Unauthorized');
  const errors = validateRequest(found.operation, request.url.searchParams, found.parameters, request.body);
  if (errors.length > 0) return message(400, errors.join('; '));
  const ref = found.parameters['ref'];
  if (ref !== undefined && !state.projects.has(ref)) return message(404, 'Project not found');
  const handler = handlers[`${request.method} ${found.template}`];
  if (!handler) return message(404, 'Not found');
  const body = (request.body ?? {}) as Record<string, unknown>;
  return handler(side, { parameters: found.parameters, query: request.url.searchParams, body });
}

const projectOf = (side: ManagementSide, call: Call): FakeProject =>
  side.state.projects.get(call.parameters['ref'] ?? '') as FakeProject;

function describe(side: ManagementSide, project: FakeProject): Record<string, unknown> {
  const direct = side.ports.direct(project.ref);
  return {
    id: project.ref,
    ref: project.ref,
    organization_id: project.organization,
    organization_slug: project.organization,
    name: project.name,
    region: project.region,
    created_at: project.createdAt,
    status: project.status,
    database: {
      host: `db.${project.ref}.localhost:${direct ?? side.ports.closed}`,
      version: '17.4.1.075',
      postgres_engine: '17',
      release_channel: 'ga',
    },
  };
}

const groups: Record<string, string> = { americas: 'us-east-1', emea: 'eu-central-1', apac: 'ap-southeast-1' };

const handlers: Record<string, Handler> = {
  'GET /v1/organizations': ({ state }) => ({
    status: 200,
    body: state.organizations.map(({ slug, name }) => ({ id: slug, slug, name })),
  }),
  'GET /v1/organizations/{slug}': ({ state }, { parameters }) => {
    const found = state.organizations.find((one) => one.slug === parameters['slug']);
    if (!found) return message(404, 'Organization not found');
    return {
      status: 200,
      body: { id: found.slug, name: found.name, plan: found.plan, opt_in_tags: [], allowed_release_channels: ['ga'] },
    };
  },
  'GET /v1/projects/available-regions': () => ({ status: 200, body: regions }),
  'GET /v1/projects': (side) => {
    const { state } = side;
    const listed = [...(state.leaving ? [state.leaving.project] : []), ...state.projects.values()];
    if (state.leaving && (state.leaving.looks -= 1) <= 0) delete state.leaving;
    return { status: 200, body: listed.map((project) => describe(side, project)) };
  },
  'POST /v1/projects': create,
  'GET /v1/projects/{ref}': (side, call) => {
    const project = projectOf(side, call);
    advance(side, project);
    return { status: 200, body: describe(side, project) };
  },
  'DELETE /v1/projects/{ref}': async (side, call) => {
    const project = projectOf(side, call);
    if (side.conditions.notReadyForDeletion > 0) {
      side.conditions.notReadyForDeletion -= 1;
      return message(400, 'Project not ready for deletion.');
    }
    side.state.projects.delete(project.ref);
    side.state.deleted.push(project.ref);
    if (side.conditions.goingDown > 0)
      side.state.leaving = { project: { ...project, status: 'GOING_DOWN' }, looks: side.conditions.goingDown };
    await side.databases.drop(project.ref);
    return { status: 200, body: { id: 1, ref: project.ref, name: project.name } };
  },
  'GET /v1/projects/{ref}/health': (side, call) => ({
    status: 200,
    body: call.query.getAll('services').map((name) => health(side, projectOf(side, call), name)),
  }),
  'GET /v1/projects/{ref}/api-keys': (side, call) => {
    const { keys } = projectOf(side, call);
    const hidden = side.conditions.keysNull > 0;
    side.conditions.keysNull -= hidden ? 1 : 0;
    const masked = call.query.get('reveal') !== 'true';
    const key = (name: string, type: string, text: string): Record<string, unknown> => ({
      name,
      type,
      id: null,
      api_key: hidden ? null : masked && type === 'secret' ? `${text.slice(0, 15)}***` : text,
    });
    return {
      status: 200,
      body: [
        key('anon', 'legacy', keys.anon),
        key('service_role', 'legacy', keys.serviceRole),
        key('default', 'publishable', keys.publishable),
        key('default', 'secret', keys.secret),
      ],
    };
  },
  'GET /v1/projects/{ref}/config/database/pooler': (side, call) => {
    const project = projectOf(side, call);
    project.poolerLooks += 1;
    return { status: 200, body: project.poolerLooks <= side.conditions.poolerEmpty ? [] : [pooler(side, project)] };
  },
  'GET /v1/projects/{ref}/config/auth': (side, call) => ({ status: 200, body: projectOf(side, call).authConfig }),
  'PATCH /v1/projects/{ref}/config/auth': (side, call) => ({
    status: 200,
    body: Object.assign(projectOf(side, call).authConfig, call.body),
  }),
  'POST /v1/projects/{ref}/database/query': (side, call) => side.databases.run(call.parameters['ref'] ?? '', call.body),
  'PATCH /v1/projects/{ref}/database/password': (side, call) => {
    projectOf(side, call).password = String(call.body['password']);
    return { status: 200, body: { message: 'Successfully updated password' } };
  },
  'POST /v1/projects/{ref}/network-bans/retrieve': (side, call) => ({
    status: 201,
    body: { banned_ipv4_addresses: projectOf(side, call).bans },
  }),
  'GET /v1/projects/{ref}/storage/buckets': (side, call) => side.databases.buckets(call.parameters['ref'] ?? ''),
};

function create(side: ManagementSide, { body }: Call): FakeAnswer {
  const { state } = side;
  const organization = String(body['organization_slug'] ?? '');
  const name = String(body['name']);
  if (!state.organizations.some((one) => one.slug === organization)) return message(403, 'Forbidden resource');
  if (
    [...(state.leaving ? [state.leaving.project] : []), ...state.projects.values()].some(
      (one) => one.organization === organization && one.name === name,
    )
  ) {
    return message(400, `Project with name "${name}" already exists in your organization.`);
  }
  const selection = body['region_selection'] as { type: string; code: string } | undefined;
  const region = selection?.type === 'smartGroup' ? groups[selection.code] : (selection?.code ?? body['region']);
  const project = makeProject(state, {
    name,
    organization,
    region: String(region ?? 'us-east-1'),
    password: String(body['db_pass']),
  });
  const { database: _, ...described } = describe(side, project);
  return { status: 201, body: described };
}

/** A project's status advances with each poll: UNKNOWN, COMING_UP, then according to the conditions. */
function advance(side: ManagementSide, project: FakeProject): void {
  const { conditions } = side;
  project.looks += 1;
  if (['INIT_FAILED', 'ACTIVE_HEALTHY', 'INACTIVE'].includes(project.status)) return;
  if (conditions.upAtOnce) project.looks = 3;
  if (project.looks < 2) return;
  if (conditions.newStatus !== undefined && project.looks === 2) {
    project.status = conditions.newStatus;
  } else if (project.looks === 2 || conditions.neverHealthy) {
    project.status = 'COMING_UP';
  } else if (conditions.initFailed > 0) {
    conditions.initFailed -= 1;
    project.status = 'INIT_FAILED';
  } else {
    project.status = 'ACTIVE_HEALTHY';
  }
}

function health(side: ManagementSide, project: FakeProject, name: string): Record<string, unknown> {
  const looks = (project.serviceLooks[name] ?? 0) + 1;
  project.serviceLooks[name] = looks;
  const bad = side.conditions.unhealthyService;
  const unhealthy = bad?.name === name && looks <= bad.looks;
  const status = unhealthy
    ? 'UNHEALTHY'
    : project.status !== 'ACTIVE_HEALTHY' || (looks < 2 && !side.conditions.upAtOnce)
      ? 'COMING_UP'
      : 'ACTIVE_HEALTHY';
  return {
    name,
    status,
    healthy: status === 'ACTIVE_HEALTHY',
    ...(unhealthy ? { error: 'context deadline exceeded' } : {}),
  };
}

function pooler(side: ManagementSide, project: FakeProject): Record<string, unknown> {
  const port = side.conditions.poolerClosed ? side.ports.closed : side.ports.pooler;
  const url = `postgresql://postgres.${project.ref}:[YOUR-PASSWORD]@${side.conditions.poolerHost}:${port}/postgres`;
  return {
    identifier: project.ref,
    database_type: 'PRIMARY',
    is_using_scram_auth: true,
    db_user: `postgres.${project.ref}`,
    db_host: side.conditions.poolerHost,
    db_port: port,
    db_name: 'postgres',
    connection_string: url,
    connectionString: url,
    default_pool_size: 15,
    max_client_conn: null,
    pool_mode: 'transaction',
  };
}

const group = (code: string, name: string): object => ({ code, name, type: 'smartGroup' });
const region = (code: string, name: string): object => ({ code, name, type: 'specific', provider: 'AWS' });
const regions = {
  recommendations: {
    smartGroup: group('emea', 'Europe'),
    specific: [region('eu-central-1', 'Central EU (Frankfurt)')],
  },
  all: {
    smartGroup: [group('americas', 'Americas'), group('emea', 'Europe'), group('apac', 'Asia-Pacific')],
    specific: [
      region('us-east-1', 'East US (North Virginia)'),
      region('eu-central-1', 'Central EU (Frankfurt)'),
      region('ap-southeast-1', 'Southeast Asia (Singapore)'),
    ],
  },
};
