import { inspect } from 'node:util';

/** A text that shows itself only to who asks for it by name; printed, logged or turned to JSON it is `***`. */
export interface Secret {
  /** The text itself. */
  reveal: () => string;
}

/** Wraps a token, key or password. */
export function secret(text: string): Secret {
  const hidden = (): string => '***';
  return Object.freeze({ reveal: () => text, toString: hidden, toJSON: hidden, [inspect.custom]: hidden });
}
