import type { IncomingHttpHeaders } from 'node:http';
import { InvalidToken } from '../errors.ts';
import { createIdentify } from '../identity.ts';
import type { DevKeys, Identity } from '../service.ts';

/** Who a token speaks for, and until when. */
export interface Bearer {
  identity: Identity;
  /** Seconds since 1970. */
  expiresAt: number;
}

export interface Tokens {
  /** The key by which a socket is opened. Throws ApiError for one that is not valid, or none. */
  ofSocket(headers: IncomingHttpHeaders, query: URLSearchParams): Promise<Bearer>;
  /** A user's token, sent when a channel is joined or later. Throws Error that says why it is not valid. */
  ofUser(token: string): Promise<Bearer>;
}

export async function createTokens(keys: DevKeys): Promise<Tokens> {
  const identify = await createIdentify(keys);
  return {
    async ofSocket(headers, query) {
      const key = headers['x-api-key'];
      const { identity } = await identify({ ...headers, ...(typeof key === 'string' ? { apikey: key } : {}) }, query, {
        open: false,
        badToken: (error) => error,
      });
      return bearerOf(identity);
    },
    async ofUser(token) {
      try {
        const { identity } = await identify({ authorization: `Bearer ${token}` }, new URLSearchParams(), {
          open: true,
          badToken: (error) => error,
        });
        return bearerOf(identity);
      } catch (error) {
        if (error instanceof InvalidToken && error.reason === 'expired') throw expired(error);
        throw error;
      }
    },
  };
}

function bearerOf(identity: Identity): Bearer {
  const { exp, role } = identity.claims;
  if (typeof exp !== 'number' || role === undefined) throw new Error('Fields `role` and `exp` are required in JWT');
  if (exp * 1000 <= Date.now()) throw expired();
  return { identity, expiresAt: exp };
}

const expired = (cause?: Error): Error => new Error('Token has expired', cause === undefined ? undefined : { cause });
