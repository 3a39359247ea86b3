/** Second factors: `/factors`, with TOTP. */
import { randomUUID } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { clientOf, ok, type AuthCall, type Reply, type UserCall } from './call.ts';
import { AuthError, invalid, notHere } from './errors.ts';
import { longestQrText, qrCodeSvg } from './qr-code.ts';
import { addMethod, answerTokens, renewToken } from './sessions.ts';
import { isCodeOf, newSecret, otpauthUri } from './totp.ts';
import { hasVerifiedFactor, type Factor, type User } from './users.ts';
import { isUuid, readFields } from './values.ts';

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
    `DELETE FROM auth.mfa_amr_claims WHERE authentication_method = 'totp' AND session_id IN (
       SELECT id FROM auth.sessions WHERE factor_id = $1)`,
    [factor.id],
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
  const { user, login, sql } = call;
  const { settings } = call.auth;
  if (!login) {
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
  if (fields.factor_type === 'webauthn') {
    throw new AuthError(422, 'mfa_webauthn_enroll_not_enabled', 'MFA enroll is disabled for WebAuthn');
  }
  if (fields.factor_type !== 'totp') throw invalid('factor_type needs to be totp, phone, or webauthn');
  if (!settings.totp) throw new AuthError(422, 'mfa_totp_enroll_not_enabled', 'MFA enroll is disabled for TOTP');
  const name = fields.friendly_name;
  await checkFactors(call, name);

  const issuer = fields.issuer || new URL(settings.siteUrl).host;
  const secret = newSecret();
  const uri = otpauthUri(secret, issuer, user.email ?? '');
  if (Buffer.byteLength(uri) > longestQrText) throw invalid('The issuer is too long for a QR code');
  const id = randomUUID();
  await sql.query(
    `INSERT INTO auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)
     VALUES ($1, $2, $3, 'totp', 'unverified', $4, now(), now())`,
    [id, user.id, name, secret],
  );
  return ok({ id, type: 'totp', friendly_name: name, totp: { qr_code: qrCodeSvg(uri), secret, uri } });
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
  checkTotp(call, factor);
  const id = randomUUID();
  await call.sql.query(
    'INSERT INTO auth.mfa_challenges (id, factor_id, created_at, ip_address) VALUES ($1, $2, now(), $3)',
    [id, factor.id, clientOf(call.request).ip],
  );
  // Unique among all factors, so it is the moment, not the transaction's start.
  await call.sql.query('UPDATE auth.mfa_factors SET last_challenged_at = clock_timestamp() WHERE id = $1', [factor.id]);
  return ok({ id, type: factor.factor_type, expires_at: Math.floor(Date.now() / 1000) + challengeSeconds });
}

function checkTotp({ auth: { settings } }: UserCall, factor: Factor): void {
  if (factor.factor_type !== 'totp') {
    throw notHere(`A factor of the type ${factor.factor_type} cannot be used here: only TOTP can.`);
  }
  if (!settings.totp) throw new AuthError(422, 'mfa_totp_verify_not_enabled', 'MFA verification is disabled for TOTP');
}

/** What both of a verification's fields are. */
const text = 'text';
const verifyFields = { challenge_id: text, code: text } as const;

export async function verifyFactor(call: UserCall): Promise<Reply> {
  checkPermanent(call);
  const { user, login, sql } = call;
  const factor = namedFactor(call, user);
  const fields = readFields(call.body(), verifyFields);
  if (fields.code === '') throw invalid('Code needs to be non-empty');
  checkTotp(call, factor);
  await checkChallenge(call, factor, fields.challenge_id);
  if (!isCodeOf(factor.secret ?? '', fields.code)) {
    throw new AuthError(422, 'mfa_verification_failed', 'Invalid TOTP code entered');
  }
  if (!login) throw new AuthError(500, 'unexpected_failure', 'Cannot read SessionId claim as UUID');

  await sql.query('UPDATE auth.mfa_challenges SET verified_at = now() WHERE id = $1', [fields.challenge_id]);
  await sql.query(`UPDATE auth.mfa_factors SET status = 'verified', updated_at = now() WHERE id = $1`, [factor.id]);
  await addMethod(sql, login.id, 'totp');
  const refreshToken = await renewToken(sql, user, login.id);
  await sql.query(`UPDATE auth.sessions SET aal = 'aal2', factor_id = $2, updated_at = now() WHERE id = $1`, [
    login.id,
    factor.id,
  ]);
  // From now on one factor is not enough, in no session.
  await sql.query(`DELETE FROM auth.sessions WHERE user_id = $1 AND aal < 'aal2'`, [user.id]);
  await sql.query(
    `DELETE FROM auth.mfa_factors WHERE user_id = $1 AND status = 'unverified' AND factor_type = 'totp'`,
    [user.id],
  );
  const verified: Factor = { ...factor, status: 'verified' };
  const others = user.factors.filter((one) => one.status === 'verified' && one.id !== factor.id);
  return ok(await answerTokens(call, { ...user, factors: [...others, verified] }, login.id, refreshToken));
}

async function checkChallenge({ sql, request }: UserCall, factor: Factor, id: string): Promise<void> {
  const { rows } = isUuid(id)
    ? await sql.query<{ used: boolean; same: boolean; expired: boolean }>(
        `SELECT verified_at IS NOT NULL AS used, ip_address = $3::inet AS same,
           created_at + make_interval(secs => ${challengeSeconds}) < now() AS expired
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
