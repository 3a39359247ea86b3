/** WebAuthn as a second factor: the part of a challenge and of its answer that differs from TOTP. */
import type { UserCall } from './call.ts';
import { AuthError, invalid } from './errors.ts';
import { partyOf } from './party.ts';
import type { Factor, User } from './users.ts';
import { isObject, type JsonObject } from './values.ts';
import {
  creationOptions,
  namedIn,
  requestOptions,
  verifyCreation,
  verifyRequest,
  WebauthnError,
  type Credential,
} from './webauthn.ts';

/** What is kept with a challenge. */
export interface FactorSession {
  challenge: string;
}

type Type = 'create' | 'request';

export interface FactorAnswer {
  type: Type;
  credential: JsonObject;
}

/** A factor's credential is made at its first challenge, and asked for at each further one. */
const typeFor = ({ status }: Factor): Type => (status === 'verified' ? 'request' : 'create');

/** The credentials of a user's factors that are set up. */
function credentialsOf(user: User): { id: Buffer; publicKey: Buffer }[] {
  return user.factors.flatMap(({ status, web_authn_credential: kept }) =>
    status !== 'verified' || kept === null
      ? []
      : [{ id: Buffer.from(kept.id, 'base64'), publicKey: Buffer.from(kept.publicKey, 'base64') }],
  );
}

/** What to ask the authenticator for, and what to keep of it. */
export function askFor(call: UserCall, factor: Factor): { session: FactorSession; webauthn: object } {
  const { user } = call;
  const party = partyOf(call);
  const known = credentialsOf(user).map(({ id }) => id);
  const name = user.email ?? '';
  const type = typeFor(factor);
  const { challenge, options } =
    type === 'create'
      ? creationOptions(party, { id: user.id, name, displayName: name }, known, { discoverable: false })
      : requestOptions(party, known);
  return { session: { challenge }, webauthn: { type, credential_options: { publicKey: options } } };
}

/** @throws AuthError 400 where a part is missing */
export function readFactorAnswer(given: JsonObject | undefined): FactorAnswer {
  if (given === undefined) throw invalid('WebAuthn config required');
  const { type, credential_response: credential } = given;
  if (type !== 'create' && type !== 'request') throw invalid('WebAuthn type must be create or request');
  if (!isObject(credential)) throw invalid('credential_response required');
  return { type, credential };
}

/**
 * Checks an answer to a challenge, and keeps the credential that it makes.
 * @throws AuthError 400 where it does not hold
 */
export async function checkFactorAnswer(
  call: UserCall,
  factor: Factor,
  session: FactorSession | undefined,
  { type, credential: answer }: FactorAnswer,
): Promise<void> {
  try {
    if (session === undefined || type !== typeFor(factor)) throw new WebauthnError('Another answer was asked for');
    const party = partyOf(call);
    if (type === 'create') {
      await keepCredential(call, factor, verifyCreation(party, session.challenge, answer));
      return;
    }
    const named = namedIn(answer);
    const known = credentialsOf(call.user).find(({ id }) => id.equals(named.id));
    if (known === undefined || (named.user ?? call.user.id) !== call.user.id) {
      throw new WebauthnError('The user has no such credential');
    }
    verifyRequest(party, session.challenge, answer, known.publicKey);
  } catch (cause) {
    if (!(cause instanceof WebauthnError)) throw cause;
    throw new AuthError(400, 'webauthn_verification_failed', 'Failed to validate WebAuthn MFA response', { cause });
  }
}

/** In the shape that GoTrue's library for WebAuthn reads. */
async function keepCredential({ sql }: UserCall, factor: Factor, credential: Credential): Promise<void> {
  const kept = {
    id: credential.id.toString('base64'),
    publicKey: credential.publicKey.toString('base64'),
    attestationType: credential.attestation,
    transport: credential.transports,
    flags: { userPresent: true, backupEligible: credential.backupEligible, backupState: credential.backedUp },
    authenticator: { AAGUID: credential.aaguid.toString('base64'), signCount: credential.signCount },
  };
  await sql.query(
    `UPDATE auth.mfa_factors SET web_authn_credential = $2, web_authn_aaguid = encode($3, 'hex')::uuid WHERE id = $1`,
    [factor.id, kept, credential.aaguid],
  );
}
