import type { TimeLimits } from '../migrations/session-state.ts';
import { MuseError } from '../shared/error.ts';
import type { Flag } from './flags.ts';
import { flagText, type ParsedArguments } from './parse.ts';

/** The flags by which a run of SQL files is limited in time. */
export const limitFlags: readonly Flag[] = [
  { name: 'lock-timeout', type: 'string', value: '<seconds>', about: 'longest wait for a lock (production: 5)', group: 'Command' },
  { name: 'statement-timeout', type: 'string', value: '<seconds>', about: 'longest statement (production: 600)', group: 'Command' },
];

/** PostgreSQL counts both in milliseconds, in four bytes with a sign; 0 would be no limit at all. */
const [least, most] = [0.001, 2_147_483];

/**
 * The limits that a call gives.
 * @throws MuseError `bad-flag` for a time that is no number of seconds, or one that PostgreSQL cannot hold
 */
export function limitsOf(parsed: ParsedArguments): TimeLimits {
  const [lock, statement] = [secondsOf(parsed, 'lock-timeout'), secondsOf(parsed, 'statement-timeout')];
  return { ...(lock === undefined ? {} : { lockTimeoutMs: 1000 * lock }), ...(statement === undefined ? {} : { statementTimeoutMs: 1000 * statement }) };
}

function secondsOf(parsed: ParsedArguments, flag: string): number | undefined {
  const text = flagText(parsed, flag);
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (seconds >= least && seconds <= most) return seconds;
  throw new MuseError({
    code: 'bad-flag',
    message: `--${flag} takes seconds from ${least} to ${most}, and "${text}" is no such number.`,
    suggestion: `Write --${flag} 30.`,
  });
}
