import type { Consent } from '../create/muse/guard.ts';
import { flagText, type ParsedArguments } from './parse.ts';
import type { CommandContext } from './run.ts';

/** The ways to agree that this call has: `--confirm`, or the terminal. */
export function consentOf(parsed: ParsedArguments, { ask: terminal, output }: CommandContext): Consent {
  const confirmed = flagText(parsed, 'confirm');
  const ask = async (plan: string): Promise<string> => {
    output.progress(plan);
    return (await terminal!()).text("Type the environment's name to go on:");
  };
  return {
    show: (plan) => output.progress(plan),
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(terminal === undefined ? {} : { ask }),
  };
}
