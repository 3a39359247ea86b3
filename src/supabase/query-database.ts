import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Database, DatabaseError, type QueryResult } from '../database/database.ts';
import { toParameter } from '../database/values.ts';
import { MuseError } from '../shared/error.ts';
import { runQuery } from './api.ts';
import { apiMessageOf } from './failure.ts';
import type { Http } from './http.ts';
import { holdLease } from './lease.ts';

interface QueryDatabaseOptions {
  /** How long a run's lease lasts without being renewed, ms. */
  leaseMs?: number;
  /** How long one request may take, ms. */
  timeoutMs?: number;
}

/**
 * A database that is reached by SQL over HTTPS: each `query` and `script` is one request, and so one transaction.
 * @throws MuseError from its functions: `answer-lost` if a request may have taken effect (check before sending it
 *   again), `lock-lost` if the run's lease expired, and what the API refuses
 */
export function openQueryDatabase(http: Http, ref: string, options: QueryDatabaseOptions = {}): Database {
  const { leaseMs = 20_000, timeoutMs = 300_000 } = options;
  let stillHeld: (() => void) | undefined;

  const send = async (sql: string, parameters?: readonly unknown[]): Promise<unknown> => {
    try {
      const body =
        parameters && parameters.length > 0 ? { query: sql, parameters: parameters.map(toParameter) } : { query: sql };
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
    async queryText(sql) {
      const { rows, affected } = await query<Record<string, unknown>>(sql);
      const text = (value: unknown): string | null => {
        if (value === null || value === undefined) return null;
        return typeof value === 'string' ? value : JSON.stringify(value);
      };
      // Of a result without rows, the service tells neither the columns nor what the statement was.
      const columns = Object.keys(rows[0] ?? {});
      return { columns, rows: rows.map((row) => columns.map((column) => text(row[column]))), command: '', affected };
    },
    transaction: () => Promise.reject(noTransaction()),
    alone: () => Promise.reject(noTransaction()),
    // A killed run leaves its lease behind: by default this waits until it expires.
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
    message: 'A transaction cannot stay open between requests over HTTPS.',
    suggestion: 'Send the statements as one script.',
  });
}

/** PostgreSQL's own error if the endpoint reports it; after a 5xx the statements may have been committed. */
function translate(error: unknown, sql: string): unknown {
  if (!(error instanceof MuseError)) return error;
  const reported = parseQueryError(apiMessageOf(error), sql, error);
  if (reported) return reported;
  if (error.code !== 'api-failed') return error;
  return new MuseError({
    code: 'answer-lost',
    message: error.message,
    suggestion: 'It may have taken effect; the next run checks that first.',
    cause: error.cause,
  });
}

/** How the query endpoint begins when PostgreSQL refused: `Failed to run sql query: ERROR:  42P01: relation …`. */
const opening = /(?:ERROR|FATAL|PANIC):\s+([0-9A-Z]{5}):\s+/;

/** The labelled lines that may follow the message, in PostgreSQL's verbose form. */
const labels =
  /^(DETAIL|HINT|QUERY|CONTEXT|LOCATION|SCHEMA NAME|TABLE NAME|COLUMN NAME|CONSTRAINT NAME|LINE (\d+)):\s?/;

/**
 * PostgreSQL's error in the message of the query endpoint, or undefined if the message is not one.
 * @param sql the text that was sent: the position is counted in it, as far as `LINE n:` and the caret tell it
 */
export function parseQueryError(message: string, sql: string, cause?: unknown): DatabaseError | undefined {
  const match = opening.exec(message);
  if (!match?.[1]) return undefined;
  const parts: Record<string, string[]> = { MESSAGE: [] };
  let current = 'MESSAGE';
  let line: { number: number; excerpt: string } | undefined;
  let caret: number | undefined;
  const lines = message.slice(match.index + match[0].length).split('\n');
  for (const text of lines) {
    const label = labels.exec(text);
    if (label?.[2]) {
      line = { number: Number(label[2]), excerpt: text.slice(label[0].length) };
      current = `LINE${label[0].length}`;
    } else if (line && current.startsWith('LINE') && /^\s*\^\s*$/.test(text)) {
      caret = text.indexOf('^') - Number(current.slice(4));
      current = 'REST';
    } else if (label?.[1]) {
      current = label[1];
      parts[current] = [text.slice(label[0].length)];
    } else {
      (parts[current] ??= []).push(text);
    }
  }
  const get = (name: string): string | undefined => parts[name]?.join('\n').trim() || undefined;
  return new DatabaseError({
    code: match[1],
    message: get('MESSAGE') ?? match[1],
    detail: get('DETAIL'),
    hint: get('HINT'),
    where: get('CONTEXT'),
    position: line && caret !== undefined ? positionOf(sql, line.number, line.excerpt, caret) : undefined,
    schema: get('SCHEMA NAME'),
    table: get('TABLE NAME'),
    column: get('COLUMN NAME'),
    constraint: get('CONSTRAINT NAME'),
    cause,
  });
}

/**
 * Counted in characters, as PostgreSQL counts. A long line is cut, with `...` at its start, so that the caret fits: the
 * rest of it is looked for in the line.
 */
function positionOf(sql: string, number: number, excerpt: string, caret: number): number | undefined {
  const lines = sql.split('\n');
  const line = lines[number - 1];
  if (line === undefined) return undefined;
  const length = (text: string): number => [...text].length;
  const start = lines.slice(0, number - 1).reduce((sum, text) => sum + length(text) + 1, 0);
  if (!excerpt.startsWith('...') || line.startsWith('...')) return start + Math.max(0, caret) + 1;
  const at = line.indexOf(excerpt.slice(3).replace(/\.\.\.$/, ''));
  return at === -1 ? start + 1 : start + length(line.slice(0, at)) + Math.max(0, caret - 3) + 1;
}
