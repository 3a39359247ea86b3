import type { DevAnswer } from '../service.ts';
import type { Table } from './catalog.ts';
import { RestFailure } from './failure.ts';
import { negotiate, type Accepted } from './media.ts';
import { readPayload } from './payload.ts';
import { allRows, type Level } from './plan.ts';
import { appliedHeader, type Preference } from './prefer.ts';
import { parseQuery, type Query } from './query.ts';
import { contentRange } from './ranges.ts';
import { planConditions, planRead } from './read-plan.ts';
import { headerOf, type RestRequest } from './request.ts';
import { finishAnswer } from './response-settings.ts';
import { affectedCheck, contentHeaders, runStatement, type Result } from './run.ts';
import { writeStatement } from './statements.ts';
import { columnsOf, neededColumns, type Conflict, type JsonPayload, type Write } from './write-sql.ts';

export type WriteMethod = 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** The preferences that each kind of write heeds. */
const heeded: Readonly<Record<WriteMethod, readonly Preference[]>> = {
  POST: ['resolution', 'missing', 'return', 'count', 'tx', 'handling', 'timezone'],
  PATCH: ['missing', 'return', 'count', 'tx', 'handling', 'timezone', 'max-affected'],
  PUT: ['return', 'count', 'tx', 'handling', 'timezone'],
  DELETE: ['return', 'count', 'tx', 'handling', 'timezone', 'max-affected'],
};

/** POST, PATCH, PUT and DELETE of a table or view. */
export async function handleWrite(rest: RestRequest, table: Table, method: WriteMethod): Promise<DevAnswer> {
  const { request, catalog, preferences } = rest;
  const query = parseQuery(request.query, false);
  if (method === 'PUT') checkPut(query, table);
  // The row's own filters belong to the write; those of embeds to what is read from it.
  const embedded = {
    ...query,
    filters: query.filters.filter(({ path }) => path.length > 0),
    logic: query.logic.filter(({ path }) => path.length > 0),
    limits: query.limits.filter(({ path }) => path.length > 0),
    offsets: query.offsets.filter(({ path }) => path.length > 0),
  };
  const level = planRead({
    catalog,
    origin: table,
    from: undefined,
    query: embedded,
    range: allRows,
    maxRows: undefined,
  });
  const write = await planWrite(rest, table, method, query, level);
  const accepted = negotiate(headerOf(request, 'accept'));
  const full = preferences.return === 'representation';
  const statement = writeStatement(write, level, {
    format: full ? accepted.format : 'none',
    locationBy: method === 'POST' && preferences.return === 'headers-only' ? table.primaryKey : undefined,
    countInserted: write.kind === 'insert' && write.conflict?.merge === true,
  });
  const check = method === 'PUT' ? checkPutResult : method === 'POST' ? undefined : affectedCheck(rest);
  const ran = await runStatement(rest, statement, { accepted, check });
  return 'plan' in ran ? ran.plan : answerWrite(rest, table, method, query, accepted, ran.result);
}

async function planWrite(
  rest: RestRequest,
  table: Table,
  method: WriteMethod,
  query: Query,
  level: Level,
): Promise<Write> {
  const { request, preferences } = rest;
  const reads = preferences.return === 'representation' || preferences.return === 'headers-only';
  const returning = reads ? neededColumns(level, table.primaryKey) : [];
  const conditions = method === 'POST' ? [] : planConditions(query, table);
  if (method === 'DELETE') return { kind: 'delete', table, returning, conditions };
  const columns = method === 'PUT' ? undefined : query.columns;
  const payload = (await readPayload(request, { forCall: false, columns })) as JsonPayload;
  const withDefaults = method !== 'PUT' && preferences.missing === 'default';
  const shared = { table, returning, payload, columns: columnsOf(table, payload.keys), withDefaults, conditions };
  if (method === 'PATCH') return { kind: 'update', ...shared };
  return { kind: 'insert', ...shared, conflict: conflictOf(rest, table, method, query) };
}

function conflictOf(
  { preferences }: RestRequest,
  table: Table,
  method: WriteMethod,
  query: Query,
): Conflict | undefined {
  if (method === 'PUT') return { columns: table.primaryKey, merge: true };
  if (preferences.resolution === undefined) return undefined;
  return {
    columns: query.onConflict ?? table.primaryKey,
    merge: preferences.resolution === 'merge-duplicates',
  };
}

/** @throws RestFailure PGRST105, PGRST114 where the URL is not that of one row */
function checkPut(query: Query, { primaryKey }: Table): void {
  if (query.limits.length > 0 || query.offsets.length > 0) {
    throw new RestFailure({
      status: 400,
      code: 'PGRST114',
      message: 'limit/offset querystring parameters are not allowed for PUT',
    });
  }
  const names = new Set(query.filters.map(({ value }) => value.field.name));
  const byKey =
    primaryKey.length > 0 &&
    query.logic.length === 0 &&
    names.size === primaryKey.length &&
    primaryKey.every((column) => names.has(column)) &&
    query.filters.every(({ path, value: { not, field, operation } }) => {
      const plain = operation.kind === 'compare' && operation.operator === 'eq' && operation.quantifier === undefined;
      return plain && !not && path.length === 0 && field.path.length === 0;
    });
  if (byKey) return;
  throw new RestFailure({
    status: 405,
    code: 'PGRST105',
    message: "Filters must include all and only primary key columns with 'eq' operators",
  });
}

function checkPutResult({ rows }: Result): void {
  if (rows === 1) return;
  throw new RestFailure({
    status: 400,
    code: 'PGRST115',
    message: 'Payload values do not match URL in primary key column(s)',
  });
}

function answerWrite(
  rest: RestRequest,
  table: Table,
  method: WriteMethod,
  query: Query,
  accepted: Accepted,
  result: Result,
): DevAnswer {
  const { preferences } = rest;
  const counted = preferences.count === 'exact' || preferences.count === 'estimated' ? result.rows : undefined;
  const full = preferences.return === 'representation';
  const range = method === 'PATCH' ? contentRange(0, result.rows - 1, counted) : contentRange(1, 0, counted);
  // Without a key there is nothing to resolve by.
  const resolves = table.primaryKey.length > 0 || query.onConflict !== undefined;
  return finishAnswer(result, {
    status: writeStatus(rest, method, result),
    headers: {
      ...(method === 'PUT' ? {} : { 'content-range': range }),
      ...(result.location === null ? {} : { location: locationOf(table, result.location) }),
      ...appliedHeader(preferences, resolves ? heeded[method] : heeded[method].filter((name) => name !== 'resolution')),
      ...(full ? contentHeaders(rest, accepted) : {}),
    },
    ...(full ? { body: result.body } : {}),
  });
}

function writeStatus({ preferences }: RestRequest, method: WriteMethod, { inserted }: Result): number {
  const full = preferences.return === 'representation';
  if (method === 'POST') {
    return preferences.resolution === 'merge-duplicates' && inserted !== null && inserted <= 0 ? 200 : 201;
  }
  if (!full) return 204;
  return method === 'PUT' && (inserted ?? 0) > 0 ? 201 : 200;
}

/** Where the inserted row is, e.g. `/todos?id=eq.3`. */
function locationOf({ name }: Table, pairs: readonly string[]): string {
  const search = new URLSearchParams(
    pairs.map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
  return `/${encodeURIComponent(name)}?${search}`;
}
