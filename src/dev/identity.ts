import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, InvalidToken } from './errors.ts';
import { type ApiRole, apiRoles, type Claims, type DevKeys, type Identity } from './service.ts';

/** Who a request acts as, and the token that says so where it is not one of the keys. */
export interface Authenticated {
  identity: Identity;
  token: string | undefined;
}

export interface IdentifyOptions {
  /** Whether this path needs no key, as behind Supabase's gateway: what has none is an anonymous visitor. */
  open: boolean;
  /** What the service answers to a token that is not valid; undefined where it looks at tokens itself. */
  badToken: ((error: InvalidToken) => ApiError) | undefined;
}

/** Finds out who a request acts as. */
export type Identify = (
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
  options: IdentifyOptions,
) => Promise<Authenticated>;

/** Reads keys and tokens as Supabase's gateway and the services after it do. */
export async function createIdentify(keys: DevKeys): Promise<Identify> {
  const [anon, service] = await Promise.all([identityOf(keys.anonToken), identityOf(keys.serviceToken)]);
  const known = new Map([
    [keys.publishable, anon],
    [keys.anonToken, anon],
    [keys.secret, service],
    [keys.serviceToken, service],
  ]);

  async function identityOf(token: string): Promise<Identity> {
    const claims = await keys.verify(token);
    return { role: roleOf(claims), claims };
  }

  return async (headers, query, { open, badToken }) => {
    const key = one(headers['apikey']) ?? query.get('apikey') ?? undefined;
    const byKey = key === undefined ? undefined : known.get(key);
    if (byKey === undefined && !open) throw key === undefined ? missingKey() : wrongKey();
    const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer === undefined) return { identity: byKey ?? anon, token: undefined };
    const byBearer = known.get(bearer);
    if (byBearer !== undefined) return { identity: byBearer, token: undefined };
    try {
      return { identity: await identityOf(bearer), token: bearer };
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error;
      if (badToken !== undefined) throw badToken(error);
      return { identity: byKey ?? anon, token: bearer };
    }
  };
}

/** @throws InvalidToken for a role that no token may name */
function roleOf(claims: Claims): ApiRole {
  const named = claims['role'] ?? 'anon';
  const role = apiRoles.find((one) => one === named);
  if (role !== undefined) return role;
  throw new InvalidToken('claims', 'JWT role claim is not valid');
}

/** The first of a header that was sent more than once. */
function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

const missingKey = (): ApiError =>
  new ApiError(401, {
    message: 'No API key found in request',
    hint: 'No `apikey` request header or url param was found.',
  });

const wrongKey = (): ApiError =>
  new ApiError(401, {
    message: 'Invalid API key',
    hint: 'Double check your Supabase `anon` or `service_role` API key. The keys of muse dev are in .env.local.',
  });
