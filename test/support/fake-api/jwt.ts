/** HS256 tokens and the keys of a project, both kinds. */
import { createHmac, randomBytes } from 'node:crypto';

export interface FakeKeys {
  jwtSecret: string;
  anon: string;
  serviceRole: string;
  publishable: string;
  secret: string;
}

export type Claims = Record<string, unknown>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const mac = (text: string, key: string): string => createHmac('sha256', key).update(text).digest('base64url');

export function signToken(claims: Claims, key: string): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${mac(text, key)}`;
}

/** The claims, or undefined if the signature is wrong or the token has expired. */
export function readToken(token: string, key: string): Claims | undefined {
  const [head, body, signature] = token.split('.');
  if (!head || !body || signature !== mac(`${head}.${body}`, key)) return undefined;
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
  return typeof claims['exp'] === 'number' && claims['exp'] * 1000 < Date.now() ? undefined : claims;
}

export function makeKeys(ref: string): FakeKeys {
  const jwtSecret = randomBytes(32).toString('hex');
  const legacy = (role: string): string =>
    signToken({ iss: 'supabase', ref, role, iat: 1_700_000_000, exp: 4_000_000_000 }, jwtSecret);
  return {
    jwtSecret,
    anon: legacy('anon'),
    serviceRole: legacy('service_role'),
    publishable: `sb_publishable_${randomBytes(16).toString('base64url')}`,
    secret: `sb_secret_${randomBytes(16).toString('base64url')}`,
  };
}
