import { RestFailure } from './failure.ts';
import type { RowRange } from './plan.ts';
import type { Query } from './query.ts';

function unsatisfiable(details: string): RestFailure {
  return new RestFailure({ status: 416, code: 'PGRST103', message: 'Requested range not satisfiable', details });
}

/**
 * The rows of the outermost level: what `limit` and `offset` ask for, within the Range header (of GET only).
 * @throws RestFailure PGRST103
 */
export function requestedRange(method: string, header: string | undefined, query: Query): RowRange {
  const outermost = (list: Query['limits']) => list.find(({ path }) => path.length === 0)?.value;
  const limit = outermost(query.limits);
  const offset = outermost(query.offsets) ?? 0;
  if (limit !== undefined && limit < 0) throw unsatisfiable('Limit should be greater than or equal to zero.');
  if (limit === 0) return { offset: 0, limit: 0 };
  const match = method === 'GET' ? /^(?:items=)?(\d{1,15})-(\d{0,15})$/.exec(header ?? '') : null;
  if (!match) return { offset, limit };
  const lower = Number(match[1]);
  const upper = match[2] === '' ? Infinity : Number(match[2]);
  if (upper < lower) {
    throw unsatisfiable('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  }
  const first = Math.max(lower, offset);
  const last = Math.min(upper, limit === undefined ? Infinity : offset + limit - 1);
  if (last < first) throw unsatisfiable('Limit should be greater than or equal to zero.');
  return { offset: first, limit: last === Infinity ? undefined : last - first + 1 };
}

/** The Content-Range header. */
export function contentRange(first: number, last: number, total: number | undefined): string {
  const range = total !== 0 && first <= last ? `${first}-${last}` : '*';
  return `${range}/${total ?? '*'}`;
}

/**
 * The status of an answer with rows: 206 where there are more of them.
 * @throws RestFailure PGRST103 where the range starts after the last row
 */
export function rangeStatus(offset: number, rows: number, total: number | undefined): number {
  if (total === undefined) return 200;
  if (offset > total) {
    throw unsatisfiable(`An offset of ${offset} was requested, but there are only ${total} rows.`);
  }
  return rows < total ? 206 : 200;
}
