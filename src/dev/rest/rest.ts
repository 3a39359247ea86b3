/**
 * rest/: the Data API, as PostgREST 12 and later answer it. A request becomes a typed query (query.ts), a plan against
 * the catalog (read-plan.ts), and one SQL statement whose only row is the answer (statements.ts).
 * May touch: the database by `DevDatabase`.
 */
import type { DevAnswer, DevDatabase, DevPart, DevRequest } from '../service.ts';
import { keyOf, type Catalog, type Qualified } from './catalog.ts';
import { RestFailure, toFailure } from './failure.ts';
import { followCatalog } from './follow-catalog.ts';
import { tableHint } from './hints.ts';
import { handleCall } from './handle-call.ts';
import { handleRead } from './handle-read.ts';
import { handleWrite } from './handle-write.ts';
import { handleRoot } from './openapi.ts';
import { parsePreferences } from './prefer.ts';
import { headerOf, unsupported, type RestRequest } from './request.ts';

export interface RestOptions {
  database: DevDatabase;
  /** The exposed schemas; the first is meant where a request names none. */
  schemas: readonly [string, ...string[]];
  /** At most so many rows in an answer, and in each embed. Default: 1,000, as on Supabase. */
  maxRows?: number | undefined;
}

const defaultMaxRows = 1000;

/** Serves the exposed schemas. */
export function createRest({ database, schemas, maxRows = defaultMaxRows }: RestOptions): DevPart {
  const source = followCatalog(database, schemas);
  // The first request need not wait for it; it tells of a failure, too.
  source.current().catch(() => undefined);
  let timezones: Promise<ReadonlySet<string>> | undefined;
  const isTimezone = async (name: string): Promise<boolean> => {
    timezones ??= readTimezones(database);
    return (await timezones).has(name);
  };

  async function answer(request: DevRequest): Promise<DevAnswer> {
    const resource = resourceOf(request.path);
    const schema = schemaOf(request, schemas);
    const preferences = await parsePreferences(headerOf(request, 'prefer'), isTimezone);
    const catalog = await source.current();
    const rest: RestRequest = {
      request,
      database,
      catalog,
      schema,
      profiled: schemas.length > 1 || isProfiled(request),
      preferences,
      maxRows,
      act: {
        schema,
        request: { method: request.method, path: request.path, headers: headersOf(request) },
        rollback: preferences.tx === 'rollback',
        timezone: preferences.timezone,
        signal: request.signal,
      },
    };
    if (resource.kind === 'root') return handleRoot(rest);
    const name = { schema, name: resource.name };
    if (resource.kind === 'routine') return handleCall(rest, name);
    const table = catalog.tables.get(keyOf(name));
    if (table === undefined) throw tableNotFound(catalog, name);
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return handleRead(rest, table);
      case 'POST':
      case 'PATCH':
      case 'PUT':
      case 'DELETE':
        return handleWrite(rest, table, request.method);
      default:
        throw unsupported(request.method);
    }
  }

  return {
    async handle(request) {
      try {
        return await answer(request);
      } catch (error) {
        throw toFailure(error, request.identity);
      }
    },
    async close() {
      source.close();
    },
  };
}

function headersOf(request: DevRequest): Record<string, string> {
  const names = Object.keys(request.headers);
  return Object.fromEntries(names.map((name) => [name, headerOf(request, name) ?? '']));
}

async function readTimezones(database: DevDatabase): Promise<ReadonlySet<string>> {
  const { rows } = await database.asServer((session) =>
    session.query<{ name: string }>('SELECT name FROM pg_catalog.pg_timezone_names'),
  );
  return new Set(rows.map(({ name }) => name));
}

type Resource = { kind: 'root' } | { kind: 'table' | 'routine'; name: string };

/** @throws RestFailure PGRST125 for a path that is none of ours */
function resourceOf(path: string): Resource {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second, ...more] = parts.map(decoded);
  if (first === undefined) return { kind: 'root' };
  if (second === undefined) return { kind: 'table', name: first };
  if (first === 'rpc' && more.length === 0) return { kind: 'routine', name: second };
  throw invalidPath();
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidPath();
  }
}

function invalidPath(): RestFailure {
  return new RestFailure({ status: 404, code: 'PGRST125', message: 'Invalid path specified in request URL' });
}

function tableNotFound(catalog: Catalog, name: Qualified): RestFailure {
  return new RestFailure({
    status: 404,
    code: 'PGRST205',
    message: `Could not find the table '${name.schema}.${name.name}' in the schema cache`,
    hint: tableHint(catalog, name),
  });
}

/** Reads name it by another header than writes do. */
function profileOf(request: DevRequest): string | undefined {
  const reads = !['POST', 'PATCH', 'PUT', 'DELETE'].includes(request.method);
  return headerOf(request, reads ? 'accept-profile' : 'content-profile');
}

function isProfiled(request: DevRequest): boolean {
  return profileOf(request) !== undefined;
}

/** @throws RestFailure PGRST106 for a schema that is not exposed */
function schemaOf(request: DevRequest, schemas: readonly [string, ...string[]]): string {
  const profile = profileOf(request);
  if (profile === undefined) return schemas[0];
  if (schemas.includes(profile)) return profile;
  throw new RestFailure({
    status: 406,
    code: 'PGRST106',
    message: `Invalid schema: ${profile}`,
    hint: `Only the following schemas are exposed: ${schemas.join(', ')}`,
  });
}
