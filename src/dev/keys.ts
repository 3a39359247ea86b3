import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { JWK } from 'jose';
import * as v from 'valibot';
import { readText, writeWhole } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { InvalidToken } from './errors.ts';
import type { Claims, DevKeys } from './service.ts';

/** The keys of one environment as they are kept. */
const keptKeys = v.object({
  publishable: v.string(),
  secret: v.string(),
  /** The wire protocol's. */
  databasePassword: v.string(),
  /** HS256, for the tokens that stand for the two keys. */
  jwtSecret: v.string(),
  /** ES256, private, for the tokens of users. */
  signingKey: v.looseObject({ kty: v.literal('EC'), kid: v.string(), x: v.string(), y: v.string(), d: v.string() }),
});

/** The keys, and the password of the database. */
export interface KeptKeys extends DevKeys {
  databasePassword: string;
  /** The secret of tokens with a shared key, for an app that verifies them itself. */
  jwtSecret: string;
}

/** The file with an environment's keys: secrets, though of a server that only this machine reaches. */
function keysFile(directory: string, environment: EnvironmentName): string {
  return join(directory, '.muse', `dev-${environment}.json`);
}

/**
 * The keys of an environment; made where there are none yet, or where the file cannot be read as keys. They stay the same
 * from one start to the next, so that a browser stays signed in.
 */
export async function openKeys(directory: string, environment: EnvironmentName): Promise<KeptKeys> {
  const path = keysFile(directory, environment);
  const text = await readText(path);
  const known = text === undefined ? undefined : v.safeParse(v.pipe(v.string(), v.parseJson(), keptKeys), text);
  if (known?.success === true) return createKeys(known.output);
  const made = await generateKeys();
  await writeWhole(path, `${JSON.stringify(made, undefined, 2)}\n`, 0o600);
  return createKeys(made);
}

type Kept = v.InferOutput<typeof keptKeys>;

/** New keys, at random. */
export async function generateKeys(): Promise<Kept> {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const random = (bytes: number): string => randomBytes(bytes).toString('base64url');
  return {
    publishable: `sb_publishable_${random(24)}`,
    secret: `sb_secret_${random(24)}`,
    databasePassword: random(18),
    jwtSecret: random(48),
    signingKey: { ...(await exportJWK(privateKey)), kid: random(12) } as Kept['signingKey'],
  };
}

/** The tokens of the keys are valid from 2024 for ten years, so that they are the same at every start. */
const [issuedAt, expiresAt] = [1_704_067_200, 2_019_600_000];

/** How many verified tokens are remembered, of some thousand characters each. */
const remembered = 1000;

/** What signs and verifies with the kept keys. */
export async function createKeys(kept: Kept): Promise<KeptKeys> {
  const { decodeProtectedHeader, errors, importJWK, jwtVerify, SignJWT } = await import('jose');
  const { kty, crv, x, y, kid } = kept.signingKey as JWK;
  const publicJwk = {
    kty: kty!,
    crv: crv!,
    x: x!,
    y: y!,
    kid: kid!,
    alg: 'ES256',
    use: 'sig',
    key_ops: ['verify'],
    ext: true,
  };
  const [signing, verifying] = await Promise.all([
    importJWK(kept.signingKey as JWK, 'ES256'),
    importJWK(publicJwk, 'ES256'),
  ]);
  const shared = Buffer.from(kept.jwtSecret);
  const known = new Map<string, Claims>();

  const keyToken = (role: string): Promise<string> =>
    new SignJWT({ iss: 'supabase', ref: 'local', role })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(shared);

  function keyOf(token: string): [key: typeof verifying | Buffer, algorithm: string] {
    let header: { alg?: string; kid?: string };
    try {
      header = decodeProtectedHeader(token);
    } catch (error) {
      const parts = token.split('.').length;
      const message = parts === 3 ? "JWT couldn't be decoded" : `Expected 3 parts in JWT; got ${parts}`;
      throw new InvalidToken('malformed', message, error);
    }
    if (header.alg === 'HS256') return [shared, 'HS256'];
    if (header.alg === 'ES256' && (header.kid ?? kid) === kid) return [verifying, 'ES256'];
    throw new InvalidToken('signature', 'No suitable key or wrong key type');
  }

  return {
    publishable: kept.publishable,
    secret: kept.secret,
    databasePassword: kept.databasePassword,
    jwtSecret: kept.jwtSecret,
    anonToken: await keyToken('anon'),
    serviceToken: await keyToken('service_role'),
    sign: (claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: kept.signingKey.kid })
        .sign(signing),
    async verify(token) {
      const before = known.get(token);
      if (before !== undefined) {
        if (Number(before['exp'] ?? Number.POSITIVE_INFINITY) > Date.now() / 1000) return before;
        throw new InvalidToken('expired', 'JWT expired');
      }
      const [key, algorithm] = keyOf(token);
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: [algorithm] });
        if (known.size >= remembered) known.delete(known.keys().next().value!);
        known.set(token, payload);
        return payload;
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw new InvalidToken('expired', 'JWT expired', error);
        if (error instanceof errors.JWTClaimValidationFailed)
          throw new InvalidToken('claims', `JWT ${error.claim} claim is not valid`, error);
        if (error instanceof errors.JWSSignatureVerificationFailed)
          throw new InvalidToken('signature', 'No suitable key or wrong key type', error);
        throw new InvalidToken('malformed', "JWT couldn't be decoded", error);
      }
    },
    jwks: () => Promise.resolve({ keys: [publicJwk] }),
  };
}
