import type { Family } from './mutant-families.ts';
import type { Mutant } from './mutants.ts';

/** Kinds of mistakes that the proof does not cover yet. Misses are printed but do not fail the tests. */
const open: ReadonlySet<Family> = new Set(['time']);

/** Single mutants that the proof misses, each with the reason. One that is found must leave the list. */
const known: ReadonlyMap<string, string> = new Map();

/** Names of the mutants that are missed but must not be. */
export function missedIn(missed: readonly Mutant[]): string[] {
  return missed
    .filter(({ family, name }) => (family === undefined || !open.has(family)) && !known.has(name))
    .map(({ name }) => name);
}

/** Names of known misses that were found after all. */
export function foundIn(tried: readonly Mutant[], missed: readonly Mutant[]): string[] {
  return tried.filter((mutant) => known.has(mutant.name) && !missed.includes(mutant)).map(({ name }) => name);
}
