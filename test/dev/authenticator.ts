/** An authenticator in software: what a security key or a phone does for `navigator.credentials`. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

type Cbor = number | string | Buffer | Map<Cbor, Cbor>;

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.from([(major << 5) | length]);
  if (length < 256) return Buffer.from([(major << 5) | 24, length]);
  return Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
}

export function writeCbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([
    head(5, value.size),
    ...[...value].flatMap(([key, part]) => [writeCbor(key), writeCbor(part)]),
  ]);
}

export type Algorithm = 'ES256' | 'Ed25519' | 'RS256';

function makeKey(algorithm: Algorithm): { privateKey: KeyObject; publicKey: Buffer } {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : algorithm === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const part = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(String(jwk[name]), 'base64url');
  const cose: Record<Algorithm, () => [number, Cbor][]> = {
    ES256: () => [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, part('x')],
      [-3, part('y')],
    ],
    Ed25519: () => [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, part('x')],
    ],
    RS256: () => [
      [1, 3],
      [3, -257],
      [-1, part('n')],
      [-2, part('e')],
    ],
  };
  return { privateKey: pair.privateKey, publicKey: writeCbor(new Map<Cbor, Cbor>(cose[algorithm]())) };
}

/** What an authenticator may get wrong. */
export interface Wrong {
  origin?: string;
  domain?: string;
  challenge?: string;
  type?: string;
  flags?: number;
  signature?: Buffer;
  user?: string;
  rawId?: Buffer;
  publicKey?: Buffer;
}

export function authenticator(domain = 'localhost', origin = 'http://localhost:5173', algorithm: Algorithm = 'ES256') {
  const id = randomBytes(32);
  const { privateKey, publicKey } = makeKey(algorithm);
  let user = '';
  let count = 0;
  const clientData = (type: string, challenge: string, wrong: Wrong): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: wrong.type ?? type,
        challenge: wrong.challenge ?? challenge,
        origin: wrong.origin ?? origin,
        crossOrigin: false,
      }),
    );
  const data = (flags: number, wrong: Wrong): Buffer => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count);
    const hash = createHash('sha256')
      .update(wrong.domain ?? domain)
      .digest();
    return Buffer.concat([hash, Buffer.from([wrong.flags ?? flags]), counter]);
  };
  const answer = (response: object, wrong: Wrong) => {
    const rawId = (wrong.rawId ?? id).toString('base64url');
    return { id: rawId, rawId, type: 'public-key', response, clientExtensionResults: {} };
  };
  return {
    id,
    /** `navigator.credentials.create` */
    create(options: { challenge: string; user: { id: string } }, wrong: Wrong = {}) {
      user = options.user.id;
      const authData = Buffer.concat([
        data(0b0100_0101, wrong),
        Buffer.alloc(16),
        Buffer.from([0, id.length]),
        id,
        wrong.publicKey ?? publicKey,
      ]);
      const attestation = new Map<Cbor, Cbor>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]);
      const response = {
        attestationObject: writeCbor(attestation).toString('base64url'),
        clientDataJSON: clientData('webauthn.create', options.challenge, wrong).toString('base64url'),
        transports: ['usb'],
      };
      return answer(response, wrong);
    },
    /** `navigator.credentials.get` */
    get(options: { challenge: string }, wrong: Wrong = {}) {
      count += 1;
      const authData = data(0b0000_0101, wrong);
      const client = clientData('webauthn.get', options.challenge, wrong);
      const signed = Buffer.concat([authData, createHash('sha256').update(client).digest()]);
      const signature = wrong.signature ?? sign(algorithm === 'Ed25519' ? null : 'sha256', signed, privateKey);
      const response = {
        authenticatorData: authData.toString('base64url'),
        clientDataJSON: client.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: wrong.user ?? user,
      };
      return answer(response, wrong);
    },
  };
}
