import { expect, it } from 'vitest';
import { errorsOf, findingsProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

/** A correct design, and one with a hole close to it; what is found in that; what is not proven in the correct one. */
export type Pair = [name: string, correct: string, hole: string, finds: string, unproven?: string];

/** A test per pair: no error in the correct design, and the hole is found. */
export function testPairs(pairs: readonly Pair[]): void {
  const find = findingsProver();
  it.each(sampleOf(pairs, 4))('%s', async (_, correct, hole, finds, unproven) => {
    const found = await find(correct);
    expect(errorsOf(found)).toEqual([]);
    if (unproven !== undefined)
      expect(found.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object)).toContain(unproven);
    expect(errorsOf(await find(hole))).toContain(finds);
  });
}
