import type { DevAnswer } from '../service.ts';
import { callStatement } from './statements.ts';
import { returnsScalars, returnsVoid, type Arguments, type Call } from './call-sql.ts';
import { keyOf, type Qualified, type Routine } from './catalog.ts';
import { RestFailure } from './failure.ts';
import { findRoutine, takesBody } from './find-routine.ts';
import { countOf } from './handle-read.ts';
import { negotiate } from './media.ts';
import { contentTypeOf, readPayload, type Payload } from './payload.ts';
import type { Condition, Level } from './plan.ts';
import { appliedHeader } from './prefer.ts';
import { parseQuery, type Query } from './query.ts';
import { contentRange, rangeStatus, requestedRange } from './ranges.ts';
import { planRead, restrict } from './read-plan.ts';
import { headerOf, type RestRequest } from './request.ts';
import { finishAnswer } from './response-settings.ts';
import { affectedCheck, contentHeaders, runStatement } from './run.ts';
import { neededColumns } from './write-sql.ts';

/** A call of a function, by GET, HEAD or POST. */
export async function handleCall(rest: RestRequest, name: Qualified): Promise<DevAnswer> {
  const { request, catalog, preferences, maxRows } = rest;
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    throw new RestFailure({ status: 405, code: 'PGRST101', message: `Cannot use the ${method} method on RPC` });
  }
  const posted = method === 'POST';
  const query = parseQuery(request.query, !posted);
  const range = requestedRange(method, headerOf(request, 'range'), query);
  const payload = posted ? await readPayload(request, { forCall: true, columns: query.columns }) : undefined;
  const names = payload === undefined ? query.parameters.map(([parameter]) => parameter) : namesOf(payload);
  const routine = findRoutine(catalog, name, {
    names: [...new Set(names)],
    contentType: posted ? contentTypeOf(request) : undefined,
  });
  const origin = { schema: routine.schema, name: routine.name };
  const { returns } = routine;
  const level = planRead({
    catalog,
    // The rows of a table can be embedded from as the table's own.
    origin: returns.composite && catalog.tables.has(keyOf(returns.type)) ? returns.type : origin,
    from: undefined,
    query,
    range: restrict(range, maxRows),
    maxRows,
  });
  const accepted = negotiate(headerOf(request, 'accept'));
  checkMaxAffected(rest, routine);
  const statement = callStatement(planCall(routine, payload, query, level), level, {
    format: method === 'HEAD' ? 'none' : accepted.format,
    count: countOf(rest),
  });
  const ran = await runStatement(rest, statement, {
    accepted,
    readOnly: !posted || !routine.volatile,
    check: affectedCheck(rest),
  });
  if ('plan' in ran) return ran.plan;
  const { result } = ran;
  const isVoid = returnsVoid(routine);
  const status = rangeStatus(range.offset, result.rows, result.total);
  return finishAnswer(result, {
    status: isVoid ? 204 : status,
    headers: {
      'content-range': contentRange(range.offset, range.offset + result.rows - 1, result.total),
      ...appliedHeader(preferences, ['count', 'tx', 'handling', 'timezone', 'max-affected']),
      ...(isVoid ? {} : contentHeaders(rest, accepted)),
    },
    ...(isVoid ? {} : { body: result.body }),
  });
}

function namesOf(payload: Payload): readonly string[] {
  if (payload.kind === 'json') return payload.keys;
  return payload.kind === 'arguments' ? payload.list.map(([name]) => name) : [];
}

function planCall(routine: Routine, payload: Payload | undefined, query: Query, level: Level): Call {
  const given = argumentsOf(routine, payload, query);
  const names =
    given.kind === 'texts' ? given.list.map(([name]) => name) : given.kind === 'json' ? given.payload.keys : [];
  const parameters = routine.parameters.filter((parameter) => names.includes(parameter.name));
  return { routine, parameters, given, returning: returningOf(routine, level) };
}

function argumentsOf(routine: Routine, payload: Payload | undefined, query: Query): Arguments {
  if (payload === undefined) return { kind: 'texts', list: query.parameters };
  if (payload.kind === 'raw') return { kind: 'body', content: payload.content };
  if (payload.kind === 'arguments') return { kind: 'texts', list: payload.list };
  return takesBody(routine) ? { kind: 'body', content: payload.text } : { kind: 'json', payload };
}

/** The columns of the result that are read; also those that only filters use, which may be computed. */
function returningOf(routine: Routine, level: Level): string[] {
  if (returnsScalars(routine)) return [];
  const needed = neededColumns(level, []);
  if (needed.includes('*')) return ['*'];
  const used = [...level.where.flatMap(fieldsOf), ...level.order.map(({ embed, field }) => (embed ? '' : field.name))];
  return [...new Set([...needed, ...used.filter((field) => field !== '')])];
}

function fieldsOf(condition: Condition): string[] {
  if (condition.kind === 'group') return condition.items.flatMap(fieldsOf);
  return condition.kind === 'filter' ? [condition.field.name] : [];
}

/** @throws RestFailure PGRST128 */
function checkMaxAffected({ preferences }: RestRequest, { returns }: Routine): void {
  if (preferences['max-affected'] === undefined || preferences.handling !== 'strict' || returns.set) return;
  throw new RestFailure({
    status: 400,
    code: 'PGRST128',
    message: 'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
  });
}
