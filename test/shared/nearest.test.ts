import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOneMistake, nearest } from '../../src/shared/nearest.ts';

describe('nearest', () => {
  it.each([
    ['persets', ['preset', 'prefix', 'table'], 'preset'],
    ['taget', ['target', 'table'], 'target'],
    ['resmue', ['resume', 'region'], 'resume'],
    ['RESUME', ['resume'], 'resume'],
    ['dat', ['database-url', 'dir'], 'database-url'],
    ['xyzzy', ['preset', 'table'], undefined],
    ['', ['preset'], undefined],
    ['timestampz', ['timestamp', 'timestamptz'], 'timestamptz'],
    ['timestampz', ['timestamptz', 'timestamp'], 'timestamptz'],
    ['colour', ['color', 'column'], 'color'],
  ])('%s among %j is %s', (typed, known, expected) => {
    expect(nearest(typed, known)).toBe(expected);
  });

  it('is the same whatever comes before it', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), maxLength: 9 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), maxLength: 9 }), words, (typed, known) => {
        const alone = known.filter((word) => nearest(typed, [word]) === word);
        const best = nearest(typed, known);
        expect(best === undefined).toBe(alone.length === 0);
        expect(best).toBe(nearest(typed, alone));
        if (alone.some((word) => isOneMistake(typed, word)))
          expect(isOneMistake(typed, best!) || best!.startsWith(typed) || best === typed).toBe(true);
      }),
    );
  });
});
