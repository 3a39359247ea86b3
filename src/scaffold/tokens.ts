import type { MuseError } from '../shared/error.ts';
import { nearestName } from './names.ts';

/** A piece of a `--table` specification. `start` counts UTF-16 code units in the text. */
export interface Token {
  kind: 'word' | 'string' | 'number' | 'sign' | 'unknown' | 'end';
  /**
   * A word as PostgreSQL reads it (lower case unless in double quotes), the content of a string, or a number or sign as
   * written.
   */
  text: string;
  /** A word in the case it was written in, for values. */
  raw: string;
  start: number;
  /** A word in double quotes: never a keyword. */
  quoted?: boolean;
  /** What is wrong with an `unknown`. */
  problem?: string;
}

const patterns: readonly [Token['kind'], RegExp][] = [
  // A hyphen only joins letters, as in public-read, so that `agent->profiles` and `price=-1` are read correctly.
  ['word', /[\p{L}_][\p{L}\p{M}\p{N}_$]*(?:-[\p{L}][\p{L}\p{M}\p{N}_$]*)*/uy],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy],
  ['sign', /->|[:,()[\]!=|.]/uy],
];

const quoted: readonly [Token['kind'], string][] = [
  ['string', "'"],
  ['word', '"'],
];

/**
 * Splits a `--table` specification into tokens; the last is `end`. Anything else is `unknown`, and the rest is still
 * read.
 */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/u.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const { token, end } = tokenAt(text, at);
    tokens.push(token);
    at = end;
  }
  tokens.push({ kind: 'end', text: '', raw: '', start: text.length });
  return tokens;
}

function tokenAt(text: string, start: number): { token: Token; end: number } {
  for (const [kind, mark] of quoted) {
    if (text[start] === mark) return quotedAt(text, start, kind, mark);
  }
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined)
      return {
        token: { kind, text: kind === 'word' ? match.toLowerCase() : match, raw: match, start },
        end: start + match.length,
      };
  }
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  return {
    token: {
      kind: 'unknown',
      text: character,
      raw: character,
      start,
      problem: `${JSON.stringify(character)} has no meaning here`,
    },
    end: start + character.length,
  };
}

/** A text in quotes, with quotes inside doubled, as in SQL. */
function quotedAt(text: string, start: number, kind: Token['kind'], mark: string): { token: Token; end: number } {
  let content = '';
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] !== mark) content += text[at];
    else if (text[at + 1] === mark) content += text[at++];
    else return { token: { kind, text: content, raw: content, start, quoted: true }, end: at + 1 };
  }
  return {
    token: {
      kind: 'unknown',
      text: text.slice(start),
      raw: text.slice(start),
      start,
      problem: `the ${mark} has no closing ${mark}`,
    },
    end: text.length,
  };
}

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

  /** The next token, or one further ahead; the last is `end`. */
  peek(ahead = 0): Token {
    return (
      this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] ?? { kind: 'end', text: '', raw: '', start: 0 }
    );
  }

  skip(count = 1): void {
    this.#at += count;
  }

  /** Skips a sign or keyword if it is next, and says whether it was. */
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
    if (!['word', 'string', 'number'].includes(token.kind))
      throw this.unexpected(token, expected, "Put text in single quotes, e.g. 'active'.");
    this.#at++;
    return token;
  }

  unexpected(token: Token, expected: string, suggestion: string): MuseError {
    const found =
      token.problem ?? (token.kind === 'end' ? 'the text ends' : `found ${JSON.stringify(token.raw.slice(0, 60))}`);
    const name = token.kind === 'string' && expected.startsWith('a column') ? nearestName(token.text) : undefined;
    return this.#fail(
      token.start,
      `expected ${expected}, but ${found}`,
      name === undefined ? suggestion : `Write ${name}.`,
    );
  }
}
