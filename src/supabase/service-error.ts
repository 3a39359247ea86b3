import { MuseError } from '../shared/error.ts';
import { jittered, type Clock } from './clock.ts';

/** The common part of the errors of supabase-js. */
interface ServiceError {
  message: string;
  status?: number | undefined;
  code?: string | undefined;
}

/**
 * PostgREST's codes for a table that its schema cache does not have: new tables get there a moment after they are created.
 */
const unknownTable = ['PGRST205', 'PGRST204'];

/**
 * Repeats a call until it succeeds: a service that has just started may fail for some seconds. Only for calls that have
 * the same result when they run twice.
 * @param forTable false: what is not in the API's schema cache is not waited for
 * @returns the answer, whose error (if any) is not a passing one
 */
export async function persistently<Answer extends { error: unknown }>(
  clock: Clock,
  call: () => PromiseLike<Answer>,
  forTable = true,
): Promise<Answer> {
  for (let number = 1; ; number += 1) {
    const answer = await call();
    const most = isUnknownTable(answer.error) ? (forTable ? 4 : 1) : isPassing(answer.error) ? 6 : 1;
    if (number >= most) return answer;
    await clock.sleep(jittered(clock, Math.min(10_000, 500 * 2 ** number)));
  }
}

/** Says whether the Data API does not know the table. */
export function isUnknownTable(error: unknown): boolean {
  return Boolean(error) && unknownTable.includes(asServiceError(error).code ?? '');
}

/** Says whether the same call may succeed in a moment: no answer, a gateway's, too many, a schema cache that loads. */
function isPassing(error: unknown): boolean {
  if (!error) return false;
  const { status, code, message } = asServiceError(error);
  if (code === 'PGRST002' || code === 'PGRST001') return true;
  if (status === 0 || status === 429 || (status !== undefined && status >= 500)) return true;
  return (status === undefined && code === undefined) || /fetch failed/i.test(message);
}

/** The error's fields, whichever part of supabase-js it is from. */
export function asServiceError(error: unknown): ServiceError {
  const fields = error as { message?: unknown; status?: unknown; statusCode?: unknown; code?: unknown };
  const status = Number(fields.status ?? fields.statusCode ?? Number.NaN);
  return {
    message: typeof fields.message === 'string' ? fields.message : 'no message',
    status: Number.isNaN(status) ? undefined : status,
    code: typeof fields.code === 'string' && fields.code !== '' ? fields.code : undefined,
  };
}

/** The error that a service's refusal becomes; code `configure-failed`. */
export function serviceFailed(what: string, error: unknown): MuseError {
  const { message, status, code } = asServiceError(error);
  return new MuseError({
    code: 'configure-failed',
    message: `${what} failed${status ? ` (${status})` : ''}: ${message}`,
    suggestion: /^(?:email_address_not_authorized|over_email_send_rate_limit)$/.test(code ?? '')
      ? "Supabase's own mail service sends a few mails an hour, to members of the organization only: set up SMTP " +
        'in the dashboard (Authentication, Emails), or create the admin with a password in a terminal; then ' +
        'continue with --resume.'
      : "See the project's logs in the dashboard, fix what the message is about, and continue with --resume.",
    cause: error,
  });
}
