/**
 * The Data API (PostgREST) as supabase-js uses it here: select, insert, update, delete with filters, as the caller's
 * role.
 */
import type { Client } from 'pg';
import type { Caller } from './gateway.ts';
import type { FakeAnswer, FakeRequest } from './http.ts';
import type { ActAs } from './storage.ts';

const operators: Record<string, string> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
};
const reserved = new Set(['select', 'columns', 'order', 'limit', 'offset', 'on_conflict']);
const exposed = ['public', 'graphql_public'];

const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** @param path after `/rest/v1/` */
export async function serveData(
  caller: Caller,
  request: FakeRequest,
  path: string,
  actAs: ActAs,
  superuser: Client,
): Promise<FakeAnswer> {
  const { method, headers, url } = request;
  const schema = String(
    headers[method === 'GET' || method === 'HEAD' ? 'accept-profile' : 'content-profile'] ?? 'public',
  );
  if (!exposed.includes(schema)) {
    return {
      status: 406,
      body: {
        code: 'PGRST106',
        message: `Invalid schema: ${schema}`,
        details: null,
        hint: `Only the following schemas are exposed: ${exposed.join(', ')}`,
      },
    };
  }
  const { rows: known } = await superuser.query(
    'select 1 from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1 and relname = $2',
    [schema, path],
  );
  if (known.length === 0) {
    return {
      status: 404,
      body: {
        code: 'PGRST205',
        message: `Could not find the table '${schema}.${path}' in the schema cache`,
        details: null,
        hint: null,
      },
    };
  }
  const table = `${name(schema)}.${name(path)}`;
  const returns =
    method === 'GET' || method === 'HEAD' || String(headers['prefer'] ?? '').includes('return=representation');
  try {
    const values: unknown[] = [];
    const sql = statement(method, table, url.searchParams, request.body, values, returns);
    const rows = await actAs(
      caller,
      async (database) => (await database.query<{ result: unknown[] }>(sql, values)).rows[0]?.result ?? [],
    );
    if (!returns) return { status: method === 'POST' ? 201 : 204 };
    if (String(headers.accept).includes('vnd.pgrst.object')) {
      return rows.length === 1
        ? { status: method === 'POST' ? 201 : 200, body: rows[0] }
        : {
            status: 406,
            body: {
              code: 'PGRST116',
              message: 'Cannot coerce the result to a single JSON object',
              details: `The result contains ${rows.length} rows`,
              hint: null,
            },
          };
    }
    return { status: method === 'POST' ? 201 : 200, body: rows };
  } catch (error) {
    return refuse(error as Record<string, string | undefined>, caller);
  }
}

function statement(
  method: string,
  table: string,
  query: URLSearchParams,
  body: unknown,
  values: unknown[],
  returns: boolean,
): string {
  const columns = (query.get('select') ?? '*')
    .split(',')
    .map((one) => (one.trim() === '*' ? '*' : name(one.trim())))
    .join(', ');
  const result = returns ? columns : '1';
  const answer = returns ? "coalesce(json_agg(r), '[]')" : "'[]'::json";
  if (method === 'GET' || method === 'HEAD') {
    const limit = query.has('limit') ? ` limit ${Number(query.get('limit'))}` : '';
    const offset = query.has('offset') ? ` offset ${Number(query.get('offset'))}` : '';
    return `select coalesce(json_agg(r), '[]') as result from (select ${columns} from ${table}${where(query, values)}${order(query)}${limit}${offset}) r`;
  }
  if (method === 'DELETE')
    return `with r as (delete from ${table}${where(query, values)} returning ${result}) select ${answer} as result from (select * from r) r`;
  if (method === 'PATCH') {
    const row = body as Record<string, unknown>;
    const set = Object.keys(row).map(name).join(', ');
    values.push(JSON.stringify(row));
    return `with r as (update ${table} set (${set}) = (select ${set} from json_populate_record(null::${table}, $1))${where(query, values)} returning ${result}) select ${answer} as result from (select * from r) r`;
  }
  return `with r as (insert into ${table} ${inserted(table, body, query, values)} returning ${result}) select ${answer} as result from (select * from r) r`;
}

function inserted(table: string, body: unknown, query: URLSearchParams, values: unknown[]): string {
  const rows = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[];
  if (rows.length === 0) return 'select null where false';
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].map(name).join(', ');
  if (keys === '') return 'default values';
  values.push(JSON.stringify(rows));
  const conflict = query.get('on_conflict');
  const set = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    .map((key) => `${name(key)} = excluded.${name(key)}`)
    .join(', ');
  const merge = conflict ? ` on conflict (${conflict.split(',').map(name).join(', ')}) do update set ${set}` : '';
  return `(${keys}) select ${keys} from json_populate_recordset(null::${table}, $1)${merge}`;
}

function where(query: URLSearchParams, values: unknown[]): string {
  const parts = [...query]
    .filter(([key]) => !reserved.has(key))
    .map(([key, text]) => {
      const [operator = '', ...rest] = text.split('.');
      const value = rest.join('.');
      if (operator === 'is')
        return `${name(key)} is ${value === 'null' ? 'null' : value === 'true' ? 'true' : 'false'}`;
      if (operator === 'in') {
        values.push(
          value
            .slice(1, -1)
            .split(',')
            .map((one) => one.replace(/^"|"$/g, '')),
        );
        return `${name(key)}::text = any($${values.length})`;
      }
      if (!operators[operator])
        throw Object.assign(new Error(`failed to parse filter (${text})`), { code: 'PGRST100' });
      values.push(value);
      return `${name(key)} ${operators[operator]} $${values.length}`;
    });
  return parts.length > 0 ? ` where ${parts.join(' and ')}` : '';
}

function order(query: URLSearchParams): string {
  const parts = (query.get('order') ?? '')
    .split(',')
    .filter(Boolean)
    .map((one) => {
      const [column = '', direction] = one.split('.');
      return `${name(column)}${direction === 'desc' ? ' desc' : ''}`;
    });
  return parts.length > 0 ? ` order by ${parts.join(', ')}` : '';
}

/** PostgREST's mapping of SQLSTATE to status, for the codes that occur here. */
function refuse(error: Record<string, string | undefined>, caller: Caller): FakeAnswer {
  const code = error['code'] ?? 'XX000';
  const status =
    code === '42501'
      ? caller.role === 'anon'
        ? 401
        : 403
      : code === '23505' || code === '23503'
        ? 409
        : code === '42P01'
          ? 404
          : code === '57014'
            ? 500
            : 400;
  return {
    status,
    body: { code, message: error['message'], details: error['detail'] ?? null, hint: error['hint'] ?? null },
  };
}
