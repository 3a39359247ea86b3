import type { Consent } from '../muse/guard.ts';
import { environmentNameOf } from './muse-context.ts';
import { flagText, type ParsedArguments } from './parse.ts';
import type { CommandContext } from './run.ts';

/** The ways to agree that this call has: `--confirm`, or the terminal. */
export function consentOf(parsed: ParsedArguments, { ask: terminal, output }: CommandContext): Consent {
  const confirmed = flagText(parsed, 'confirm');
  const name = environmentNameOf(parsed);
  // A slip of the finger need not cost the whole run; no answer is an answer.
  const check = (typed: string): true | string => ['', name].includes(typed.trim()) || `That is not ${name}: type it, or press Enter alone to end this.`;
  const ask = async (plan: string): Promise<string> => {
    output.progress(plan);
    return (await terminal!()).text(`Type ${name} to go on:`, { check });
  };
  return {
    show: (plan) => output.progress(plan),
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(terminal === undefined ? {} : { ask }),
  };
}
