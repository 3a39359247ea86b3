import type { QueryResult, Session, Statement } from '../../database/database.ts';
import type { DevAnswer } from '../service.ts';
import { RestFailure } from './failure.ts';
import { isSingular, type Accepted } from './media.ts';
import type { RestRequest } from './request.ts';
import { explainStatement, type Outcome } from './statements.ts';

/** An outcome with its numbers. */
export interface Result extends Pick<Outcome, 'body' | 'location' | 'inserted' | 'headers' | 'status'> {
  total: number | undefined;
  rows: number;
}

export interface RunOptions {
  accepted: Accepted;
  readOnly?: boolean;
  /** Says no to the outcome; what was written is then rolled back. */
  check?: ((result: Result) => void) | undefined;
  /** More that belongs to the transaction. */
  after?: (session: Session, result: Result) => Promise<Result>;
}

/**
 * Runs the statement of a request under its identity.
 * @returns the result; or the answer, where the plan was asked for
 * @throws DatabaseError; RestFailure PGRST116 where exactly one row was wanted
 */
export async function runStatement(
  { request, database, preferences, act }: RestRequest,
  statement: Statement,
  { accepted, readOnly = false, check, after }: RunOptions,
): Promise<{ result: Result } | { plan: DevAnswer }> {
  const { identity } = request;
  const isRefusable = !readOnly && (check !== undefined || isSingular(accepted.format));
  const checked = ({ rows }: QueryResult<Outcome>): Result => {
    const outcome = rows[0] as Outcome;
    const result = {
      ...outcome,
      rows: Number(outcome.rows),
      total: outcome.total === null ? undefined : Number(outcome.total),
    };
    if (isSingular(accepted.format) && result.rows !== 1) throw notSingular(result.rows);
    check?.(result);
    return result;
  };
  if (!accepted.explain && after === undefined && !isRefusable && preferences.tx !== 'rollback') {
    return { result: checked(await database.queryAs<Outcome>(identity, statement, { ...act, readOnly })) };
  }
  return database.actAs(
    identity,
    async (session) => {
      if (accepted.explain) return { plan: await explained(session, statement, accepted) };
      const result = checked(await session.query<Outcome>(statement.sql, statement.values));
      return { result: after === undefined ? result : await after(session, result) };
    },
    { ...act, readOnly },
  );
}

async function explained(session: Session, statement: Statement, accepted: Accepted): Promise<DevAnswer> {
  const { explain } = accepted;
  if (explain === undefined) throw new Error('Nothing to explain');
  const { sql, values } = explainStatement(statement, explain);
  const { rows } = await session.query<{ 'QUERY PLAN': unknown }>(sql, values);
  const lines = rows.map((row) => row['QUERY PLAN']);
  const body = explain.format === 'JSON' ? JSON.stringify(lines[0], undefined, 2) : lines.join('\n');
  return { status: 200, headers: { 'content-type': accepted.contentType }, body: `${body}\n` };
}

function notSingular(rows: number): RestFailure {
  return new RestFailure({
    status: 406,
    code: 'PGRST116',
    message: 'Cannot coerce the result to a single JSON object',
    details: `The result contains ${rows} rows`,
  });
}

/** Refuses, with PGRST124, more rows than the request allows with `handling=strict`; undefined where it allows any. */
export function affectedCheck({ preferences }: RestRequest): RunOptions['check'] {
  const most = preferences['max-affected'];
  if (most === undefined || preferences.handling !== 'strict') return undefined;
  return ({ rows }) => {
    if (rows <= most) return;
    throw new RestFailure({
      status: 400,
      code: 'PGRST124',
      message: 'Query result exceeds max-affected preference constraint',
      details: `The query affects ${rows} rows`,
    });
  };
}

/** The headers that tell what the body is. */
export function contentHeaders({ schema, profiled }: RestRequest, accepted: Accepted): Record<string, string> {
  return { 'content-type': accepted.contentType, ...(profiled ? { 'content-profile': schema } : {}) };
}
