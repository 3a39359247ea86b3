/** What stands before a project's services: keys and tokens to a role and its claims. */
import type { TwinAnswer, TwinRequest } from './http.ts';
import { readToken, type Claims } from './jwt.ts';
import type { TwinProject } from './state.ts';

/** Who asks. */
export interface Caller {
  role: string;
  claims: Claims;
}

/** The caller, or the gateway's refusal. */
export function identify(project: TwinProject, request: TwinRequest): Caller | TwinAnswer {
  const apikey = request.headers['apikey'];
  if (typeof apikey !== 'string') return { status: 401, body: { message: 'No API key found in request', hint: 'No `apikey` request header or url param was found.' } };
  const byKey = callerOf(project, apikey);
  if (!byKey) return { status: 401, body: { message: 'Invalid API key' } };
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined || bearer === apikey) return byKey;
  return callerOf(project, bearer) ?? { status: 401, body: { code: 'PGRST301', message: 'JWSError JWSInvalidSignature', msg: 'invalid JWT' } };
}

export function isRefused(caller: Caller | TwinAnswer): caller is TwinAnswer {
  return 'status' in caller;
}

function callerOf(project: TwinProject, text: string): Caller | undefined {
  const { keys } = project;
  if (text === keys.publishable) return { role: 'anon', claims: { role: 'anon' } };
  if (text === keys.secret) return { role: 'service_role', claims: { role: 'service_role' } };
  const claims = readToken(text, keys.jwtSecret);
  return claims ? { role: String(claims['role']), claims } : undefined;
}
