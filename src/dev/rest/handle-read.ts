import type { Session } from '../../database/database.ts';
import type { DevAnswer } from '../service.ts';
import type { Table } from './catalog.ts';
import { negotiate } from './media.ts';
import type { Level } from './plan.ts';
import { appliedHeader } from './prefer.ts';
import { parseQuery } from './query.ts';
import { contentRange, rangeStatus, requestedRange } from './ranges.ts';
import { planRead, restrict } from './read-plan.ts';
import { headerOf, type RestRequest } from './request.ts';
import { finishAnswer } from './response-settings.ts';
import { contentHeaders, runStatement, type Result } from './run.ts';
import { estimateStatement, plannedRows, readStatement } from './statements.ts';

/** GET and HEAD of a table or view. */
export async function handleRead(rest: RestRequest, table: Table): Promise<DevAnswer> {
  const { request, catalog, preferences, maxRows } = rest;
  const query = parseQuery(request.query, false);
  const range = requestedRange(request.method, headerOf(request, 'range'), query);
  const level = planRead({
    catalog,
    origin: table,
    from: table,
    query,
    range: restrict(range, maxRows),
    maxRows,
  });
  const accepted = negotiate(headerOf(request, 'accept'));
  const headOnly = request.method === 'HEAD';
  const statement = readStatement(level, {
    format: headOnly ? 'none' : accepted.format,
    count: countOf(rest),
  });
  const ran = await runStatement(rest, statement, {
    accepted,
    readOnly: true,
    ...(preferences.count === 'planned' || preferences.count === 'estimated'
      ? { after: (session, result) => withEstimate(rest, level, session, result) }
      : {}),
  });
  if ('plan' in ran) return ran.plan;
  const { result } = ran;
  const canonical = new URLSearchParams(request.query);
  canonical.sort();
  const search = canonical.size === 0 ? '' : `?${canonical}`;
  return finishAnswer(result, {
    status: rangeStatus(range.offset, result.rows, result.total),
    headers: {
      ...contentHeaders(rest, accepted),
      'content-range': contentRange(range.offset, range.offset + result.rows - 1, result.total),
      'content-location': `/${encodeURIComponent(table.name)}${search}`,
      ...appliedHeader(preferences, ['count', 'tx', 'handling', 'timezone']),
    },
    body: result.body,
  });
}

/** Whether the statement itself counts; an estimate counts no further than it must. */
export function countOf({ preferences, maxRows }: RestRequest): boolean | { upTo: number } {
  if (preferences.count === 'estimated') return { upTo: maxRows + 1 };
  return preferences.count === 'exact';
}

/** The planner's number where it is asked for, or where there are too many rows to count. */
async function withEstimate(
  { preferences: { count }, maxRows }: RestRequest,
  level: Level,
  session: Session,
  result: Result,
): Promise<Result> {
  const { total } = result;
  const wanted = count === 'planned' || (count === 'estimated' && total !== undefined && total > maxRows);
  if (!wanted) return result;
  const { sql, values } = estimateStatement(level);
  const { rows } = await session.query<{ 'QUERY PLAN': unknown }>(sql, values);
  const planned = plannedRows(rows[0]?.['QUERY PLAN']);
  return { ...result, total: total === undefined ? planned : Math.max(total, planned ?? 0) };
}
