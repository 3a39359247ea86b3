/** The gateway of a project's services: maps keys and tokens to a role and its claims. */
import type { FakeAnswer, FakeRequest } from './http.ts';
import { readToken, type Claims } from './jwt.ts';
import type { FakeProject } from './state.ts';

/** The caller. */
export interface Caller {
  role: string;
  claims: Claims;
}

/** The caller, or the gateway's refusal. */
export function identify(project: FakeProject, request: FakeRequest): Caller | FakeAnswer {
  const apikey = request.headers['apikey'];
  if (typeof apikey !== 'string')
    return {
      status: 401,
      body: { message: 'No API key found in request', hint: 'No `apikey` request header or url param was found.' },
    };
  const byKey = callerOf(project, apikey);
  if (!byKey) return { status: 401, body: { message: 'Invalid API key' } };
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined || bearer === apikey) return byKey;
  return (
    callerOf(project, bearer) ?? {
      status: 401,
      body: { code: 'PGRST301', message: 'JWSError JWSInvalidSignature', msg: 'invalid JWT' },
    }
  );
}

export function isRefused(caller: Caller | FakeAnswer): caller is FakeAnswer {
  return 'status' in caller;
}

function callerOf(project: FakeProject, text: string): Caller | undefined {
  const { keys } = project;
  if (text === keys.publishable) return { role: 'anon', claims: { role: 'anon' } };
  if (text === keys.secret) return { role: 'service_role', claims: { role: 'service_role' } };
  const claims = readToken(text, keys.jwtSecret);
  return claims ? { role: String(claims['role']), claims } : undefined;
}
