import type { MuseError } from '../shared/error.ts';
import { nearestName } from './names.ts';
import { tokenize, type Token } from './tokens.ts';

/** Makes the error for a place: offset, what is wrong, what to write instead. */
export type Fail = (at: number, message: string, suggestion: string) => MuseError;

/** Steps through tokens; each step says what it expects, for the error. */
export class TokenCursor {
  readonly #tokens: Token[];
  readonly #fail: Fail;
  #at = 0;

  constructor(text: string, fail: Fail) {
    this.#tokens = tokenize(text);
    this.#fail = fail;
  }

  /** The token that is next, or so many behind it; the last is `end`. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] ?? { kind: 'end', text: '', raw: '', start: 0 };
  }

  skip(count = 1): void {
    this.#at += count;
  }

  /** Steps over a sign or keyword where it is next, and says whether it was. */
  take(text: string): boolean {
    const token = this.peek();
    if (token.text !== text || token.quoted === true || (token.kind !== 'sign' && token.kind !== 'word')) return false;
    this.#at++;
    return true;
  }

  sign(sign: string, expected: string, suggestion: string): void {
    if (!this.take(sign)) throw this.unexpected(this.peek(), expected, suggestion);
  }

  word(expected: string, suggestion: string): string {
    const token = this.peek();
    if (token.kind !== 'word') throw this.unexpected(token, expected, suggestion);
    this.#at++;
    return token.text;
  }

  literal(expected: string): Token {
    const token = this.peek();
    if (!['word', 'string', 'number'].includes(token.kind)) throw this.unexpected(token, expected, "Put text in single quotes, as 'active'.");
    this.#at++;
    return token;
  }

  unexpected(token: Token, expected: string, suggestion: string): MuseError {
    const found = token.problem ?? (token.kind === 'end' ? 'it ends' : `${JSON.stringify(token.raw.slice(0, 60))} stands`);
    const name = token.kind === 'string' && expected.startsWith('a column') ? nearestName(token.text) : undefined;
    return this.#fail(token.start, `${expected} was expected, and ${found}`, name === undefined ? suggestion : `Write ${name}.`);
  }
}
