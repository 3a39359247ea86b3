/** CBOR, as far as authenticators write it: RFC 8949 without tags, floating point and indefinite lengths. */

export type CborValue = number | string | boolean | null | Buffer | CborValue[] | Map<CborValue, CborValue>;

/** How deep values may be nested; an authenticator's have two levels. */
const deepest = 8;

/**
 * Reads one value from the start of bytes.
 * @returns the value, and how many bytes it took
 * @throws RangeError where the bytes end early or hold what authenticators do not write
 */
export function readCbor(bytes: Buffer): { value: CborValue; length: number } {
  let at = 0;

  function take(count: number): Buffer {
    if (count > bytes.length - at) throw new RangeError('CBOR ends early');
    at += count;
    return bytes.subarray(at - count, at);
  }

  function argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return take(1).readUInt8();
    if (info === 25) return take(2).readUInt16BE();
    if (info === 26) return take(4).readUInt32BE();
    throw new RangeError('CBOR has a number that is too long');
  }

  function list<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    // One by one: a length that is a lie ends with the bytes.
    while (items.length < count) items.push(read());
    return items;
  }

  function read(depth: number): CborValue {
    if (depth > deepest) throw new RangeError('CBOR is nested too deep');
    const head = take(1).readUInt8();
    const major = head >> 5;
    if (major === 7) return simple(head & 31);
    const number = argument(head & 31);
    const inner = (): CborValue => read(depth + 1);
    switch (major) {
      case 0:
        return number;
      case 1:
        return -1 - number;
      case 2:
        return take(number);
      case 3:
        return take(number).toString('utf8');
      case 4:
        return list(number, inner);
      case 5:
        return new Map(list(number, (): [CborValue, CborValue] => [inner(), inner()]));
      default:
        throw new RangeError('CBOR has a tag');
    }
  }

  return { value: read(0), length: at };
}

function simple(info: number): boolean | null {
  const values: Readonly<Record<number, boolean | null>> = { 20: false, 21: true, 22: null };
  const value = values[info];
  if (value === undefined) throw new RangeError('CBOR has a value of another kind');
  return value;
}
