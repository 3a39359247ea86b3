import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';

/** A text that only `reveal()` returns; printed, logged or in JSON it is `***`. */
export interface Secret {
  /** The text itself. */
  reveal: () => string;
}

/** Wraps a token, key or password. */
export function secret(text: string): Secret {
  const hidden = (): string => '***';
  return Object.freeze({ reveal: () => text, toString: hidden, toJSON: hidden, [inspect.custom]: hidden });
}

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const all = `${letters}23456789`;

/**
 * A password that is safe anywhere (URL, shell, dotenv, SQL): letters and digits only, none that look alike, a letter
 * first; 32 characters are 185 bits.
 * @param length at least 24
 */
export function makePassword(length = 32): Secret {
  let text = letters.charAt(randomInt(letters.length));
  while (text.length < Math.max(24, length)) text += all.charAt(randomInt(all.length));
  return secret(text);
}
