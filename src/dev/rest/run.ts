import type { Session } from '../../database/database.ts';
import type { DevAnswer } from '../service.ts';
import { RestFailure } from './failure.ts';
import type { Statement } from './identifiers.ts';
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
  /** Says no to the outcome, in the transaction, which is then rolled back. */
  check?: (result: Result) => void;
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
  const { timezone } = preferences;
  return database.actAs(
    request.identity,
    async (session) => {
      if (timezone !== undefined) await session.query(`SELECT set_config('timezone', $1, true)`, [timezone]);
      if (accepted.explain) return { plan: await explained(session, statement, accepted) };
      const { rows } = await session.query<Outcome>(statement.sql, statement.values);
      const outcome = rows[0] as Outcome;
      const result = {
        ...outcome,
        rows: Number(outcome.rows),
        total: outcome.total === null ? undefined : Number(outcome.total),
      };
      if (isSingular(accepted.format) && result.rows !== 1) throw notSingular(result.rows);
      check?.(result);
      return { result: after === undefined ? result : await after(session, result) };
    },
    { ...act, readOnly, one: timezone === undefined && after === undefined },
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

/** @throws RestFailure PGRST124 where more rows are affected than the request allows, with `handling=strict` */
export function checkAffected({ preferences }: RestRequest, { rows }: Result): void {
  const most = preferences['max-affected'];
  if (most === undefined || preferences.handling !== 'strict' || rows <= most) return;
  throw new RestFailure({
    status: 400,
    code: 'PGRST124',
    message: 'Query result exceeds max-affected preference constraint',
    details: `The query affects ${rows} rows`,
  });
}

/** The headers that tell what the body is. */
export function contentHeaders({ schema, profiled }: RestRequest, accepted: Accepted): Record<string, string> {
  return { 'content-type': accepted.contentType, ...(profiled ? { 'content-profile': schema } : {}) };
}

/**
 * The answer, with what functions and triggers set as `response.status` and `response.headers`.
 * @throws RestFailure PGRST111, PGRST112 where those are not what they must be
 */
export function finishAnswer(
  { headers, status }: Pick<Result, 'headers' | 'status'>,
  answer: Required<Pick<DevAnswer, 'status' | 'headers'>> & Pick<DevAnswer, 'body'>,
): DevAnswer {
  return {
    ...answer,
    status: status === null ? answer.status : settingStatus(status),
    headers: headers === null ? answer.headers : { ...answer.headers, ...settingHeaders(headers) },
  };
}

function settingStatus(text: string): number {
  const status = Number(text);
  if (Number.isInteger(status) && status >= 100 && status <= 599) return status;
  throw new RestFailure({
    status: 500,
    code: 'PGRST112',
    message: 'response.status guc must be a valid status code',
  });
}

function settingHeaders(text: string): Record<string, string> {
  const failure = new RestFailure({
    status: 500,
    code: 'PGRST111',
    message: 'response.headers guc must be a JSON array composed of objects with a single key and a string value',
  });
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw failure;
  }
  if (!Array.isArray(list)) throw failure;
  const headers: Record<string, string> = {};
  for (const entry of list as unknown[]) {
    const pairs = typeof entry === 'object' && entry !== null ? Object.entries(entry) : [];
    const [name, value] = pairs[0] ?? [];
    if (pairs.length !== 1 || typeof name !== 'string' || typeof value !== 'string') throw failure;
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\u0020-\u007e\u0080-\u00ff]/.test(value)) throw failure;
    headers[name.toLowerCase()] = value;
  }
  return headers;
}
