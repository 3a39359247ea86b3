/** Sessions, access tokens and refresh tokens. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { clientOf, type AuthCall, type Login, type Reply, ok } from './call.ts';
import { AuthError, errorReply, invalid } from './errors.ts';
import { findUserById, instanceId, isBanned, updateUser, userJson, type User } from './users.ts';
import { readFields } from './values.ts';

/** How a user proved who they are, as `amr` has it. */
export type Method =
  | 'password'
  | 'otp'
  | 'anonymous'
  | 'recovery'
  | 'invite'
  | 'magiclink'
  | 'email/signup'
  | 'email_change'
  | 'passkey'
  | SecondMethod;

/** The ways that raise a session to `aal2`. */
export type SecondMethod = 'totp' | 'mfa/webauthn';
const secondMethods: ReadonlySet<string> = new Set<SecondMethod>(['totp', 'mfa/webauthn']);

/** What signing in answers. */
export interface Tokens {
  access_token: string;
  token_type: 'bearer';
  expires_in: number;
  expires_at: number;
  refresh_token: string;
  user: object;
}

const loginSql = 'SELECT id, user_id, aal, created_at, not_after FROM auth.sessions';

export async function findLogin(sql: Session, id: string): Promise<Login | undefined> {
  return (await sql.query<Login>(`${loginSql} WHERE id = $1`, [id])).rows[0];
}

/** Starts a session. */
export async function signIn(call: AuthCall, user: User, method: Method): Promise<Tokens> {
  const id = randomUUID();
  const { ip, userAgent } = clientOf(call.request);
  await call.sql.query(
    `INSERT INTO auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
     VALUES ($1, $2, now(), now(), 'aal1', $3, $4)`,
    [id, user.id, userAgent, ip],
  );
  await updateUser(call.sql, user, { last_sign_in_at: new Date().toISOString() });
  const refreshToken = await insertRefreshToken(call.sql, user, id);
  await addMethod(call.sql, id, method);
  return answerTokens(call, user, id, refreshToken);
}

/** Notes another way in which the user of a session proved who they are. */
export async function addMethod(sql: Session, loginId: string, method: Method): Promise<void> {
  await sql.query(
    `INSERT INTO auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
     VALUES ($1, $2, now(), now(), $3)
     ON CONFLICT ON CONSTRAINT mfa_amr_claims_session_id_authentication_method_pkey DO UPDATE SET updated_at = now()`,
    [randomUUID(), loginId, method],
  );
}

/** Signs an access token for a session. */
export async function answerTokens(call: AuthCall, user: User, loginId: string, refreshToken: string): Promise<Tokens> {
  const { rows: amr } = await call.sql.query<{ method: string; timestamp: number }>(
    `SELECT authentication_method AS method, floor(extract(epoch FROM updated_at))::int AS timestamp
     FROM auth.mfa_amr_claims WHERE session_id = $1 ORDER BY updated_at DESC, created_at DESC`,
    [loginId],
  );
  const issued = Math.floor(Date.now() / 1000);
  const { tokenSeconds } = call.auth.settings;
  const claims = {
    iss: `${call.auth.url()}/auth/v1`,
    sub: user.id,
    aud: user.aud,
    exp: issued + tokenSeconds,
    iat: issued,
    email: user.email ?? '',
    phone: user.phone ?? '',
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    role: user.role,
    aal: amr.some(({ method }) => secondMethods.has(method)) ? 'aal2' : 'aal1',
    amr,
    session_id: loginId,
    is_anonymous: user.is_anonymous,
  };
  return {
    access_token: await call.auth.keys.sign(claims),
    token_type: 'bearer',
    expires_in: tokenSeconds,
    expires_at: claims.exp,
    refresh_token: refreshToken,
    user: userJson(user),
  };
}

interface RefreshToken {
  id: string;
  token: string;
  user_id: string;
  revoked: boolean;
  parent: string | null;
  updated_at: string;
  session_id: string | null;
}

async function insertRefreshToken(sql: Session, user: User, loginId: string, parent = ''): Promise<string> {
  const token = randomToken();
  await sql.query(
    `INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
     VALUES ($1, $2, $3, false, now(), now(), $4, $5)`,
    [instanceId, token, user.id, parent, loginId],
  );
  return token;
}

