import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeSql } from '../../src/migrations/decode.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
  fc
    .tuple(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      fc.string({ maxLength: 10 }),
    )
    .map(([before, odd, after]) =>
      Uint8Array.from([...new TextEncoder().encode(before), ...odd, ...new TextEncoder().encode(after)]),
    ),
);

it('returns the exact text of any bytes, or the first invalid byte', () => {
  fc.assert(
    fc.property(bytes, (file) => {
      const decoded = decodeSql(file, 'a.sql');
      if ('sql' in decoded) {
        const again = new TextEncoder().encode(decoded.sql);
        const bom = file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf;
        return Buffer.from(again).equals(Buffer.from(bom ? file.subarray(3) : file)) && !file.includes(0);
      }
      const at = /^Byte (\d+)/.exec(decoded.finding.message)?.[1];
      if (at === undefined) return /^The file is (?:UTF-(?:16|32)|compressed)/.test(decoded.finding.message);
      const before = Buffer.from(file.subarray(0, Number(at)));
      const upTo = file.subarray(0, Number(at) + 1);
      // The bytes before it are valid text, and not together with it.
      return (
        Buffer.from(before.toString('utf8')).equals(before) &&
        Number(at) < file.length &&
        upTo.length > 0 &&
        decoded.finding.line! > 0
      );
    }),
    { numRuns: 2000 },
  );
});

it('is fast on a large file that is invalid at its end', () => {
  const file = Buffer.alloc(8 << 20, 'é');
  file[file.length - 1] = 0xff;
  expect(decodeSql(file, 'a.sql')).toMatchObject({
    finding: { message: expect.stringContaining(`Byte ${file.length - 2} `) },
  });
});
