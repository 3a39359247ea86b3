/** Second factors: `/factors`, with TOTP and WebAuthn. */
import { randomUUID } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { clientOf, ok, type AuthCall, type Reply, type UserCall } from './call.ts';
import { AuthError, invalid, notHere } from './errors.ts';
import { longestQrText, qrCodeSvg } from './qr-code.ts';
import { addMethod, answerTokens, renewToken, type SecondMethod } from './sessions.ts';
import { isCodeOf, newSecret, otpauthUri } from './totp.ts';
import { hasVerifiedFactor, type Factor, type User } from './users.ts';
import { isUuid, readFields } from './values.ts';
import { askFor, checkFactorAnswer, readFactorAnswer, type FactorSession } from './webauthn-factor.ts';

/** The factor that the path names. */
export function namedFactor({ params }: AuthCall, user: User): Factor {
  const id = params['factor_id'] ?? '';
  if (!isUuid(id)) throw new AuthError(404, 'validation_failed', 'factor_id must be an UUID');
  const factor = user.factors.find((one) => one.id === id.toLowerCase());
  if (!factor) throw new AuthError(404, 'mfa_factor_not_found', 'Factor not found');
  return factor;
}

/** Removes a factor; the sessions that it raised go back to one factor. */
export async function removeFactor(sql: Session, factor: Factor): Promise<void> {
  await sql.query('DELETE FROM auth.mfa_factors WHERE id = $1', [factor.id]);
  await sql.query(
    `DELETE FROM auth.mfa_amr_claims WHERE authentication_method = $2 AND session_id IN (
       SELECT id FROM auth.sessions WHERE factor_id = $1)`,
    [factor.id, methodOf(factor)],
  );
  await sql.query(`UPDATE auth.sessions SET aal = 'aal1', factor_id = NULL WHERE factor_id = $1`, [factor.id]);
}

function checkPermanent({ claims }: UserCall): void {
  if (claims['is_anonymous'] === true) {
    throw new AuthError(403, 'no_authorization', 'Anonymous user not allowed to perform these actions');
  }
}

export async function enroll(call: UserCall): Promise<Reply> {
  checkPermanent(call);
  if (!call.login) {
    throw new AuthError(
      500,
      'unexpected_failure',
      'A valid session and a registered user are required to enroll a factor',
    );
  }
  const fields = readFields(call.body(), { friendly_name: 'text', factor_type: 'text', issuer: 'text' });
  if (fields.factor_type === 'phone') {
    throw new AuthError(422, 'mfa_phone_enroll_not_enabled', 'MFA enroll is disabled for Phone');
  }
  if (fields.factor_type === 'webauthn') return enrollWebauthn(call, fields.friendly_name);
  if (fields.factor_type === 'totp') return enrollTotp(call, fields.friendly_name, fields.issuer);
  throw invalid('factor_type needs to be totp, phone, or webauthn');
}

async function enrollTotp(call: UserCall, name: string, givenIssuer: string): Promise<Reply> {
  const { user } = call;
  const { settings } = call.auth;
  if (!settings.totp) throw new AuthError(422, 'mfa_totp_enroll_not_enabled', 'MFA enroll is disabled for TOTP');
  await checkFactors(call, name);
  const issuer = givenIssuer || new URL(settings.siteUrl).host;
  const secret = newSecret();
  const uri = otpauthUri(secret, issuer, user.email ?? '');
  if (Buffer.byteLength(uri) > longestQrText) throw invalid('The issuer is too long for a QR code');
  const id = await insertFactor(call, 'totp', name, secret);
  return ok({ id, type: 'totp', friendly_name: name, totp: { qr_code: qrCodeSvg(uri), secret, uri } });
}

async function enrollWebauthn(call: UserCall, name: string): Promise<Reply> {
  if (!call.auth.settings.webauthn.enabled) {
    throw new AuthError(422, 'mfa_webauthn_enroll_not_enabled', 'MFA enroll is disabled for WebAuthn');
  }
  await checkFactors(call, name);
  return ok({ id: await insertFactor(call, 'webauthn', name), type: 'webauthn', friendly_name: name });
}

async function insertFactor(
  { sql, user }: UserCall,
  type: Factor['factor_type'],
  name: string,
  secret?: string,
): Promise<string> {
  const id = randomUUID();
  await sql.query(
    `INSERT INTO auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 'unverified', $5, now(), now())`,
    [id, user.id, name, type, secret ?? null],
  );
  return id;
}

async function checkFactors({ user, login, sql, auth: { settings } }: UserCall, name: string): Promise<void> {
  // Enrollments that were begun and never finished.
  await sql.query(
    `DELETE FROM auth.mfa_factors f WHERE status <> 'verified' AND created_at < now() - interval '5 minutes'
       AND NOT EXISTS (SELECT FROM auth.mfa_challenges c WHERE c.factor_id = f.id)`,
  );
  const { rows } = await sql.query<{ friendly_name: string }>(
    `SELECT coalesce(friendly_name, '') AS friendly_name FROM auth.mfa_factors WHERE user_id = $1`,
    [user.id],
  );
  if (rows.some(({ friendly_name }) => friendly_name === name)) {
    const quoted = JSON.stringify(name);
    throw new AuthError(
      422,
      'mfa_factor_name_conflict',
      `A factor with the friendly name ${quoted} for this user already exists`,
    );
  }
  if (rows.length >= settings.maxFactors) {
    throw new AuthError(
      422,
      'too_many_enrolled_mfa_factors',
      'Maximum number of verified factors reached, unenroll to continue',
    );
  }
  if (hasVerifiedFactor(user) && login?.aal !== 'aal2') {
    throw new AuthError(403, 'insufficient_aal', 'AAL2 required to enroll a new factor');
  }
}

