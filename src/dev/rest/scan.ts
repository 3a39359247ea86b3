import { RestFailure } from './failure.ts';

/** Thrown inside a parser to go back to the last {@link Scanner.attempt}. Always the same one: a stack takes time. */
class NoMatch extends Error {}
const noMatch = new NoMatch();

const identifierCharacter = /[\p{L}\d_ $]/u;

/**
 * Reads one parameter's text from left to right. It remembers what it would have accepted at the furthest position that
 * it reached, so that the error can say so, as PostgREST's does.
 */
export class Scanner {
  #at = 0;
  #furthest = 0;
  #expected = new Set<string>();
  readonly #text: string;
  readonly #label: string;

  /** @param label how the error names the text, e.g. `failed to parse filter (eq)` */
  constructor(text: string, label: string) {
    this.#text = text;
    this.#label = label;
  }

  /** Whether nothing was read yet. */
  get untouched(): boolean {
    return this.#at === 0;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  /** Whether this comes next; reads nothing. */
  sees(literal: string): boolean {
    if (this.#text.startsWith(literal, this.#at)) return true;
    this.#expect(literal === '' ? 'end of input' : JSON.stringify(literal));
    return false;
  }

  atEnd(): boolean {
    if (this.#at === this.#text.length) return true;
    this.#expect('end of input');
    return false;
  }

  /** Reads this where it comes next. */
  take(literal: string): boolean {
    const seen = this.sees(literal);
    if (seen) this.#at += literal.length;
    return seen;
  }

  /** Reads the first of these that comes next; list longer ones first. */
  takeOne<T extends string>(literals: readonly T[]): T | undefined {
    return literals.find((literal) => this.take(literal));
  }

  /** Reads characters of a class, possibly none. */
  takeWhile(accepts: (character: string) => boolean): string {
    let end = this.#at;
    for (const character of this.rest) {
      if (!accepts(character)) break;
      end += character.length;
    }
    const taken = this.#text.slice(this.#at, end);
    this.#at = end;
    return taken;
  }

  takeRest(): string {
    return this.takeWhile(() => true);
  }

  skipSpace(): void {
    this.takeWhile((character) => character === ' ' || character === '\t');
  }

  /** @throws NoMatch where something else comes next */
  need(literal: string): void {
    if (!this.take(literal)) this.fail();
  }

  /** Letters, digits, `_`, `$` and inner spaces. @throws NoMatch */
  needIdentifier(label: string): string {
    const name = this.takeWhile((character) => identifierCharacter.test(character)).trim();
    if (name === '') this.fail(label);
    return name;
  }

  /** A text in double quotes, where a backslash escapes a character; undefined where there is no quote here. */
  takeQuoted(): string | undefined {
    if (!this.take('"')) return undefined;
    let value = '';
    for (;;) {
      const next = this.#next();
      if (next === '"') return value;
      value += next === '\\' ? this.#next() : next;
    }
  }

  #next(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) this.fail('"\\""');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  /** What `parse` returns; undefined, with nothing read, where it does not match. */
  attempt<T>(parse: () => T): T | undefined {
    const start = this.#at;
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof NoMatch)) throw error;
      this.#at = start;
      return undefined;
    }
  }

  /** @throws NoMatch always */
  fail(...labels: string[]): never {
    for (const label of labels) this.#expect(label);
    throw noMatch;
  }

  /**
   * What `parse` returns.
   * @throws RestFailure PGRST100 where the text does not match
   */
  run<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw error instanceof NoMatch ? this.failure() : error;
    }
  }

  failure(): RestFailure {
    const before = this.#text.slice(0, this.#furthest);
    const line = before.split('\n').length;
    const column = before.length - (before.lastIndexOf('\n') + 1) + 1;
    const code = this.#text.codePointAt(this.#furthest);
    const unexpected = code === undefined ? 'end of input' : JSON.stringify(String.fromCodePoint(code));
    const expected = [...this.#expected];
    const last = expected.pop();
    const list = expected.length === 0 ? last : `${expected.join(', ')} or ${last}`;
    return new RestFailure({
      status: 400,
      code: 'PGRST100',
      message: `"${this.#label}" (line ${line}, column ${column})`,
      details: `unexpected ${unexpected}${list === undefined ? '' : ` expecting ${list}`}`,
    });
  }

  #expect(label: string): void {
    if (this.#at < this.#furthest) return;
    if (this.#at > this.#furthest) {
      this.#furthest = this.#at;
      this.#expected = new Set();
    }
    this.#expected.add(label);
  }
}
