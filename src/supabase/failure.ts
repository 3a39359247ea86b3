import { type ErrorCode, MuseError } from '../shared/error.ts';
import { networkTrouble } from '../shared/network.ts';

/** What the API answered, as the `cause` of the error. */
interface ApiRefusal {
  status: number;
  message: string;
}

/** The status that the API answered with, or undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  return refusalOf(error)?.status;
}

/** The API's own message, or an empty text. */
export function apiMessageOf(error: unknown): string {
  return refusalOf(error)?.message ?? '';
}

function refusalOf(error: unknown): ApiRefusal | undefined {
  const cause = error instanceof MuseError ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'status' in cause ? (cause as ApiRefusal) : undefined;
}

const byStatus: Record<number, { code: ErrorCode; suggestion: string }> = {
  401: {
    code: 'token-refused',
    suggestion:
      'The token was revoked or has expired: create another at https://supabase.com/dashboard/account/tokens and ' +
      'set SUPABASE_ACCESS_TOKEN.',
  },
  402: { code: 'plan-limit', suggestion: "Look at the organization's plan and billing in the dashboard." },
  403: {
    code: 'api-forbidden',
    suggestion:
      "The token's owner does not have permission for this in that organization or project: ask for it, or use another token.",
  },
  404: {
    code: 'api-not-found',
    suggestion: 'Check the project ref and the organization: the token may belong to another account.',
  },
  429: {
    code: 'rate-limited',
    suggestion: 'Supabase allows 120 requests a minute. Wait a minute before the next try.',
  },
};

/**
 * The error that an answer with a status of 400 and above becomes.
 * Codes: `token-refused` 401, `plan-limit` 402, `api-forbidden` 403, `api-not-found` 404, `rate-limited` 429,
 * `api-failed` 5xx (may have taken effect), `api-refused` any other.
 */
export function refused(what: string, status: number, message: string): MuseError {
  const known = byStatus[status];
  const code = known?.code ?? (status >= 500 ? 'api-failed' : 'api-refused');
  return new MuseError({
    code,
    message: `Supabase answered ${status} to ${what}: ${message}`,
    suggestion:
      known?.suggestion ??
      (status >= 500
        ? "This is on Supabase's side; see https://status.supabase.com."
        : 'Change what the message is about.'),
    cause: { status, message } satisfies ApiRefusal,
  });
}

/** Errors of a connection that was never made: nothing was sent. */
const neverSent = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Node's code of a failed connection, e.g. `ECONNRESET`; looks into causes and into the first of several errors. */
export function connectionCode(error: unknown): string | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth += 1) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
    if (current.name === 'TimeoutError') return 'ETIMEDOUT';
    current = current.cause ?? (current instanceof AggregateError ? current.errors[0] : undefined);
  }
  return undefined;
}

/**
 * The error that a failed connection becomes: `api-unreachable` when nothing was sent, `answer-lost` when it may have
 * taken effect.
 */
export function lost(
  what: string,
  host: string,
  error: unknown,
  environment: NodeJS.ProcessEnv = process.env,
): MuseError {
  const code = connectionCode(error) ?? 'unknown';
  const sent = !neverSent.has(code);
  const trouble = sent ? undefined : networkTrouble('node', code, environment);
  if (trouble !== undefined)
    return new MuseError({
      code: 'api-unreachable',
      message: `${host} ${trouble.what} (${code}).`,
      suggestion: `${trouble.suggestion} Nothing was sent.`,
      cause: error,
    });
  return new MuseError({
    code: sent ? 'answer-lost' : 'api-unreachable',
    message: sent ? `${host} did not answer ${what} (${code}).` : `${host} cannot be reached (${code}).`,
    suggestion: sent
      ? 'It may have taken effect; the next run checks that first.'
      : 'Check the network, a proxy or firewall, and SUPABASE_API_URL; nothing was sent.',
    cause: error,
  });
}
