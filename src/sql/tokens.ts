import { scan } from './parser.ts';
import type { Token } from './parser.ts';

/** A token with UTF-16 offsets in the file. */
export interface FileToken {
  start: number;
  end: number;
  /** libpg-query's name for it; `REST` for the text that the scanner cannot read to its end. */
  name: string;
}

/** Size of the chunks that are scanned at once, since the scanner's result is about forty times as long as the text. */
const CHUNK = 1 << 16;

/**
 * The text's tokens by PostgreSQL's own scanner, comments included, in order. If the scanner gives up (a string or
 * comment that never ends), everything from there on is one token named `REST`.
 */
export function* tokensOf(sql: string): Generator<FileToken> {
  let start = 0;
  let size = CHUNK;
  while (start < sql.length) {
    let end = Math.min(start + size, sql.length);
    // Never split a surrogate pair.
    if (end < sql.length && (sql.charCodeAt(end) & 0xfc00) === 0xdc00) end += 1;
    const chunk = sql.slice(start, end);
    const { tokens, stuck } = scanMasked(chunk);
    const atEnd = end === sql.length;
    const located = locate(tokens, chunk, start);
    if (atEnd) {
      yield* located;
      if (stuck !== undefined) yield { start: start + stuck, end, name: 'REST' };
      return;
    }
    // The chunk may end inside the last token, so that token is read again with the next chunk, or with a larger one.
    if (stuck === undefined) located.pop();
    yield* located;
    const next = stuck === undefined ? (located.at(-1)?.end ?? start) : start + stuck;
    size = next === start ? size * 2 : CHUNK;
    start = next;
  }
}

function locate(tokens: readonly Token[], chunk: string, start: number): FileToken[] {
  let byte = 0;
  let unit = 0;
  // Tokens are in order, so one pass over the chunk converts all byte offsets to UTF-16.
  const advance = (to: number): number => {
    while (byte < to) {
      const point = chunk.codePointAt(unit)!;
      byte += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      unit += point < 0x10000 ? 1 : 2;
    }
    return start + unit;
  };
  return tokens.map((token) => ({ start: advance(token.start), end: advance(token.end), name: token.tokenName }));
}

/**
 * Scans a chunk. A word that the scanner refuses (`1a`, `""`) is masked everywhere: it contains no quote and no
 * semicolon, so the ends of statements do not change. `stuck` is the offset of a token that never ends.
 */
function scanMasked(chunk: string): { tokens: Token[]; stuck?: number } {
  // Valid SQL has control characters only in literals, and libpg-query does not escape them in its result.
  let text = chunk.replaceAll(/(?=\p{ASCII})[^\P{Cc}\s]/gu, '_');
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const answer = scan(text);
    if (Array.isArray(answer)) return { tokens: answer };
    const [, message = '', near = ''] = /^([^"]*) at or near "([^]*)"$/.exec(answer.message) ?? [];
    if (message.startsWith('unterminated') && text.endsWith(near) && near !== '') {
      const stuck = text.length - near.length;
      const before = scan(text.slice(0, stuck));
      return { tokens: Array.isArray(before) ? before : [], stuck: Array.isArray(before) ? stuck : 0 };
    }
    if (near === '' || /[;']/.test(near) || !text.includes(near)) break;
    text = text.replaceAll(near, '_'.repeat(Buffer.byteLength(near)));
  }
  return { tokens: [], stuck: 0 };
}
