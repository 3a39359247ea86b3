import { positionAt, type Position } from './text.ts';

/** A file's text, or why it has none. */
export type Decoded = { text: string } | Unreadable;

/** Why bytes are not text, and where. */
export interface Unreadable {
  /** A sentence without its period, e.g. `byte 12 of the file is 0xff, which is not UTF-8`. */
  why: string;
  /** What to do, one sentence. */
  suggestion: string;
  position: Position;
  /** It is no text in any encoding. */
  isOther?: true;
  /** The text before the first bad byte. */
  before: string;
}

/**
 * Bytes as UTF-8 text, without their byte order mark; line ends stay as they are. UTF-16, archives and pointers of Git LFS are
 * named as such. A NUL byte is not
 * text either: PostgreSQL reads a script only up to it.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  const other = otherFormats.find(({ start }) => start.every((byte, index) => bytes[index] === byte));
  if (other !== undefined)
    return {
      ...(other.isText === true ? {} : { isOther: true }),
      why: other.why,
      suggestion: other.suggestion,
      position: { line: 1, column: 1 },
      before: '',
    };
  const nul = bytes.indexOf(0);
  if (nul === -1) {
    try {
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      // Said below, with the byte.
    }
  }
  if (isUtf16(bytes, nul)) {
    const position = { line: 1, column: 1 };
    return { why: 'the file is UTF-16', suggestion: 'Save the file as UTF-8.', position, before: '' };
  }
  const offset = firstBadByte(bytes, nul);
  const before = new TextDecoder().decode(bytes.subarray(0, offset));
  const what =
    bytes[offset] === 0 ? 'a NUL byte' : `0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')}, which is not UTF-8`;
  return {
    why: `byte ${offset} of the file is ${what}`,
    suggestion: 'Save the file as UTF-8, or replace that character.',
    position: positionAt(before, before.length),
    before,
  };
}

const startOf = (text: string): number[] => [...Buffer.from(text, 'latin1')];

/** What is stored under the name of a text and is none, by its first bytes. */
const otherFormats: readonly { start: readonly number[]; why: string; suggestion: string; isText?: true }[] = [
  {
    start: startOf('version https://git-lfs.github.com/spec/'),
    why: 'the file is a pointer of Git LFS, and its text is elsewhere',
    suggestion:
      'Store the file itself in git: git lfs pull && git lfs untrack "*.sql" && git add --renormalize . && ' +
      'git commit -m "Store SQL in git".',
  },
  {
    start: startOf('PGDMP'),
    why: 'the file is an archive of pg_dump, not SQL',
    suggestion: 'Write its SQL in its place: pg_restore --no-owner -f <file.sql> <archive>.',
  },
  {
    start: startOf('SQLite format 3\0'),
    why: 'the file is a database of SQLite, not SQL',
    suggestion: 'Move it out of the folder, or write its SQL in its place: sqlite3 <file> .dump.',
  },
  {
    start: [0x1f, 0x8b],
    why: 'the file is compressed (gzip)',
    suggestion: 'Store what is in it: gunzip < <file> > <file.sql>.',
  },
  { start: startOf('PK\u0003\u0004'), why: 'the file is a ZIP archive', suggestion: 'Store what is in it.' },
  { start: [0xff, 0xfe, 0, 0], why: 'the file is UTF-32', suggestion: 'Save the file as UTF-8.', isText: true },
  { start: [0, 0, 0xfe, 0xff], why: 'the file is UTF-32', suggestion: 'Save the file as UTF-8.', isText: true },
];

/** By its mark; without one, by a NUL as every second of the first bytes, as Latin letters have it. */
function isUtf16(bytes: Uint8Array, nul: number): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  if (nul !== 0 && nul !== 1) return false;
  const start = bytes.subarray(0, Math.min(64, bytes.length & ~1));
  return start.length >= 4 && start.every((byte, index) => (byte === 0) === (index % 2 === nul % 2));
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
