/** `/passkeys`: keys of an authenticator that sign in by themselves. */
import { randomUUID } from 'node:crypto';
import { DatabaseError, type Session } from '../../database/database.ts';
import { namedUser } from './admin.ts';
import { ok, type AuthCall, type Reply, type UserCall } from './call.ts';
import { AuthError, errorReply, invalid } from './errors.ts';
import { partyOf } from './party.ts';
import { signIn } from './sessions.ts';
import { findUserById, hasVerifiedFactor, isBanned, time, type User } from './users.ts';
import { isUuid, readFields, type JsonObject } from './values.ts';
import {
  ceremonyMs,
  creationOptions,
  namedIn,
  requestOptions,
  verifyCreation,
  verifyRequest,
  WebauthnError,
  type Asked,
  type Credential,
} from './webauthn.ts';

interface Passkey {
  id: string;
  friendly_name: string;
  created_at: string;
  last_used_at: string | null;
}

const columns = 'to_jsonb(c) - $2::text[] AS passkey';
/** What `to_jsonb` need not read. */
const unread = ['public_key', 'credential_id', 'transports'];

async function passkeysOf(sql: Session, userId: string): Promise<Passkey[]> {
  const { rows } = await sql.query<{ passkey: Passkey }>(
    `SELECT ${columns} FROM auth.webauthn_credentials c WHERE user_id = $1 ORDER BY created_at, id`,
    [userId, unread],
  );
  return rows.map(({ passkey }) => passkey);
}

/** The passkey that the path names. */
async function namedPasskey({ sql, params }: AuthCall, user: User): Promise<Passkey> {
  const id = params['passkey_id'] ?? '';
  const found = (await passkeysOf(sql, user.id)).find((one) => one.id === id.toLowerCase());
  if (!found) throw new AuthError(404, 'validation_failed', 'Passkey not found');
  return found;
}

function passkeyJson(passkey: Passkey): object {
  return {
    id: passkey.id,
    friendly_name: passkey.friendly_name || undefined,
    created_at: time(passkey.created_at),
    last_used_at: time(passkey.last_used_at),
  };
}

function checkEnabled({ auth: { settings } }: AuthCall): void {
  if (!settings.webauthn.enabled) throw new AuthError(404, 'passkey_disabled', 'Passkeys are disabled');
}

/** Where the user has a second factor, only a session with it changes how they sign in. */
function checkLevel({ user, login }: UserCall): void {
  if (!hasVerifiedFactor(user) || login?.aal === 'aal2') return;
  throw new AuthError(403, 'insufficient_aal', 'AAL2 session is required to manage passkeys when MFA is enabled');
}

function checkMayRegister(call: UserCall): void {
  checkEnabled(call);
  if (call.claims['is_anonymous'] === true) {
    throw new AuthError(403, 'no_authorization', 'Anonymous user not allowed to perform these actions');
  }
  if (call.user.is_sso_user) throw new AuthError(422, 'validation_failed', 'SSO users cannot register passkeys');
  checkLevel(call);
}

function checkCount(call: AuthCall, passkeys: readonly unknown[]): void {
  if (passkeys.length < call.auth.settings.webauthn.maxPasskeys) return;
  throw new AuthError(422, 'too_many_passkeys', 'Maximum number of passkeys reached');
}

type Purpose = 'registration' | 'authentication';

