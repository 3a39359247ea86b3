/**
 * A local fake of Supabase's platform: its Management API, and for each project a real database with Auth, Storage and
 * Data API. Projects start like real ones, and fail on demand.
 */
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { authenticate } from './auth.ts';
import { serveData } from './data.ts';
import { makeDatabases, type ProjectDatabases, type FakeServer } from './databases.ts';
import {
  makeConditions,
  makeFaults,
  type Conditions,
  type FaultList,
  type HttpFault,
  type WireFault,
} from './faults.ts';
import { identify, isRefused } from './gateway.ts';
import { listen, type RequestHook, type FakeAnswer, type FakeRequest } from './http.ts';
import { manage } from './management.ts';
import { startProxy, type Proxy } from './proxy.ts';
import type { FakeServices } from './services.ts';
import { makeProject, makeState, type FakeProject, type FakeState } from './state.ts';
import { store } from './storage.ts';

export interface FakeApi {
  /** Base of the Management API. */
  url: string;
  /** Where the Management API, the projects' services and the poolers listen. */
  ports: readonly number[];
  state: FakeState;
  conditions: Conditions;
  /** Faults of HTTP requests, e.g. `http.add('answer-lost', 'POST /v1/projects')`. */
  http: FaultList<HttpFault>;
  /** Faults of database connections, e.g. `wire.add('cut-after-commit', 'COMMIT')`. */
  wire: FaultList<WireFault>;
  databases: ProjectDatabases;
  /** The environment variables for a client of this fake API. */
  env: Record<string, string>;
  /** Creates a running project as another user. */
  addProject: (given?: {
    name?: string;
    organization?: string;
    region?: string;
    password?: string;
    createdAt?: string;
  }) => FakeProject;
  /**
   * From now on, the project has all services that a browser uses, with the Auth settings that it has now. Without this, it
   * has the calls that create-muse makes.
   */
  openServices: (ref: string) => Promise<FakeServices>;
  /** Opens the direct port of an existing project. */
  openDirect: (ref: string) => Promise<number>;
  /** Writes a profile file for the Supabase CLI and returns its path. */
  writeProfile: (directory: string) => Promise<string>;
  /**
   * Calls `act` (which kills a process) at the n-th request from now: `before` it is handled, or `after`, when it has
   * taken effect but is not answered.
   */
  killAfterRequest: (n: number, act: () => void | Promise<void>, phase?: 'before' | 'after') => void;
  /** The number of requests with this method and path (`{ref}` for any ref). */
  count: (method: string, path: string) => number;
  close: () => Promise<void>;
}

