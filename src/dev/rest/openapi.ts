import type { DevAnswer } from '../service.ts';
import { RestFailure } from './failure.ts';
import { parseMediaType } from './media.ts';
import { describeApi, type Described } from './openapi-document.ts';
import { headerOf, unsupported, type RestRequest } from './request.ts';

const contentType = 'application/openapi+json';

/** What the request's role has any right to. */
const accessibleQuery = `
  SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') AS description,
    coalesce((SELECT json_agg(c.relname) FROM pg_catalog.pg_class c
      WHERE c.relnamespace = n.oid AND c.relkind IN ('v', 'r', 'm', 'f', 'p') AND (pg_has_role(c.relowner, 'USAGE')
        OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))), '[]') AS tables,
    coalesce((SELECT json_agg(p.oid::int8) FROM pg_catalog.pg_proc p
      WHERE p.pronamespace = n.oid AND has_function_privilege(p.oid, 'EXECUTE')), '[]') AS routines
  FROM pg_catalog.pg_namespace n WHERE n.nspname = $1`;

interface Accessible {
  description: string | null;
  tables: string[];
  routines: number[];
}

/**
 * GET and HEAD of the root: what the role can reach, as OpenAPI 2.0.
 * @throws RestFailure PGRST107 where something else is accepted
 */
export async function handleRoot(rest: RestRequest): Promise<DevAnswer> {
  const { request, database, catalog, schema, act } = rest;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw unsupported(request.method);
  checkAccept(headerOf(request, 'accept') ?? '*/*');
  const { rows } = await database.actAs(
    request.identity,
    (session) => session.query<Accessible>(accessibleQuery, [schema]),
    { ...act, readOnly: true },
  );
  const [accessible] = rows;
  const described: Described = {
    description: accessible?.description ?? null,
    host: headerOf(request, 'host') ?? 'localhost',
    tables: [...catalog.tables.values()].filter(
      (table) => table.schema === schema && accessible?.tables.includes(table.name),
    ),
    routines: [...catalog.routines.values()]
      .flat()
      .filter((routine) => routine.schema === schema && accessible?.routines.includes(routine.oid)),
    relationships: catalog.relationships,
  };
  return {
    status: 200,
    headers: {
      'content-type': `${contentType}; charset=utf-8`,
      ...(rest.profiled ? { 'content-profile': schema } : {}),
    },
    body: JSON.stringify(describeApi(described)),
  };
}

function checkAccept(accept: string): void {
  const types = accept.split(',').map((part) => parseMediaType(part.trim()).type);
  if (types.some((type) => type === contentType || type === 'application/json' || type === '*/*')) return;
  throw new RestFailure({
    status: 406,
    code: 'PGRST107',
    message: `None of these media types are available: ${types.join(', ')}`,
  });
}
