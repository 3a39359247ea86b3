import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { samplePattern } from '../../src/verify/fixtures/sample-pattern.ts';

const atom = fc.oneof(
  fc.constantFrom('a', 'x-', '[a-z]', '[^a-z]', '[A-Z0-9_]', '\\d', '\\w', '\\.', '(ab|cd)', '(?:x|[0-9]{2})', '.'),
);
const counted = fc
  .tuple(atom, fc.constantFrom('', '', '+', '*', '?', '{2}', '{1,3}', '{2,}'))
  .map((parts) => parts.join(''));

describe('samplePattern', () => {
  it.each([
    '^[a-z0-9]+(-[a-z0-9]+)*$',
    '^[A-Z]{2}$',
    '^\\+[1-9]\\d{1,14}$',
    '^#([0-9a-f]{3}|[0-9a-f]{6})$',
    '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
    '^https?://[^ ]+$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^(draft|published)$',
    '^sk_(live|test)_[A-Za-z0-9]{16,}$',
    '^[0-9a-f]{64}$',
    '^(?=.*a).+$',
  ])('%s', (pattern) => {
    for (const seed of [0, 1, 7, 123_456_789]) expect(samplePattern(pattern, seed)).toMatch(new RegExp(pattern));
  });

  it('matches patterns combined from the usual parts', () => {
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1, maxLength: 6 }), fc.nat(), (parts, seed) => {
        const pattern = `^${parts.join('')}$`;
        expect(samplePattern(pattern, seed)).toMatch(new RegExp(pattern));
      }),
    );
  });

  it('returns different texts for different seeds', () => {
    expect(new Set([0, 1, 2, 3].map((seed) => samplePattern('^[a-z]{8}$', seed))).size).toBe(4);
  });

  it('terminates on any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.nat(), (pattern, seed) => {
        samplePattern(pattern, seed);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'([{^$|*+?\\.)]}a0,-:'), { maxLength: 40 }), fc.nat(), (parts, seed) => {
        samplePattern(parts.join(''), seed);
      }),
    );
  });
});
