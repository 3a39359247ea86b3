import type { Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/** A gap for each object of which permitted writes were not followed, since they are more than the proof follows. */
export function unfollowedGaps({ notFollowed, probes, callables, mostAttempts }: Proof): Gap[] {
  const counts = new Map<string, number>();
  for (const { probes: numbers } of notFollowed) {
    const { subject } = probes[numbers.findLast((number) => probes[number]!.verb !== 'renew-token') ?? numbers[0]!]!;
    counts.set(subject, (counts.get(subject) ?? 0) + 1);
  }
  const functions = new Set(callables.map(({ name }) => name));
  const shown = (count: number): string => count.toLocaleString('en-US');
  return [...counts].map(([object, count]) => ({
    object,
    reason:
      `${shown(count)} permitted ${nounOf(functions.has(object), count)} ${count === 1 ? 'was' : 'were'} not followed, ` +
      'since the proof makes at most ' +
      `${shown(mostAttempts)} attempts after writes, so what ${count === 1 ? 'it opens' : 'they open'} is not known`,
    suggestion:
      'Repair what the errors name and prove it again: a write that opens something is followed no further. ' +
      'What a migration touches, muse migrate proves alone.',
  }));
}

function nounOf(isFunction: boolean, count: number): string {
  if (isFunction) return count === 1 ? 'call of it' : 'calls of it';
  return count === 1 ? 'write to it' : 'writes to it';
}
