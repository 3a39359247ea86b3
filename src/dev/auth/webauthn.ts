/**
 * WebAuthn's two ceremonies, of which GoTrue's passkeys and second factors are made: what an authenticator is asked for,
 * and whether its answer holds. https://www.w3.org/TR/webauthn-3/#sctn-rp-operations
 * Attestation statements are not verified: none is asked for, so nothing depends on who made the authenticator.
 */
import { createHash, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { readCbor, type CborValue } from './cbor.ts';
import { isObject, type JsonObject } from './values.ts';

/** Who asks: the relying party. */
export interface Party {
  /** The domain that credentials belong to, e.g. `localhost`. */
  domain: string;
  /** Whether a page may use them. */
  mayAsk(origin: string): boolean;
}

/** A key pair of an authenticator, of which we know the public half. */
export interface Credential {
  id: Buffer;
  /** As COSE has it. */
  publicKey: Buffer;
  signCount: number;
  /** The authenticator's model; all zero where it does not tell. */
  aaguid: Buffer;
  transports: string[];
  backupEligible: boolean;
  backedUp: boolean;
  /** The format of the attestation statement. */
  attestation: string;
}

/** An answer of an authenticator that does not hold. */
export class WebauthnError extends Error {
  override readonly name = 'WebauthnError';
}

/** Milliseconds that the browser waits for a person, and for which a challenge holds. */
export const ceremonyMs = 300_000;

const type = 'public-key';

/** ECDSA with P-256, Ed25519 and RSA: between them what every authenticator has. */
const algorithms = [-7, -8, -257] as const;

const descriptors = (ids: readonly Buffer[]): object[] => ids.map((id) => ({ type, id: id.toString('base64url') }));

export interface Asked {
  challenge: string;
  options: JsonObject;
}

/** What to give to `navigator.credentials.create`. */
export function creationOptions(
  party: Party,
  user: { id: string; name: string; displayName: string },
  known: readonly Buffer[],
  more: { discoverable: boolean },
): Asked {
  const challenge = randomBytes(32).toString('base64url');
  return {
    challenge,
    options: {
      rp: { name: party.domain, id: party.domain },
      user: { ...user, id: Buffer.from(user.id).toString('base64url') },
      challenge,
      pubKeyCredParams: algorithms.map((alg) => ({ type, alg })),
      timeout: ceremonyMs,
      excludeCredentials: descriptors(known),
      ...(more.discoverable && {
        authenticatorSelection: { requireResidentKey: true, residentKey: 'required', userVerification: 'preferred' },
      }),
      attestation: 'none',
    },
  };
}

/** What to give to `navigator.credentials.get`; without known credentials, the authenticator says whose it has. */
export function requestOptions(party: Party, known: readonly Buffer[]): Asked {
  const challenge = randomBytes(32).toString('base64url');
  const allowed = known.length === 0 ? {} : { allowCredentials: descriptors(known) };
  const options = { challenge, timeout: ceremonyMs, rpId: party.domain, ...allowed, userVerification: 'preferred' };
  return { challenge, options };
}

/**
 * @param answer a `RegistrationResponseJSON`
 * @returns the new credential
 * @throws WebauthnError
 */
export function verifyCreation(party: Party, challenge: string, answer: JsonObject): Credential {
  const response = responseOf(answer);
  checkClientData(party, challenge, 'webauthn.create', bytesOf(response, 'clientDataJSON'));
  const attestation = cbor(bytesOf(response, 'attestationObject')).value;
  const [authData, format] = attestation instanceof Map ? [attestation.get('authData'), attestation.get('fmt')] : [];
  if (!Buffer.isBuffer(authData) || typeof format !== 'string') throw new WebauthnError('No attestation object');
  const { signCount, flags } = readAuthenticatorData(party, authData);
  if (!flags.attested) throw new WebauthnError('The answer has no credential');
  const aaguid = slice(authData, 37, 16);
  const id = slice(authData, 55, slice(authData, 53, 2).readUInt16BE());
  if (id.length === 0 || id.length > 1023 || !id.equals(bytesOf(answer, 'rawId'))) {
    throw new WebauthnError('The ID of the credential is another than its authenticator says');
  }
  const rest = authData.subarray(55 + id.length);
  const publicKey = rest.subarray(0, cbor(rest).length);
  readKey(publicKey);
  const transports = Array.isArray(response['transports']) ? response['transports'] : [];
  return {
    id,
    publicKey,
    signCount,
    aaguid,
    transports: transports.filter((one): one is string => typeof one === 'string'),
    backupEligible: flags.backupEligible,
    backedUp: flags.backedUp,
    attestation: format,
  };
}

/** The ID of the credential, and of the user, that an `AuthenticationResponseJSON` names. */
export function namedIn(answer: JsonObject): { id: Buffer; user: string | undefined } {
  const { userHandle } = responseOf(answer);
  const user = typeof userHandle === 'string' ? Buffer.from(userHandle, 'base64url').toString('utf8') : undefined;
  return { id: bytesOf(answer, 'rawId'), user };
}

/**
 * @param answer an `AuthenticationResponseJSON`
 * @param publicKey of the credential that it names
 * @returns the authenticator's count of signatures. One that does not rise is accepted, as GoTrue does: synced passkeys
 *   do not count.
 * @throws WebauthnError
 */
export function verifyRequest(party: Party, challenge: string, answer: JsonObject, publicKey: Buffer): number {
  const response = responseOf(answer);
  const clientData = bytesOf(response, 'clientDataJSON');
  const authData = bytesOf(response, 'authenticatorData');
  checkClientData(party, challenge, 'webauthn.get', clientData);
  const { signCount } = readAuthenticatorData(party, authData);
  const { key, digest } = readKey(publicKey);
  if (!verify(digest, Buffer.concat([authData, sha256(clientData)]), key, bytesOf(response, 'signature'))) {
    throw new WebauthnError('The signature is wrong');
  }
  return signCount;
}

function responseOf({ response, type: kind }: JsonObject): JsonObject {
  if (kind !== type || !isObject(response)) throw new WebauthnError('Not the answer of an authenticator');
  return response;
}

function bytesOf(from: JsonObject, name: string): Buffer {
  const value = from[name];
  if (typeof value !== 'string' || value === '') throw new WebauthnError(`${name} is missing`);
  return Buffer.from(value, 'base64url');
}

function slice(bytes: Buffer, start: number, length: number): Buffer {
  if (bytes.length < start + length) throw new WebauthnError('The data of the authenticator end early');
  return bytes.subarray(start, start + length);
}

function cbor(bytes: Buffer): { value: CborValue; length: number } {
  try {
    return readCbor(bytes);
  } catch (error) {
    throw new WebauthnError((error as Error).message, { cause: error });
  }
}

const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** What the browser says: which challenge was answered, and on which page. */
function checkClientData(party: Party, challenge: string, kind: string, bytes: Buffer): void {
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new WebauthnError('clientDataJSON is not valid JSON', { cause: error });
  }
  const client = isObject(data) ? data : {};
  if (client['type'] !== kind) throw new WebauthnError(`The answer is not of the type ${kind}`);
  if (client['challenge'] !== challenge) throw new WebauthnError('The answer is to another challenge');
  const { origin } = client;
  if (typeof origin !== 'string' || !party.mayAsk(origin)) {
    throw new WebauthnError('The answer comes from a page that may not ask');
  }
}

