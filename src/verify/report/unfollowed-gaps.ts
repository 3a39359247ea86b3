import { mostSteps } from '../probes/follow.ts';
import type { Path } from '../probes/paths.ts';
import type { Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/**
 * A gap for each object of which permitted writes were not followed, since they are more than the proof follows, or come after too many
 * others.
 */
export function unfollowedGaps(proof: Proof): Gap[] {
  const { notFollowed, tooLong, callables, mostAttempts } = proof;
  const functions = new Set(callables.map(({ name }) => name));
  const shown = (count: number): string => count.toLocaleString('en-US');
  const late = [...countByObject(tooLong, proof).keys()].map((object) => ({
    object,
    reason:
      `what may be done after ${mostSteps} permitted writes in a row, the last of them ` +
      `a ${nounOf(functions.has(object), 1)}, was not followed`,
    suggestion: 'Follow it by hand: what can the user do then that was refused before?',
  }));
  const many = [...countByObject(notFollowed, proof)].map(([object, count]) => ({
    object,
    reason:
      `${shown(count)} permitted ${nounOf(functions.has(object), count)} ${count === 1 ? 'was' : 'were'} not followed, ` +
      'since the proof makes at most ' +
      `${shown(mostAttempts)} attempts after writes, so what ${count === 1 ? 'it opens' : 'they open'} is not known`,
    suggestion:
      'Repair what the errors name and prove it again: a write that opens something is followed no further. ' +
      'What a migration touches, muse migrate proves alone.',
  }));
  return [...many, ...late];
}

/** How many of the paths end with a write to each object, or with a call of it. */
function countByObject(paths: readonly Path[], { probes }: Proof): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { probes: numbers } of paths) {
    const { subject } = probes[numbers.findLast((number) => probes[number]!.verb !== 'renew-token') ?? numbers[0]!]!;
    counts.set(subject, (counts.get(subject) ?? 0) + 1);
  }
  return counts;
}

function nounOf(isFunction: boolean, count: number): string {
  if (isFunction) return count === 1 ? 'call of it' : 'calls of it';
  return count === 1 ? 'write to it' : 'writes to it';
}