/** Seconds in which a challenge has to be answered. */
const challengeSeconds = 300;

export async function challenge(call: UserCall): Promise<Reply> {
  checkPermanent(call);
  const factor = namedFactor(call, call.user);
  checkUsable(call, factor);
  const asked = factor.factor_type === 'webauthn' ? askFor(call, factor) : undefined;
  const id = randomUUID();
  await call.sql.query(
    `INSERT INTO auth.mfa_challenges (id, factor_id, created_at, ip_address, web_authn_session_data)
     VALUES ($1, $2, now(), $3, $4)`,
    [id, factor.id, clientOf(call.request).ip, asked?.session ?? null],
  );
  // Unique among all factors, so it is the moment, not the transaction's start.
  await call.sql.query('UPDATE auth.mfa_factors SET last_challenged_at = clock_timestamp() WHERE id = $1', [factor.id]);
  const expires = Math.floor(Date.now() / 1000) + challengeSeconds;
  return ok({ id, type: factor.factor_type, expires_at: expires, webauthn: asked?.webauthn });
}

function checkUsable({ auth: { settings } }: UserCall, { factor_type: type }: Factor): void {
  if (type === 'phone') throw notHere('A factor of the type phone cannot be used here: only TOTP and WebAuthn can.');
  if (type === 'totp' && !settings.totp) {
    throw new AuthError(422, 'mfa_totp_verify_not_enabled', 'MFA verification is disabled for TOTP');
  }
  if (type === 'webauthn' && !settings.webauthn.enabled) {
    throw new AuthError(422, 'mfa_webauthn_verify_not_enabled', 'MFA verification is disabled for WebAuthn');
  }
}

/** As `amr` names it. */
function methodOf({ factor_type: type }: Factor): SecondMethod {
  return type === 'webauthn' ? 'mfa/webauthn' : 'totp';
}

/** What all of a verification's texts are. */
const text = 'text';
const verifyFields = { challenge_id: text, code: text, webauthn: 'object?' } as const;

export async function verifyFactor(call: UserCall): Promise<Reply> {
  checkPermanent(call);
  const { user, login, sql } = call;
  const factor = namedFactor(call, user);
  const { challenge_id: id, code, webauthn } = readFields(call.body(), verifyFields);
  if (factor.factor_type === 'totp' && code === '') throw invalid('Code needs to be non-empty');
  checkUsable(call, factor);
  const answer = factor.factor_type === 'webauthn' ? readFactorAnswer(webauthn) : undefined;
  const session = await checkChallenge(call, factor, id);
  if (answer !== undefined) {
    await checkFactorAnswer(call, factor, session, answer);
  } else if (!isCodeOf(factor.secret ?? '', code)) {
    throw new AuthError(422, 'mfa_verification_failed', 'Invalid TOTP code entered');
  }
  if (!login) throw new AuthError(500, 'unexpected_failure', 'Cannot read SessionId claim as UUID');

  await sql.query('UPDATE auth.mfa_challenges SET verified_at = now() WHERE id = $1', [id]);
  await sql.query(`UPDATE auth.mfa_factors SET status = 'verified', updated_at = now() WHERE id = $1`, [factor.id]);
  await addMethod(sql, login.id, methodOf(factor));
  const refreshToken = await renewToken(sql, user, login.id);
  await sql.query(`UPDATE auth.sessions SET aal = 'aal2', factor_id = $2, updated_at = now() WHERE id = $1`, [
    login.id,
    factor.id,
  ]);
  // From now on one factor is not enough, in no session.
  await sql.query(`DELETE FROM auth.sessions WHERE user_id = $1 AND aal < 'aal2'`, [user.id]);
  await sql.query(`DELETE FROM auth.mfa_factors WHERE user_id = $1 AND status = 'unverified' AND factor_type = $2`, [
    user.id,
    factor.factor_type,
  ]);
  const verified: Factor = { ...factor, status: 'verified' };
  const others = user.factors.filter((one) => one.status === 'verified' && one.id !== factor.id);
  return ok(await answerTokens(call, { ...user, factors: [...others, verified] }, login.id, refreshToken));
}

/** @returns what WebAuthn keeps with the challenge */
async function checkChallenge(
  { sql, request }: UserCall,
  factor: Factor,
  id: string,
): Promise<FactorSession | undefined> {
  const { rows } = isUuid(id)
    ? await sql.query<{ used: boolean; same: boolean; expired: boolean; session: FactorSession | null }>(
        `SELECT verified_at IS NOT NULL AS used, ip_address = $3::inet AS same,
           created_at + make_interval(secs => ${challengeSeconds}) < now() AS expired,
           web_authn_session_data AS session
         FROM auth.mfa_challenges WHERE id = $1 AND factor_id = $2`,
        [id, factor.id, clientOf(request).ip],
      )
    : { rows: [] };
  const [found] = rows;
  if (!found) {
    throw new AuthError(422, 'mfa_factor_not_found', 'MFA factor with the provided challenge ID not found');
  }
  if (found.used || !found.same) {
    throw new AuthError(422, 'mfa_ip_address_mismatch', 'Challenge and verify IP addresses mismatch.');
  }
  if (found.expired) {
    throw new AuthError(
      422,
      'mfa_challenge_expired',
      `MFA challenge ${id} has expired, verify against another challenge or create a new challenge.`,
    );
  }
  return found.session ?? undefined;
}

export async function unenroll(call: UserCall): Promise<Reply> {
  checkPermanent(call);
  const factor = namedFactor(call, call.user);
  if (factor.status === 'verified' && call.login?.aal !== 'aal2') {
    throw new AuthError(422, 'insufficient_aal', 'AAL2 required to unenroll verified factor');
  }
  await removeFactor(call.sql, factor);
  return ok({ id: factor.id });
}
