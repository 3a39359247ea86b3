/** Waves: which muses of a run come first. Functions of their arguments. */
import { MuseError } from '../../shared/error.ts';
import { matchesGlob } from '../registry/names.ts';

/** How far a wave goes: so many muses of the run, or so many percent of them, those of earlier waves included. */
export interface WaveSize {
  count: number;
  unit: 'muses' | 'percent';
}

/** Until one is named: a tenth, then everything. */
export const defaultWaves = '10%,100%';

/**
 * Reads `--waves`, e.g. `1,10%,100%`.
 * @throws MuseError `bad-flag` for anything that is not a list of numbers and percentages
 */
export function parseWaves(text: string): WaveSize[] {
  return text.split(',').map((part) => {
    const match = /^([1-9]\d{0,5})(%?)$/.exec(part.trim());
    const count = Number(match?.[1]);
    if (match !== null && (match[2] === '' || count <= 100))
      return { count, unit: match[2] === '' ? 'muses' : 'percent' };
    throw new MuseError({
      code: 'bad-flag',
      message: `--waves takes numbers of muses and percentages, separated by commas, not "${text}".`,
      suggestion: 'For example: --waves 1,10%,100%',
    });
  });
}

/**
 * Puts each muse of a run into a wave: the canaries into the first, then as the sizes say. What they leave is the last wave;
 * a size that adds nobody makes no wave.
 * @param names of the muses, in the order in which they are taken
 * @param canary names or patterns
 * @returns the wave of each muse, from 1
 * @throws MuseError `bad-muse` for a canary that is not in the run
 */
export function planWaves(names: readonly string[], canary: readonly string[], sizes: readonly WaveSize[]): number[] {
  const first = new Set<number>();
  for (const pattern of canary) {
    const found = names.flatMap((name, index) => (matchesGlob(pattern, name) ? [index] : []));
    if (found.length === 0) {
      throw new MuseError({
        code: 'bad-muse',
        message: `The canary "${pattern}" is not among the muses of this run.`,
        suggestion: `It has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}. Name one of them, or widen --only.`,
      });
    }
    for (const index of found) first.add(index);
  }
  const order = [...first, ...names.flatMap((_, index) => (first.has(index) ? [] : [index]))];
  const ends = [
    first.size,
    ...sizes.map(({ count, unit }) => (unit === 'muses' ? count : Math.ceil((names.length * count) / 100))),
    names.length,
  ];
  const waves = Array<number>(names.length).fill(0);
  let wave = 0;
  let taken = 0;
  for (const end of ends) {
    const upTo = Math.min(end, names.length);
    if (upTo <= taken) continue;
    wave += 1;
    for (const index of order.slice(taken, upTo)) waves[index] = wave;
    taken = upTo;
  }
  return waves;
}