/** What the authenticator says: whose credential, and whether a person was there. */
function readAuthenticatorData(party: Party, bytes: Buffer) {
  if (!slice(bytes, 0, 32).equals(sha256(party.domain))) throw new WebauthnError('The answer is for another domain');
  const bits = slice(bytes, 32, 1).readUInt8();
  if ((bits & 1) === 0) throw new WebauthnError('Nobody was present');
  const flags = { backupEligible: (bits & 8) !== 0, backedUp: (bits & 16) !== 0, attested: (bits & 64) !== 0 };
  return { flags, signCount: slice(bytes, 33, 4).readUInt32BE() };
}

/** Labels of a COSE key, of RFC 9053: the names of its parts in a JWK by the key's type. */
const keyParts: Readonly<Record<number, { kty: string; parts: readonly (readonly [label: number, name: string])[] }>> =
  {
    1: { kty: 'OKP', parts: [[-2, 'x']] },
    2: {
      kty: 'EC',
      parts: [
        [-2, 'x'],
        [-3, 'y'],
      ],
    },
    3: {
      kty: 'RSA',
      parts: [
        [-1, 'n'],
        [-2, 'e'],
      ],
    },
  };

/** The key type, curve and digest that belong to an algorithm; another combination is refused. */
const ofAlgorithm: Readonly<
  Record<number, { type: number; curve?: readonly [number, string]; digest: string | null }>
> = {
  [-7]: { type: 2, curve: [1, 'P-256'], digest: 'sha256' },
  [-8]: { type: 1, curve: [6, 'Ed25519'], digest: null },
  [-257]: { type: 3, digest: 'sha256' },
};

/** A COSE key as one of Node's. */
function readKey(bytes: Buffer): { key: KeyObject; digest: string | null } {
  const { value } = cbor(bytes);
  const of = (label: number): CborValue | undefined => (value instanceof Map ? value.get(label) : undefined);
  const algorithm = ofAlgorithm[Number(of(3))];
  const kind = keyParts[Number(of(1))];
  if (algorithm === undefined || kind === undefined || of(1) !== algorithm.type) {
    throw new WebauthnError('The key is of a kind that was not asked for');
  }
  const { curve } = algorithm;
  if (curve !== undefined && of(-1) !== curve[0]) throw new WebauthnError('The key has another curve');
  const parts = kind.parts.map(([label, name]): [string, string] => {
    const part = of(label);
    if (!Buffer.isBuffer(part)) throw new WebauthnError('The key is not whole');
    return [name, part.toString('base64url')];
  });
  const jwk = { kty: kind.kty, ...(curve && { crv: curve[1] }), ...Object.fromEntries(parts) };
  try {
    return { key: createPublicKey({ key: jwk, format: 'jwk' }), digest: algorithm.digest };
  } catch (error) {
    throw new WebauthnError('The key is not valid', { cause: error });
  }
}
