import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Database, QueryResult } from '../database/database.ts';
import { toParameter } from '../database/values.ts';
import { MuseError } from '../shared/error.ts';
import { runQuery } from './api.ts';
import { apiMessageOf } from './failure.ts';
import type { Http } from './http.ts';
import { holdLease } from './lease.ts';
import { parseQueryError } from './query-error.ts';

interface QueryDatabaseOptions {
  /** How long a run's lease lasts without being renewed, ms. */
  leaseMs?: number;
  /** How long one request may take, ms. */
  timeoutMs?: number;
}

/**
 * A database that is reached by SQL over HTTPS: each `query` and `script` is one request, and so one transaction.
 * @throws MuseError from its functions: `answer-lost` where a request may have taken effect (look before sending it
 *   again), `lock-lost` where the run's lease ran out, and what the API refuses
 */
export function openQueryDatabase(http: Http, ref: string, options: QueryDatabaseOptions = {}): Database {
  const { leaseMs = 20_000, timeoutMs = 300_000 } = options;
  let stillHeld: (() => void) | undefined;

  const send = async (sql: string, parameters?: readonly unknown[]): Promise<unknown> => {
    try {
      const body = parameters && parameters.length > 0 ? { query: sql, parameters: parameters.map(toParameter) } : { query: sql };
      return await runQuery(http, ref, body, timeoutMs);
    } catch (error) {
      throw translate(error, sql);
    }
  };
  const query = async <Row>(sql: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>> => {
    stillHeld?.();
    const rows = await send(sql, parameters);
    const list = Array.isArray(rows) ? (rows as Row[]) : [];
    return { rows: list, affected: list.length };
  };
  return {
    kind: 'https',
    description: `Supabase project ${ref}, SQL over HTTPS`,
    query,
    script: async (sql) => {
      stillHeld?.();
      await send(sql);
    },
    transaction: () => Promise.reject(noTransaction()),
    // A run that was killed leaves its lease behind: by default it is waited for until that has run out.
    withRunLock: async (work, waitMs = leaseMs + 5000) => {
      const lease = await holdLease({
        run: (sql, parameters) => send(sql, parameters),
        clock: http.clock,
        holder: randomUUID(),
        note: `pid ${process.pid} on ${hostname()}`,
        leaseMs,
        waitMs,
      });
      stillHeld = lease.check;
      try {
        return await work();
      } finally {
        stillHeld = undefined;
        await lease.release();
      }
    },
    close: () => Promise.resolve(),
  };
}

function noTransaction(): MuseError {
  return new MuseError({
    code: 'no-interactive-transaction',
    message: 'Over HTTPS a transaction cannot stay open between requests.',
    suggestion: 'Send the statements as one script.',
  });
}

/** PostgreSQL's own error where the endpoint tells it; a 5xx is an answer that may hide a commit. */
function translate(error: unknown, sql: string): unknown {
  if (!(error instanceof MuseError)) return error;
  const reported = parseQueryError(apiMessageOf(error), sql, error);
  if (reported) return reported;
  if (error.code !== 'api-failed') return error;
  return new MuseError({
    code: 'answer-lost',
    message: error.message,
    suggestion: 'It may have taken effect; the next run looks before it does anything again.',
    cause: error.cause,
  });
}
