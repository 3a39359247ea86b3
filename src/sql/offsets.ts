/** Offsets of one text: bytes (PostgreSQL's tree), code points (its errors), UTF-16 (ours), lines and columns. */

export interface Offsets {
  /** UTF-16 offset of a byte offset. */
  fromByte(byte: number): number;
  /** Byte offset of a UTF-16 offset. */
  toByte(offset: number): number;
  /** UTF-16 offset of a count of code points from `start`. */
  fromCharacters(start: number, characters: number): number;
  /** 1-based line and column. */
  position(offset: number): { line: number; column: number };
}

/** Index of the last entry that is <= `value`; -1 if there is none. */
function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Tables of the text's lines and of its characters beyond ASCII: built in linear time, queried by binary search. */
export function offsetsOf(text: string): Offsets {
  // Offsets after each character beyond ASCII: in between, a byte is a UTF-16 unit.
  const bytes: number[] = [];
  const units: number[] = [];
  let extra = 0;
  for (const match of text.matchAll(/\P{ASCII}/gu)) {
    const point = match[0].codePointAt(0)!;
    const unit = match.index + match[0].length;
    extra += (point < 0x800 ? 2 : point < 0x10000 ? 3 : 4) - match[0].length;
    units.push(unit);
    bytes.push(unit + extra);
  }
  let lines: number[] | undefined;
  const lineStarts = (): number[] => {
    if (lines === undefined) {
      lines = [0];
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
    }
    return lines;
  };
  return {
    fromByte(byte) {
      const index = lastAtMost(bytes, byte);
      return index < 0 ? byte : units[index]! + (byte - bytes[index]!);
    },
    toByte(offset) {
      const index = lastAtMost(units, offset);
      return index < 0 ? offset : bytes[index]! + (offset - units[index]!);
    },
    fromCharacters(start, characters) {
      let offset = start;
      for (let count = 0; count < characters && offset < text.length; count += 1) {
        offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
      }
      return offset;
    },
    position(offset) {
      const starts = lineStarts();
      const line = lastAtMost(starts, offset);
      return { line: line + 1, column: offset - starts[line]! + 1 };
    },
  };
}