/** @param template a database on the server with the platform's own schemas but no project's tables */
export async function startFakeApi(
  server: FakeServer & { postgresPassword: string },
  template: string,
): Promise<FakeApi> {
  const state = makeState();
  const conditions = makeConditions();
  const http = makeFaults<HttpFault>();
  const wire = makeFaults<WireFault>();
  const databases = makeDatabases(server, template);
  const hooks: RequestHook[] = [];
  const backend = { host: server.host, port: server.port, password: server.postgresPassword, databases };
  const proxySide = { state, conditions, faults: wire, backend };
  const pooler = await startProxy(proxySide);
  const unused = await startProxy(proxySide);
  await unused.close();
  const direct = new Map<string, Proxy>();
  const openDirect = async (ref: string): Promise<number> => {
    const proxy = direct.get(ref) ?? (await startProxy(proxySide, ref));
    direct.set(ref, proxy);
    return proxy.port;
  };
  const side = {
    state,
    conditions,
    databases,
    ports: { pooler: pooler.port, closed: unused.port, direct: (ref: string) => direct.get(ref)?.port },
  };

  const handle = async (request: FakeRequest): Promise<{ part: string; answer: FakeAnswer }> => {
    const service = /^\/project\/([a-z]{20})\/(auth|rest|storage)\/v1(\/.*)?$/.exec(request.url.pathname);
    if (!service) {
      const answer = await manage(side, request);
      for (const ref of conditions.directOpen ? state.projects.keys() : []) await openDirect(ref);
      return { part: 'management', answer };
    }
    const [, ref = '', part = '', path = '/'] = service;
    return { part, answer: await serve(ref, part, path, request) };
  };
  const serve = async (ref: string, part: string, path: string, request: FakeRequest): Promise<FakeAnswer> => {
    const project = state.projects.get(ref);
    if (!project) return { status: 404, body: { message: 'no such project' } };
    const caller = identify(project, request);
    if (isRefused(caller)) return caller;
    const database = await databases.superuser(ref);
    const actAs: Parameters<typeof store>[3] = (who, work) => databases.actAs(ref, who, work);
    if (part === 'auth') return authenticate(project, caller, request, path, database);
    if (part === 'storage') return store(caller, request, path, actAs, database);
    return serveData(caller, request, decodeURIComponent(path.slice(1)), actAs, database);
  };

  const services = new Map<string, FakeServices>();
  /** The services of the project that a request is for, which then has the path below the project's URL. */
  const servicesFor = (request: IncomingMessage): FakeServices | undefined => {
    const [, ref = '', path] = /^\/project\/([a-z]{20})(\/.*)$/.exec(request.url ?? '') ?? [];
    const found = services.get(ref);
    if (found !== undefined && path !== undefined) request.url = path;
    return found;
  };
  const { server: listening, url } = await listen(state, http, hooks, handle, (request, response) => {
    const found = servicesFor(request);
    found?.handle(request, response);
    return found !== undefined;
  });
  listening.on('upgrade', (request, socket, head) => {
    const found = servicesFor(request);
    if (found === undefined) socket.destroy();
    else found.upgrade(request, socket, head);
  });
  const pattern = (path: string): RegExp => new RegExp(`^${path.replaceAll('{ref}', '[a-z]{20}')}$`);
  return {
    url,
    ports: [Number(new URL(url).port), pooler.port],
    state,
    conditions,
    http,
    wire,
    databases,
    openServices: async (ref) => {
      const project = state.projects.get(ref);
      if (project === undefined) throw new Error(`There is no project ${ref}.`);
      await databases.ensure(ref);
      const { startServices } = await import('./services.ts');
      const database = databases.databaseOf(ref);
      const opened = await startServices(project, `${url}/project/${ref}`, { ...server, database });
      services.set(ref, opened);
      return opened;
    },
    openDirect,
    env: { SUPABASE_ACCESS_TOKEN: state.token, SUPABASE_API_URL: url, SUPABASE_PROJECT_URL: `${url}/project/{ref}` },
    addProject: (given = {}) => {
      const project = makeProject(state, {
        name: 'stranger',
        organization: 'acme',
        region: 'eu-central-1',
        password: 'strangers-own',
        ...given,
      });
      Object.assign(
        project,
        { status: 'ACTIVE_HEALTHY', looks: 3 },
        given.createdAt === undefined ? {} : { createdAt: given.createdAt },
      );
      return project;
    },
    writeProfile: async (directory) => {
      const path = join(directory, 'profile.yaml');
      await writeFile(
        path,
        `name: fake\napi_url: ${url}\ndashboard_url: ${url}\nproject_host: localhost\npooler_host: 127.0.0.1\n`,
      );
      return path;
    },
    killAfterRequest: (n, act, phase = 'after') => {
      let left = n;
      hooks.push((_, now) => {
        if (now !== phase) return undefined;
        left -= 1;
        return left === 0 ? act() : undefined;
      });
    },
    count: (method, path) =>
      state.requests.filter((request) => request.method === method && pattern(path).test(request.path)).length,
    close: async () => {
      for (const opened of services.values()) await opened.close();
      await new Promise<void>((resolve) => {
        listening.close(() => resolve());
        listening.closeAllConnections();
      });
      await pooler.close();
      for (const proxy of direct.values()) await proxy.close();
      await databases.close();
    },
  };
}
