/**
 * dev/auth/: Supabase Auth, as GoTrue 2.18x answers it, on the `auth` schema of the muse's database. Its rows are what
 * Supabase writes, so they move there as they are.
 * May touch: the database by `DevDatabase`. Mails are put into a list, nothing is sent.
 */
import type { Readable } from 'node:stream';
import type { Session } from '../../database/database.ts';
import type { Claims, DevAnswer, DevDatabase, DevPart, DevRequest } from '../service.ts';
import type { AuthCall, AuthContext, Login, Reply, UserCall } from './call.ts';
import { AuthError, errorAnswer } from './errors.ts';
import { becomeAuthAdmin } from './passwords.ts';
import { findRoute, type Match } from './routes.ts';
import { findLogin } from './sessions.ts';
import { allSettings, type PartialSettings } from './settings.ts';
import { findUserById, isBanned } from './users.ts';
import { isUuid, parseBody } from './values.ts';

export type { AuthSettings, PartialSettings } from './settings.ts';

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
  // All that waits for the client or for cryptography is before the transaction: the others wait for that one.
  const body = await readBody(request);
  const claims = 'open' in route ? undefined : await bearer(auth, request);
  if ('admin' in route) checkAdmin(claims ?? {});
  return database.asServer(async (sql) => {
    await becomeAuthAdmin(sql);
    const call: AuthCall = { auth, request, sql, body, params };
    if ('open' in route) return route.open(call);
    if ('admin' in route) return route.admin(call);
    return route.user(await signedIn(call, claims ?? {}));
  });
}

/** GoTrue's limit for a body. */
const maxBytes = 1 << 20;

async function readBody({ method, headers, body }: DevRequest): Promise<unknown> {
  if (method === 'GET' || method === 'HEAD') return undefined;
  const text = await readText(body);
  // Without a body there are no fields to read for these.
  if (text === '' && (method === 'DELETE' || headers['content-length'] === '0' || !('content-length' in headers))) {
    return method === 'DELETE' ? undefined : parseLater(text);
  }
  return parseBody(text);
}
