/**
 * dev/auth/: Supabase Auth, as GoTrue 2.18x answers it, on the `auth` schema of the muse's database. Its rows are what
 * Supabase writes, so they move there as they are.
 * May touch: the database by `DevDatabase`. Mails are put into a list, nothing is sent.
 */
import type { Session } from '../../database/database.ts';
import { readBody } from '../body.ts';
import { ApiError, InvalidToken } from '../errors.ts';
import { jsonAnswer } from '../http.ts';
import type { Claims, DevAnswer, DevDatabase, DevPart, DevRequest, Mail } from '../service.ts';
import type { AuthCall, AuthContext, Login, Reply, UserCall } from './call.ts';
import { AuthError, errorAnswer } from './errors.ts';
import { findRoute, type Match } from './routes.ts';
import { findLogin } from './sessions.ts';
import { allSettings, type PartialSettings } from './settings.ts';
import { findUserById, isBanned } from './users.ts';
import { isUuid, parseBody } from './values.ts';

export type { PartialSettings } from './settings.ts';

export interface AuthOptions extends Omit<AuthContext, 'settings'> {
  database: DevDatabase;
  /** What differs from a local Supabase. */
  settings?: PartialSettings | undefined;
}

/** Builds Auth, which is below `/auth/v1`. */
export function createAuth({ database, settings, keys, mails, url }: AuthOptions): DevPart {
  const auth: AuthContext = { settings: allSettings(settings), keys, mails, url };
  return {
    async handle(request) {
      try {
        const match = findRoute(request.method, request.path);
        try {
          return toAnswer(await answer(auth, database, request, match));
        } catch (error) {
          const reply = 'refused' in match.route ? match.route.refused?.({ auth, request }, error) : undefined;
          if (reply === undefined) throw error;
          return toAnswer(reply);
        }
      } catch (error) {
        return errorAnswer(error, request);
      }
    },
  };
}

async function answer(
  auth: AuthContext,
  database: DevDatabase,
  request: DevRequest,
  { route, params }: Match,
): Promise<Reply> {
  // What waits for the client is before the transaction, because everybody else waits for that one.
  const text = request.method === 'GET' ? '' : await readText(request);
  const claims = 'open' in route ? {} : await readClaims(auth, request);
  if ('admin' in route) checkAdmin(claims);
  const mails: Mail[] = [];
  const reply = await database.asServer(async (sql) => {
    // GoTrue's role searches this schema only, so a trigger of the muse that names its tables without a schema fails
    // here as it would on Supabase.
    await sql.query(`SELECT pg_catalog.set_config('search_path', 'auth', true)`);
    const call: AuthCall = { auth: { ...auth, mails }, request, sql, params, text, body: () => parseBody(text) };
    if ('open' in route) return route.open(call);
    return 'admin' in route ? route.admin(call) : route.user(await signedIn(call, claims));
  });
  // A mail whose code was rolled back would lead nowhere.
  for (const mail of mails) auth.mails.push(mail);
  return reply;
}

/** GoTrue's limit for a body. */
const maxBytes = 1 << 20;

async function readText({ body }: DevRequest): Promise<string> {
  try {
    return (await readBody(body, maxBytes)).toString('utf8');
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 413) throw error;
    throw new AuthError(413, 'request_entity_too_large', `Request body too large (max ${maxBytes} bytes)`);
  }
}

/** Who asks, by their token; by their key where they sent that, of which Supabase's gateway makes a token. */
async function readClaims({ keys }: AuthContext, request: DevRequest): Promise<Claims> {
  const { token, identity, headers } = request;
  if (token === undefined) {
    const key = headers['apikey'];
    if (headers.authorization !== undefined || key === keys.publishable || key === keys.secret) return identity.claims;
    throw new AuthError(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
  }
  try {
    return await keys.verify(token);
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error;
    const reason = invalidTokens[error.reason];
    throw new AuthError(403, 'bad_jwt', `invalid JWT: unable to parse or verify signature, ${reason}`);
  }
}

/** What GoTrue's library says about a token. */
const invalidTokens = {
  expired: 'token has invalid claims: token is expired',
  malformed: 'token is malformed: token contains an invalid number of segments',
  signature: 'token signature is invalid: signature is invalid',
  claims: 'token has invalid claims',
} as const;

function checkAdmin({ role }: Claims): void {
  if (role === 'service_role' || role === 'supabase_admin') return;
  throw new AuthError(403, 'not_admin', 'User not allowed');
}

/** The user of a token, and their session where the token names one. */
async function signedIn(call: AuthCall, claims: Claims): Promise<UserCall> {
  const { sub, session_id: loginId } = claims;
  if (typeof sub !== 'string' || sub === '') throw badToken('invalid claim: missing sub claim');
  if (!isUuid(sub)) throw new AuthError(400, 'bad_jwt', 'invalid claim: sub claim must be a UUID');
  const user = await findUserById(call.sql, sub);
  if (!user) throw new AuthError(403, 'user_not_found', 'User from sub claim in JWT does not exist');
  const login = typeof loginId === 'string' && loginId !== '' ? await sessionOf(call.sql, loginId) : undefined;
  if (isBanned(user)) throw new AuthError(403, 'user_banned', 'User is banned');
  return { ...call, claims, user, login };
}

async function sessionOf(sql: Session, id: string): Promise<Login> {
  if (!isUuid(id)) throw badToken('invalid claim: session_id claim must be a UUID');
  const login = await findLogin(sql, id);
  if (login) return login;
  throw new AuthError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
}

function badToken(message: string): AuthError {
  return new AuthError(403, 'bad_jwt', message);
}

function toAnswer({ status, headers = {}, body }: Reply): DevAnswer {
  return body === undefined ? { status, headers } : jsonAnswer(status, body, headers);
}
