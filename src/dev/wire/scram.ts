/**
 * The server's side of SCRAM-SHA-256, by which a client proves that it knows the password without sending it.
 * https://www.rfc-editor.org/rfc/rfc5802, https://www.postgresql.org/docs/17/sasl-authentication.html
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);
const iterations = 4096;

/** What is derived from a password, once. */
export interface ScramSecret {
  salt: Buffer;
  storedKey: Buffer;
  serverKey: Buffer;
}

const hmac = (key: Uint8Array, value: string): Buffer => createHmac('sha256', key).update(value).digest();
const sha256 = (value: Uint8Array): Buffer => createHash('sha256').update(value).digest();

/** @param password of printable ASCII, which needs no normalization */
export async function scramSecret(password: string): Promise<ScramSecret> {
  const salt = randomBytes(16);
  const salted = await derive(password, salt, iterations, 32, 'sha256');
  return { salt, storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') };
}

/** One exchange: the server's first message, and what it answers to the client's proof. */
export interface ScramExchange {
  first: string;
  /** The server's last message; undefined where the proof is wrong. */
  finish(clientFinal: string): string | undefined;
}

/** @returns undefined where the client's first message is not one, or wants channel binding, which needs TLS */
export function beginScram(secret: ScramSecret, clientFirst: string): ScramExchange | undefined {
  const [flag, , ...rest] = clientFirst.split(',');
  const bare = rest.join(',');
  const nonce = rest.find((field) => field.startsWith('r='))?.slice(2);
  if ((flag !== 'n' && flag !== 'y') || !nonce) return undefined;
  const fullNonce = nonce + randomBytes(18).toString('base64');
  const first = `r=${fullNonce},s=${secret.salt.toString('base64')},i=${iterations}`;
  const header = Buffer.from(clientFirst.slice(0, clientFirst.length - bare.length)).toString('base64');
  return {
    first,
    finish(clientFinal) {
      const at = clientFinal.lastIndexOf(',p=');
      if (at === -1) return undefined;
      const withoutProof = clientFinal.slice(0, at);
      const proof = Buffer.from(clientFinal.slice(at + 3), 'base64');
      if (withoutProof !== `c=${header},r=${fullNonce}` || proof.length !== 32) return undefined;
      const signed = `${bare},${first},${withoutProof}`;
      const signature = hmac(secret.storedKey, signed);
      const clientKey = proof.map((byte, index) => byte ^ (signature[index] as number));
      if (!timingSafeEqual(sha256(clientKey), secret.storedKey)) return undefined;
      return `v=${hmac(secret.serverKey, signed).toString('base64')}`;
    },
  };
}
