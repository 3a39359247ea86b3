/** Auth's errors, in the two shapes that GoTrue has: before and since its API version of 2024-01-01. */
import { DatabaseError } from '../../database/database.ts';
import type { AnswerHeaders, DevAnswer, DevRequest } from '../service.ts';

/** A refusal as GoTrue words it. `code` is one of its error codes. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly status: number;
  readonly code: string;
  /** Why a password is weak: `length`, `characters`. */
  readonly reasons: readonly string[] | undefined;

  constructor(status: number, code: string, message: string, more: { reasons?: string[]; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = status;
    this.code = code;
    this.reasons = more.reasons;
  }
}

/** An error of a grant in OAuth's shape, which some of `/token` has. */
export class GrantError extends Error {
  override readonly name = 'GrantError';
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

/** The most common refusal: a value in the request is wrong. */
export function invalid(message: string): AuthError {
  return new AuthError(400, 'validation_failed', message);
}

/** Another user has this address. */
export const emailTaken = new AuthError(
  422,
  'email_exists',
  'A user with this email address has already been registered',
);

/** Another user has this number. */
export const phoneTaken = new AuthError(
  422,
  'phone_exists',
  'A user with this phone number has already been registered',
);

/** A feature of Supabase Auth that is not here. */
export function notHere(message: string): AuthError {
  return new AuthError(501, 'feature_disabled', message);
}

/**
 * Runs a step whose failure in the database GoTrue words by itself: a trigger on `auth.users` that raises is "Database
 * error saving new user".
 * @throws AuthError 500 with `message`, and what PostgreSQL said as its cause
 */
export async function orDatabaseError<T>(message: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    // A step inside has worded it before: the outer wording is the one that GoTrue answers.
    const cause = error instanceof AuthError ? error.cause : error;
    if (cause instanceof DatabaseError) throw new AuthError(500, 'unexpected_failure', message, { cause });
    throw error;
  }
}

const versionHeader = 'x-supabase-api-version';
const version = '2024-01-01';

/** GoTrue's dates of API versions: a client that sends a later date gets the newest that there is. */
function knowsCodes(request: DevRequest): boolean {
  const asked = request.headers[versionHeader];
  return typeof asked === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(asked) && asked >= version;
}

/** The SQLSTATEs whose report GoTrue hands to clients that know no error codes: RAISE and violated constraints. */
const told = new Set(['P0001', '23000', '23001', '23502', '23503', '23505', '23514', '23P01']);

/** The answer for an error that a handler threw. What PostgreSQL said is added as `hint`, which GoTrue only logs. */
export function errorAnswer(error: unknown, request: DevRequest): DevAnswer {
  if (error instanceof GrantError) {
    return {
      status: 400,
      headers: json,
      body: JSON.stringify({ error: error.code, error_description: error.message }),
    };
  }
  const known = error instanceof AuthError ? error : unexpected(error);
  const { cause } = known;
  const report = cause instanceof DatabaseError ? cause : undefined;
  const hint =
    report === undefined ? (cause as Error | undefined)?.message : `PostgreSQL says ${report.code}: ${report.message}`;
  const weak = known.reasons === undefined ? undefined : { reasons: known.reasons };
  if (knowsCodes(request)) {
    return {
      status: known.status,
      headers: { ...json, 'x-sb-error-code': known.code, [versionHeader]: version },
      body: JSON.stringify({ code: known.code, message: known.message, weak_password: weak, hint }),
    };
  }
  const body =
    report !== undefined && told.has(report.code)
      ? { code: report.code, message: report.message, hint: report.hint, detail: report.detail }
      : { code: known.status, error_code: known.code, msg: known.message, weak_password: weak, hint };
  return { status: known.status, headers: { ...json, 'x-sb-error-code': known.code }, body: JSON.stringify(body) };
}

/**
 * The answer for an error whose handler wrote something that has to stay: it is returned, so that the transaction
 * commits, where throwing would roll it back.
 */
export function errorReply(
  error: AuthError,
  request: DevRequest,
): { status: number; headers: AnswerHeaders; body: unknown } {
  const { status, headers, body } = errorAnswer(error, request);
  return { status, headers: headers ?? {}, body: JSON.parse(String(body)) as unknown };
}

function unexpected(cause: unknown): AuthError {
  if (cause instanceof DatabaseError && cause.code === '42P01' && cause.message.startsWith('relation "auth.')) {
    const message = `This database was made before Supabase Auth had this feature: ${cause.message}`;
    return new AuthError(501, 'feature_disabled', message, { cause });
  }
  // A value that no column can hold, such as a text with NUL, is the caller's fault.
  if (cause instanceof DatabaseError && cause.code.startsWith('22')) {
    return new AuthError(400, 'validation_failed', cause.message, { cause });
  }
  const message = 'Unexpected failure, please check server logs for more information';
  return new AuthError(500, 'unexpected_failure', message, { cause });
}

const json = { 'content-type': 'application/json' } as const;