/** Keeps a challenge until it is answered, and says what to ask the authenticator for. */
async function ask({ sql }: AuthCall, purpose: Purpose, user: User | undefined, asked: Asked): Promise<Reply> {
  const id = randomUUID();
  const expires = new Date(Date.now() + ceremonyMs);
  await sql.query('DELETE FROM auth.webauthn_challenges WHERE expires_at < now()');
  await sql.query(
    `INSERT INTO auth.webauthn_challenges (id, user_id, challenge_type, session_data, expires_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [id, user?.id ?? null, purpose, { challenge: asked.challenge, expires }, expires.toISOString()],
  );
  return ok({ challenge_id: id, options: asked.options, expires_at: Math.floor(expires.getTime() / 1000) });
}

/** What a client sends to answer a challenge. */
function readAnswer(call: AuthCall): { id: string; credential: JsonObject } {
  const fields = readFields(call.body(), { challenge_id: 'text', credential: 'object?' });
  if (fields.challenge_id === '') throw invalid('challenge_id is required');
  if (fields.credential === undefined) throw invalid('credential is required');
  if (!isUuid(fields.challenge_id)) throw invalid('challenge_id must be a valid UUID');
  return { id: fields.challenge_id, credential: fields.credential };
}

/** Takes a challenge: it is gone, whether the answer holds or not. */
async function takeChallenge({ sql }: AuthCall, id: string, purpose: Purpose, user: User | undefined): Promise<string> {
  const { rows } = await sql.query<{ challenge: string; expired: boolean }>(
    `DELETE FROM auth.webauthn_challenges WHERE id = $1 AND challenge_type = $2 AND user_id IS NOT DISTINCT FROM $3::uuid
     RETURNING session_data ->> 'challenge' AS challenge, expires_at < now() AS expired`,
    [id, purpose, user?.id ?? null],
  );
  const [found] = rows;
  if (!found) {
    throw new AuthError(400, 'webauthn_challenge_not_found', 'Challenge not found or already used');
  }
  if (found.expired) throw new AuthError(400, 'webauthn_challenge_expired', 'Challenge has expired');
  return found.challenge;
}

/** An answer that does not hold, with why as its hint. */
function unverified(call: AuthCall, error: unknown): Reply {
  if (!(error instanceof WebauthnError)) throw error;
  const refused = new AuthError(400, 'webauthn_verification_failed', 'Credential verification failed', {
    cause: error,
  });
  return errorReply(refused, call.request);
}

export async function registrationOptions(call: UserCall): Promise<Reply> {
  checkMayRegister(call);
  const { user, sql } = call;
  const { rows } = await sql.query<{ id: string }>(
    `SELECT encode(credential_id, 'hex') AS id FROM auth.webauthn_credentials WHERE user_id = $1`,
    [user.id],
  );
  checkCount(call, rows);
  const name = user.email || user.phone || '';
  const given = user.raw_user_meta_data?.['name'];
  const displayName = typeof given === 'string' && given !== '' ? given : name;
  const known = rows.map(({ id }) => Buffer.from(id, 'hex'));
  const asked = creationOptions(partyOf(call), { id: user.id, name, displayName }, known, { discoverable: true });
  return ask(call, 'registration', user, asked);
}

export async function verifyRegistration(call: UserCall): Promise<Reply> {
  checkMayRegister(call);
  const { user, sql } = call;
  const { id, credential: answer } = readAnswer(call);
  checkCount(call, await passkeysOf(sql, user.id));
  const challenge = await takeChallenge(call, id, 'registration', user);
  let credential: Credential;
  try {
    credential = verifyCreation(partyOf(call), challenge, answer);
  } catch (error) {
    return unverified(call, error);
  }
  return ok(passkeyJson(await insertPasskey(sql, user, credential)));
}

async function insertPasskey(sql: Session, user: User, credential: Credential): Promise<Passkey> {
  try {
    const { rows } = await sql.query<{ passkey: Passkey }>(
      `INSERT INTO auth.webauthn_credentials AS c (id, user_id, credential_id, public_key, attestation_type, aaguid,
         sign_count, transports, backup_eligible, backed_up, friendly_name)
       VALUES ($1, $3, $4, $5, $6, encode($7, 'hex')::uuid, $8, $9, $10, $11, 'Passkey') RETURNING ${columns}`,
      [
        randomUUID(),
        unread,
        user.id,
        credential.id,
        credential.publicKey,
        credential.attestation,
        credential.aaguid,
        credential.signCount,
        JSON.stringify(credential.transports),
        credential.backupEligible,
        credential.backedUp,
      ],
    );
    return (rows[0] as { passkey: Passkey }).passkey;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '23505') throw error;
    throw new AuthError(422, 'webauthn_credential_exists', 'This credential is already registered');
  }
}

export async function authenticationOptions(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  // Whose credential it is, the authenticator will say.
  return ask(call, 'authentication', undefined, requestOptions(partyOf(call), []));
}

export async function verifyAuthentication(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  const { sql } = call;
  const { id, credential: answer } = readAnswer(call);
  const challenge = await takeChallenge(call, id, 'authentication', undefined);
  let user: User;
  try {
    const named = namedIn(answer);
    const { rows } = await sql.query<{ id: string; user_id: string; public_key: string }>(
      `SELECT id, user_id, encode(public_key, 'hex') AS public_key FROM auth.webauthn_credentials WHERE credential_id = $1`,
      [named.id],
    );
    const [passkey] = rows;
    if (passkey === undefined || passkey.user_id !== named.user) throw new WebauthnError('Nobody has this credential');
    const signCount = verifyRequest(partyOf(call), challenge, answer, Buffer.from(passkey.public_key, 'hex'));
    user = (await findUserById(sql, passkey.user_id)) as User;
    await sql.query(
      'UPDATE auth.webauthn_credentials SET sign_count = $2, last_used_at = now(), updated_at = now() WHERE id = $1',
      [passkey.id, signCount],
    );
  } catch (error) {
    return unverified(call, error);
  }
  if (user.email && user.email_confirmed_at === null) {
    throw new AuthError(403, 'email_not_confirmed', 'Email not confirmed');
  }
  if (user.phone && user.phone_confirmed_at === null) {
    throw new AuthError(403, 'phone_not_confirmed', 'Phone not confirmed');
  }
  if (isBanned(user)) throw new AuthError(403, 'user_banned', 'User is banned');
  return ok(await signIn(call, user, 'passkey'));
}

export async function listPasskeys(call: UserCall): Promise<Reply> {
  checkEnabled(call);
  return ok((await passkeysOf(call.sql, call.user.id)).map(passkeyJson));
}

export async function renamePasskey(call: UserCall): Promise<Reply> {
  checkEnabled(call);
  const { friendly_name: name } = readFields(call.body(), { friendly_name: 'text' });
  if (name === '') throw invalid('friendly_name is required');
  if (Buffer.byteLength(name) > 120) throw invalid('friendly_name must be 120 characters or less');
  const passkey = await namedPasskey(call, call.user);
  await call.sql.query('UPDATE auth.webauthn_credentials SET friendly_name = $2, updated_at = now() WHERE id = $1', [
    passkey.id,
    name,
  ]);
  return ok(passkeyJson({ ...passkey, friendly_name: name }));
}

export async function deletePasskey(call: UserCall): Promise<Reply> {
  checkEnabled(call);
  checkLevel(call);
  return removePasskey(call, call.user);
}

async function removePasskey(call: AuthCall, user: User): Promise<Reply> {
  const { id } = await namedPasskey(call, user);
  await call.sql.query('DELETE FROM auth.webauthn_credentials WHERE id = $1', [id]);
  return { status: 204 };
}

/** Of the user whom the path names. */
export async function listPasskeysOf(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  return ok((await passkeysOf(call.sql, (await namedUser(call)).id)).map(passkeyJson));
}

/** Of the user whom the path names. */
export async function deletePasskeyOf(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  return removePasskey(call, await namedUser(call));
}
