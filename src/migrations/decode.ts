import { lineText, positionAt } from '../shared/text.ts';
import type { Finding } from '../shared/finding.ts';

/** A file's text, or why it has none. */
export type Decoded = { sql: string } | { finding: Finding };

/**
 * A migration file's bytes as UTF-8 text, without its byte order mark; line ends stay as they are. A file that is not UTF-8, or
 * holds a NUL byte (PostgreSQL would read the script only up to it), is a `syntax-error` that names the byte.
 */
export function decodeSql(bytes: Uint8Array, file: string): Decoded {
  const nul = bytes.indexOf(0);
  if (nul === -1) {
    try {
      return { sql: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      // Reported below, with the byte.
    }
  }
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const offset = utf16 ? 0 : firstBadByte(bytes, nul);
  const before = new TextDecoder().decode(bytes.subarray(0, offset));
  const position = positionAt(before, before.length);
  const what =
    bytes[offset] === 0 ? 'a NUL byte' : `0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')}, which is not UTF-8`;
  return {
    finding: {
      rule: 'syntax-error',
      severity: 'error',
      file,
      ...position,
      message: utf16
        ? 'The file is UTF-16, but PostgreSQL reads UTF-8. It is not run.'
        : `Byte ${offset} of the file is ${what}. The file is not run.`,
      suggestion: utf16 ? 'Save the file as UTF-8.' : 'Save the file as UTF-8, or replace that character.',
      snippet: lineText(before, position.line),
    },
  };
}

/** The offset of the first byte that is not UTF-8, or of the NUL; by binary search over the valid prefixes. */
function firstBadByte(bytes: Uint8Array, nul: number): number {
  const valid = (end: number): boolean => {
    try {
      // `stream` accepts a prefix that ends inside a character.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let good = 0;
  let bad = (nul === -1 ? bytes.length : nul) + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (valid(middle)) good = middle;
    else bad = middle;
  }
  return startOfHalf(bytes, good);
}

/** If the bytes before `end` stop in the middle of a character, the offset of its first byte; else `end`. */
function startOfHalf(bytes: Uint8Array, end: number): number {
  for (let at = end - 1; at >= 0 && at >= end - 3; at -= 1) {
    const byte = bytes[at]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return at + length > end ? at : end;
  }
  return end;
}
