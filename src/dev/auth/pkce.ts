/** PKCE: a link leads to a code, and only the client that asked for the link can turn the code into a session. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { ok, type AuthCall, type Reply } from './call.ts';
import { AuthError, invalid } from './errors.ts';
import { signIn, type Method } from './sessions.ts';
import { findUserById, type User } from './users.ts';
import { readFields } from './values.ts';

export interface Challenge {
  code_challenge: string;
  code_challenge_method: string;
}

/** The fields of a body that may ask for PKCE. */
export const challengeFields = { code_challenge: 'text', code_challenge_method: 'text' } as const;

/**
 * Whether a request asks for PKCE.
 * @throws AuthError 400 where its challenge is none
 */
export function usesPkce({ code_challenge: challenge, code_challenge_method: method }: Challenge): boolean {
  if ((challenge === '') !== (method === '')) {
    throw invalid('PKCE flow requires code_challenge_method and code_challenge');
  }
  if (challenge === '') return false;
  if (challenge.length < 43 || challenge.length > 128) {
    throw invalid('code challenge has to be between 43 and 128 characters');
  }
  if (!/^[a-zA-Z._~0-9-]+$/.test(challenge)) {
    throw invalid('code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes');
  }
  return true;
}

/** Remembers a challenge until its link is used. */
export async function startFlow(
  sql: Session,
  user: User,
  challenge: Challenge,
  method: Method,
  provider: string = method,
): Promise<void> {
  const algorithm = challenge.code_challenge_method.toLowerCase();
  if (algorithm !== 's256' && algorithm !== 'plain') {
    const given = JSON.stringify(challenge.code_challenge_method);
    throw invalid(`unsupported code_challenge method ${given}`);
  }
  await sql.query(
    `INSERT INTO auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge, provider_type,
       authentication_method, provider_access_token, provider_refresh_token, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', now(), now())`,
    [randomUUID(), user.id, randomUUID(), algorithm, challenge.code_challenge, provider, method],
  );
}

/** The code that the user's last link of this kind leads to. */
export async function issueCode(sql: Session, user: User, method: Method): Promise<string> {
  const { rows } = await sql.query<{ auth_code: string }>(
    `UPDATE auth.flow_state SET auth_code_issued_at = now(), updated_at = now() WHERE id = (
       SELECT id FROM auth.flow_state WHERE user_id = $1 AND authentication_method = $2
       ORDER BY created_at DESC LIMIT 1)
     RETURNING auth_code`,
    [user.id, method],
  );
  const [flow] = rows;
  if (!flow) {
    throw new AuthError(
      400,
      'flow_state_not_found',
      'No associated flow state found. No valid flow state found for user.',
    );
  }
  return flow.auth_code;
}

interface Flow {
  id: string;
  user_id: string | null;
  code_challenge: string;
  code_challenge_method: 's256' | 'plain';
  authentication_method: Method;
  from: string;
}

/** Seconds that a flow lasts. */
const flowSeconds = 300;

/** `grant_type=pkce`. */
export async function exchangeCode(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), { auth_code: 'text', code_verifier: 'text' });
  if (fields.auth_code === '' || fields.code_verifier === '') {
    throw invalid('invalid request: both auth code and code verifier should be non-empty');
  }
  const { rows } = await call.sql.query<Flow>(
    `SELECT id, user_id, code_challenge, code_challenge_method, authentication_method,
       CASE WHEN authentication_method = 'magiclink' THEN coalesce(auth_code_issued_at, created_at)
       ELSE created_at END AS "from"
     FROM auth.flow_state WHERE auth_code = $1`,
    [fields.auth_code],
  );
  const [flow] = rows;
  const user = flow && flow.user_id !== null ? await findUserById(call.sql, flow.user_id) : undefined;
  if (!flow || !user) {
    throw new AuthError(404, 'flow_state_not_found', 'invalid flow state, no valid flow state found');
  }
  if (Date.parse(flow.from) + flowSeconds * 1000 < Date.now()) {
    throw new AuthError(422, 'flow_state_expired', 'invalid flow state, flow state has expired');
  }
  const answer =
    flow.code_challenge_method === 'plain'
      ? fields.code_verifier
      : createHash('sha256').update(fields.code_verifier).digest('base64url');
  if (!isSame(answer, flow.code_challenge)) {
    throw new AuthError(400, 'bad_code_verifier', 'code challenge does not match previously saved code verifier');
  }
  await call.sql.query('DELETE FROM auth.flow_state WHERE id = $1', [flow.id]);
  return ok(await signIn(call, user, flow.authentication_method));
}

/** Compares two secrets in a time that does not tell where they differ. */
export function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
