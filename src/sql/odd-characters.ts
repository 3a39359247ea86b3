/** Characters that look like white space or punctuation, and that PostgreSQL reads as letters of a word. */
import { tokensOf } from './tokens.ts';

/** What a character is called, and what SQL has in its place. */
interface Odd {
  what: string;
  instead: string;
}

const quote: Odd = { what: 'a typographic quote', instead: '\' around a text, or " around a name' };
const dash: Odd = { what: 'a dash', instead: 'a hyphen: -' };
const nothing: Odd = { what: 'an invisible character', instead: 'nothing' };
const space: Odd = { what: 'a space of another kind', instead: 'a plain space' };
const wide = (instead: string): Odd => ({ what: 'a character in full width', instead });

const odd: ReadonlyMap<string, Odd> = new Map([
  ...[...'\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u00b4'].map((one): [string, Odd] => [one, quote]),
  ...[...'\u2010\u2011\u2012\u2013\u2014\u2212'].map((one): [string, Odd] => [one, dash]),
  ...[...'\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff'].map((one): [string, Odd] => [one, nothing]),
  ...[
    ...'\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
  ].map((one): [string, Odd] => [one, space]),
  ...[...'（）；，＝'].map((one): [string, Odd] => [one, wide(one.normalize('NFKC'))]),
]);

/** A character of that kind. */
export interface OddCharacter extends Odd {
  /** For people: `U+00A0`. */
  code: string;
  /** Its place in the text. */
  offset: number;
}

/** The first such character of a text. */
export function oddCharacterIn(text: string): OddCharacter | undefined {
  for (const { index, 0: one } of text.matchAll(/[^\p{ASCII}\p{L}\p{N}]/gu)) {
    const found = odd.get(one);
    const code = `U+${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
    if (found !== undefined) return { ...found, code, offset: index };
  }
  return undefined;
}

/** The first such character of a statement outside of its texts, quoted names and comments. */
export function oddCharacterOf(sql: string): OddCharacter | undefined {
  if (oddCharacterIn(sql) === undefined) return undefined;
  for (const { name, start, end } of tokensOf(sql)) {
    if (/CONST$|_COMMENT$/.test(name) || sql[start] === '"') continue;
    const found = oddCharacterIn(sql.slice(start, end));
    if (found !== undefined) return { ...found, offset: start + found.offset };
  }
  return undefined;
}

/** A text of the same length in which such spaces and invisible characters are plain spaces. */
export function withPlainSpaces(text: string): string {
  return text.replace(/[^\p{ASCII}\p{L}\p{N}]/gu, (one) => {
    const found = odd.get(one);
    return found === space || found === nothing ? ' ' : one;
  });
}
