import { DatabaseError } from '../../database/database.ts';
import { ApiError } from '../errors.ts';
import type { AnswerHeaders, Identity } from '../service.ts';
import { answerHeaders, type Header, isHeader, isHeaderValue, isStatus } from './headers.ts';

export interface FailureFields {
  status: number;
  /** `PGRST…` or a SQLSTATE. */
  code: string;
  message: string;
  details?: unknown;
  hint?: string | null | undefined;
  headers?: AnswerHeaders | undefined;
}

/** What the Data API answers instead of a result, in PostgREST's shape. */
export class RestFailure extends ApiError {
  override readonly name = 'RestFailure';

  constructor({ status, code, message, details = null, hint = null, headers }: FailureFields) {
    super(
      status,
      { code, details, hint, message },
      { headers: { ...(isHeaderValue(code) ? { 'proxy-status': `PostgREST; error=${code}` } : {}), ...headers } },
    );
  }
}

/** The status of a SQLSTATE's class; see PostgREST's documentation, "Errors from PostgreSQL". */
const statusOfClass: Readonly<Record<string, number>> = {
  '08': 503,
  '09': 500,
  '0L': 403,
  '0P': 403,
  '25': 500,
  '28': 403,
  '2D': 500,
  '38': 500,
  '39': 500,
  '3B': 500,
  '40': 500,
  '53': 503,
  '54': 500,
  '55': 500,
  '57': 500,
  '58': 500,
  F0: 500,
  HV: 500,
  P0: 500,
  XX: 500,
};

/** States that differ from their class. */
const statusOfState: Readonly<Record<string, number>> = {
  '23503': 409,
  '23505': 409,
  '25006': 405,
  '42883': 404,
  '42P01': 404,
  '42P17': 500,
  '53400': 500,
  '57P01': 503,
  P0001: 400,
};

function statusOf(error: DatabaseError, identity: Identity): number {
  const { code, message } = error;
  if (code === '42501') return identity.role === 'anon' ? 401 : 403;
  if (code === '21000') return message.endsWith('requires a WHERE clause') ? 400 : 500;
  if (code === '42883' && message.startsWith('function xmlagg(')) return 406;
  // A function chooses its own status: RAISE … USING ERRCODE = 'PT402'.
  if (code.startsWith('PT')) return isStatus(code.slice(2)) ? Number(code.slice(2)) : 500;
  return statusOfState[code] ?? statusOfClass[code.slice(0, 2)] ?? 400;
}

/** What a failed request answers: PostgreSQL's own report with its status; every other error as it is. */
export function toFailure(error: unknown, identity: Identity): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.code === 'PGRST') return raisedFailure(error);
  const status = statusOf(error, identity);
  return new RestFailure({
    status,
    code: error.code,
    message: error.message,
    details: error.detail,
    hint: error.hint,
    headers: status === 401 ? { 'www-authenticate': 'Bearer' } : undefined,
  });
}

/** `RAISE SQLSTATE 'PGRST'`: the message and the detail are JSON and hold the whole answer. */
function raisedFailure(error: DatabaseError): RestFailure {
  const message = asObject(error.message);
  if (typeof message?.['code'] !== 'string' || typeof message['message'] !== 'string') {
    return unreadableRaise(
      `Invalid JSON value for MESSAGE: '${error.message}'`,
      "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
    );
  }
  const detailHint =
    "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";
  if (error.detail === undefined) return unreadableRaise('DETAIL is missing in the RAISE statement', detailHint);
  const detail = asObject(error.detail);
  const headers = headersOf(detail?.['headers']);
  const status = detail?.['status'];
  if (typeof status !== 'number' || !isStatus(String(status)) || headers === undefined) {
    return unreadableRaise(`Invalid JSON value for DETAIL: '${error.detail}'`, detailHint);
  }
  return new RestFailure({
    status,
    code: message['code'],
    message: message['message'],
    details: message['details'],
    hint: typeof message['hint'] === 'string' ? message['hint'] : null,
    headers,
  });
}

function unreadableRaise(details: string, hint: string): RestFailure {
  return new RestFailure({
    status: 500,
    code: 'PGRST121',
    message: 'Could not parse JSON in the "RAISE SQLSTATE \'PGRST\'" error',
    details,
    hint,
  });
}

function asObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for what is no object of headers. */
function headersOf(value: unknown): AnswerHeaders | undefined {
  if (!isRecord(value)) return undefined;
  const pairs = Object.entries(value);
  return pairs.every((pair): pair is [string, string] & Header => isHeader(pair)) ? answerHeaders(pairs) : undefined;
}
