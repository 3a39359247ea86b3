/** Vectors of pgvector, with which functions that search are called. */
import { quoteLiteral } from '../../shared/quote.ts';
import { vectorText } from '../fixtures/candidates.ts';
import type { Subject } from '../probes/subject.ts';
import type { ArgumentContext, Candidate } from './argument-keys.ts';

/** A vector of a given number of dimensions, or of any. */
const vector = /(?:^|\.)(?:vector|halfvec)(?:\((\d+)\))?$/;

/** How many numbers of dimensions are tried. */
const mostCounts = 3;

/**
 * Vectors with as many dimensions as those of the rows that the function reads, each with what is in every row: it finds them all.
 * @returns nothing for another type, or where no row has a vector
 */
export function vectorsFor(base: string, { named, subjects }: ArgumentContext): Candidate[] {
  const type = vector.exec(base);
  if (type === null) return [];
  const countsOf = (all: readonly Subject[]): number[] =>
    all.flatMap(({ table }) => table.columns.flatMap((column) => Number(vector.exec(column.base)?.[1] ?? 0) || []));
  const counts = type[1] === undefined ? [...countsOf(named), ...countsOf(subjects)] : [Number(type[1])];
  return [...new Set(counts)].slice(0, mostCounts).map((count) => ({ sql: quoteLiteral(vectorText(count)) }));
}
