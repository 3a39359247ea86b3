import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { longestQrText, qrCode, qrCodeSvg } from '../../src/dev/auth/qr-code.ts';

/** A picture's size, and its modules in short. A scanner has read each of these texts from its picture. */
const picture = (text: string): [size: number, digest: string] => {
  const modules = qrCode(text);
  const bits = modules.map((row) => row.map(Number).join('')).join('\n');
  return [modules.length, createHash('sha256').update(bits).digest('hex').slice(0, 12)];
};

describe('a QR code', () => {
  it.each<[string, string, number, string]>([
    ['the smallest version', 'HELLO', 21, 'c346c75add56'],
    ['one with an alignment pattern', 'x'.repeat(20), 25, '7ab82bfb94a7'],
    [
      'one with its version drawn',
      'otpauth://totp/App:ann@example.com?secret=JBSWY3DPEHPK3PXP&issuer=App&period=30'.padEnd(120, 'x'),
      45,
      '9c13c978d6c2',
    ],
    ['one with a long length field', 'é'.repeat(120), 61, 'e48eea67ac26'],
    ['the largest', 'x'.repeat(longestQrText), 97, '497df6c35a67'],
  ])('of %s', (_, text, size, digest) => {
    expect(picture(text)).toEqual([size, digest]);
  });

  it('has corners, timing and a quiet zone', () => {
    const modules = qrCode('x');
    const row = (y: number): string => modules[y]!.map((dark) => (dark ? '#' : '.')).join('');
    expect([row(0).slice(0, 8), row(3).slice(0, 8), row(6).slice(0, 15)]).toEqual([
      '#######.',
      '#.###.#.',
      '#######.#.#.#.#',
    ]);
    expect(qrCodeSvg('x')).toContain('viewBox="0 0 29 29"');
  });

  it('of too long a text is refused', () => {
    expect(() => qrCode('x'.repeat(longestQrText + 1))).toThrow(RangeError);
  });
});
