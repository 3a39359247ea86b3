import type { TimeLimits } from '../migrations/session-state.ts';
import type { Consent } from '../muse/guard.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { longestTimeout } from './flags.ts';
import type { ParsedArguments } from './parse.ts';
import type { CommandContext } from './run.ts';

/** What a command of `muse` gets to work with: what was typed, read as what it means in a muse. */
export interface MuseContext extends CommandContext {
  typed: ParsedArguments;
  /** `--env`, or development. */
  environmentName: EnvironmentName;
  /**
   * Opens the muse that the command is for: `--dir`, or where it is run.
   * @throws MuseError where there is none
   */
  openMuse(): Promise<Muse>;
}

/** The context of a command of `muse`. */
export function museContext(typed: ParsedArguments, context: CommandContext): MuseContext {
  const { directory, soFar } = context;
  return {
    ...context,
    typed,
    environmentName: (typed.text('env') ?? 'development') as EnvironmentName,
    async openMuse() {
      const muse = await (await import('../muse/open.ts')).openMuse(typed.text('dir') ?? directory);
      soFar.about = museFields(muse);
      return muse;
    },
  };
}

/** The keys of `--json` that say which muse it is about. */
export function museFields({ museFile: { name, kit }, directory }: Muse): Record<string, unknown> {
  return { name, directory, kit: { source: kit.source, commit: kit.commit, layout: kit.layout } };
}

/** {@link museFields}, and which of its environments. */
export function environmentFields(muse: Muse, { environmentName }: MuseContext): Record<string, unknown> {
  const { target, ref, region } = muse.museFile.environments[environmentName] ?? {};
  const about = { kind: target, ...(ref === undefined ? {} : { ref }), ...(region === undefined ? {} : { region }) };
  return { ...museFields(muse), environment: environmentName, ...(target === undefined ? {} : { target: about }) };
}

/** The ways to agree that this call has: `--confirm`, or the terminal. */
export function consentOf({ typed, environmentName: name, ask: terminal, output }: MuseContext): Consent {
  const confirmed = typed.text('confirm');
  // A typo need not end the whole run; no answer is an answer.
  const check = (text: string): true | string =>
    ['', name].includes(text.trim()) || `That is not ${name}. Type ${name}, or press Enter to cancel.`;
  const ask = async (plan: string): Promise<string> => {
    output.progress(plan);
    return (await terminal!()).text(`Type ${name} to continue:`, { check });
  };
  return {
    show: (plan) => output.progress(plan),
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(terminal === undefined ? {} : { ask }),
  };
}

/**
 * `--lock-timeout` and `--statement-timeout`.
 * @throws MuseError `bad-flag` for a time that is not a number of seconds, or one that PostgreSQL cannot hold
 */
export function limitsOf(typed: ParsedArguments): TimeLimits {
  const [lock, statement] = [
    typed.seconds('lock-timeout', longestTimeout),
    typed.seconds('statement-timeout', longestTimeout),
  ];
  return {
    ...(lock === undefined ? {} : { lockTimeoutMs: 1000 * lock }),
    ...(statement === undefined ? {} : { statementTimeoutMs: 1000 * statement }),
  };
}
