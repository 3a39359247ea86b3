import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLine } from '../../src/shared/printable.ts';

const cases: [what: string, text: string, shown: string][] = [
  ['a color', '\u001B[31mred', String.raw`\x1b[31mred`],
  ['a link', '\u001B]8;;http://evil\u0007', String.raw`\x1b]8;;http://evil\x07`],
  ['a control sequence of eight bits', '\u009B2J', String.raw`\x9b2J`],
  ['backspaces', 'a\b\u007Fb', String.raw`a\x08\x7fb`],
  ['a carriage return that overwrites', 'real\rfake', String.raw`real\x0dfake`],
  ['text that runs backwards', 'a\u202Eb\u2066c\u200F', String.raw`a\u202eb\u2066c\u200f`],
  ['a separator of lines', 'a\u2028b', String.raw`a\u2028b`],
  ['an invisible tag', 'a\u{E0041}', String.raw`a\u{e0041}`],
  ['half a character', 'a\uD800', String.raw`a\ud800`],
  ['a byte order mark', '\uFEFFa', String.raw`\ufeffa`],
  ['letters of any language', 'größe 表 👩‍👩‍👧 עברית', 'größe 表 👩‍👩‍👧 עברית'],
];

describe.each(cases)('%s', (_what, text, shown) => {
  it('is spelled out in text', () => expect(printable(text)).toBe(shown));
  it('is spelled out on a line', () => expect(printableLine(text)).toBe(shown));
  it('is the same in JSON', () => {
    const json = printableJson(JSON.stringify({ text }));
    expect(JSON.parse(json)).toEqual({ text });
    expect(printable(json)).toBe(json);
  });
});

it('lines stay lines in text, and not in a name', () => {
  expect(printable('a\r\nb\tc\nd')).toBe('a\nb\tc\nd');
  expect(printableLine('a\r\nb\tc\nd')).toBe(String.raw`a\nb c\nd`);
});