/** Twelve characters of base32 in lower case. */
function randomToken(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return [...randomBytes(12)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

/** Replaces the token that a session has now. */
export async function renewToken(sql: Session, user: User, loginId: string): Promise<string> {
  const { rows } = await sql.query<{ token: string }>(
    'SELECT token FROM auth.refresh_tokens WHERE session_id = $1 AND NOT revoked ORDER BY created_at, id LIMIT 1',
    [loginId],
  );
  return swapToken(sql, user, loginId, rows[0]?.token ?? '');
}

async function swapToken(sql: Session, user: User, loginId: string, token: string): Promise<string> {
  await sql.query('UPDATE auth.refresh_tokens SET revoked = true, updated_at = now() WHERE token = $1', [token]);
  return insertRefreshToken(sql, user, loginId, token);
}

/** `grant_type=refresh_token`. */
export async function refresh(call: AuthCall): Promise<Reply> {
  const { refresh_token: given } = readFields(call.body(), { refresh_token: 'text' });
  if (!/^[a-z0-9]{12}$/.test(given)) throw invalid('Refresh token is not valid');
  const { sql } = call;
  const { rows } = await sql.query<RefreshToken>(
    'SELECT id, token, user_id, revoked, parent, updated_at, session_id FROM auth.refresh_tokens WHERE token = $1',
    [given],
  );
  const [token] = rows;
  const user = token && (await findUserById(sql, token.user_id));
  if (!token || !user) {
    throw new AuthError(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
  }
  if (isBanned(user)) throw new AuthError(400, 'user_banned', 'Invalid Refresh Token: User Banned');
  const login = token.session_id === null ? undefined : await findLogin(sql, token.session_id);
  if (!login) throw new AuthError(400, 'session_not_found', 'Invalid Refresh Token: No Valid Session Found');
  if (login.not_after !== null && Date.parse(login.not_after) < Date.now()) {
    throw new AuthError(400, 'session_expired', 'Invalid Refresh Token: Session Expired');
  }
  const active = token.revoked ? await activeToken(sql, login.id) : undefined;
  // The answer to the last refresh was lost on its way: the same answer again.
  const lost = active?.parent === token.token ? active.token : undefined;
  if (token.revoked && lost === undefined && !isRecent(call, token)) return alreadyUsed(call, login);

  const next = lost ?? (await swapToken(sql, user, login.id, token.token));
  const { ip, userAgent } = clientOf(call.request);
  await sql.query(
    `UPDATE auth.sessions SET refreshed_at = now() AT TIME ZONE 'UTC', updated_at = now(), user_agent = $2, ip = $3
     WHERE id = $1`,
    [login.id, userAgent, ip],
  );
  return ok(await answerTokens(call, user, login.id, next));
}

async function activeToken(sql: Session, loginId: string): Promise<RefreshToken | undefined> {
  const { rows } = await sql.query<RefreshToken>(
    `SELECT id, token, user_id, revoked, parent, updated_at, session_id FROM auth.refresh_tokens
     WHERE session_id = $1 AND NOT revoked ORDER BY id DESC LIMIT 1`,
    [loginId],
  );
  return rows[0];
}

/** Tabs of one browser refresh with the same token at about the same time. */
function isRecent(call: AuthCall, token: RefreshToken): boolean {
  return Date.now() <= Date.parse(token.updated_at) + call.auth.settings.refresh.reuseSeconds * 1000;
}

/** An old token is used again: it was stolen from the user, or the newer one was. All of its session's tokens end. */
async function alreadyUsed(call: AuthCall, login: Login): Promise<Reply> {
  if (call.auth.settings.refresh.rotation) {
    await call.sql.query(
      'UPDATE auth.refresh_tokens SET revoked = true, updated_at = now() WHERE session_id = $1 AND NOT revoked',
      [login.id],
    );
  }
  const error = new AuthError(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
  return errorReply(error, call.request);
}

/** `POST /logout`. */
export async function endSessions(
  sql: Session,
  userId: string,
  loginId: string | undefined,
  scope: string,
): Promise<void> {
  if (loginId === undefined || scope === 'global') {
    await sql.query('DELETE FROM auth.sessions WHERE user_id = $1', [userId]);
  } else if (scope === 'local') {
    await sql.query('DELETE FROM auth.sessions WHERE id = $1', [loginId]);
  } else {
    await sql.query('DELETE FROM auth.sessions WHERE user_id = $1 AND id <> $2', [userId, loginId]);
  }
}
