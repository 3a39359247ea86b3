import { MuseError } from '../error.ts';
import { jittered, type Clock } from './clock.ts';

/** The errors of supabase-js's parts, as far as they are alike. */
export interface ServiceError {
  message: string;
  status?: number | undefined;
  code?: string | undefined;
}

/**
 * Calls until the answer is one: a service that is just up may fail for some seconds. Only for calls that come to the
 * same when they run twice.
 * @returns the answer, whose error (if any) is not a passing one
 */
export async function persistently<Answer extends { error: unknown }>(
  clock: Clock,
  call: () => PromiseLike<Answer>,
): Promise<Answer> {
  for (let number = 1; ; number += 1) {
    const answer = await call();
    if (!isPassing(answer.error) || number >= 6) return answer;
    await clock.sleep(jittered(clock, Math.min(10_000, 500 * 2 ** number)));
  }
}

/** Says whether the same call may succeed in a moment: no answer, a gateway's, too many, a schema cache that lags. */
function isPassing(error: unknown): boolean {
  if (!error) return false;
  const { status, code, message } = asServiceError(error);
  if (code === 'PGRST205' || code === 'PGRST002' || code === 'PGRST001') return true;
  if (status === 0 || status === 429 || (status !== undefined && status >= 500)) return true;
  return status === undefined && code === undefined || /fetch failed/i.test(message);
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
  const { message, status } = asServiceError(error);
  return new MuseError({
    code: 'configure-failed',
    message: `${what} failed${status ? ` (${status})` : ''}: ${message}`,
    suggestion: 'See the project\'s logs in the dashboard, change what the message names, and go on with --resume.',
    cause: error,
  });
}
