/** Time-based one-time passwords, RFC 6238: what authenticator apps show. */
import { createHmac, randomBytes } from 'node:crypto';
import { isSame } from './pkce.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const period = 30;

/** A secret of 160 bits as base32, without padding. */
export function newSecret(): string {
  const bits = [...randomBytes(20)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join('');
}

/** The six digits at a time, in ms. */
export function codeAt(secret: string, time: number): string {
  const bits = [...secret].map((character) => alphabet.indexOf(character).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(time / 1000 / period)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 15;
  const number = digest.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Whether a code is of this moment, or of the one before or after: clocks differ. */
export function isCodeOf(secret: string, code: string, now = Date.now()): boolean {
  return [-period, 0, period].some((skew) => isSame(codeAt(secret, now + skew * 1000), code.trim()));
}

/** What authenticator apps read. */
export function otpauthUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const query = `algorithm=SHA1&digits=6&issuer=${encodeURIComponent(issuer)}&period=${period}&secret=${secret}`;
  return `otpauth://totp/${label}?${query}`;
}
