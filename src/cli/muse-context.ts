import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openMuse } from '../muse/open.ts';
import { MuseError } from '../shared/error.ts';
import { flagText, type ParsedArguments } from './parse.ts';
import type { CommandContext } from './run.ts';

/** The muse that a command is for: `--dir`, or where it is run. */
export function museOf(parsed: ParsedArguments, context: CommandContext): Promise<Muse> {
  return openMuse(flagText(parsed, 'dir') ?? context.directory);
}

/** `--env`, or development. */
export function environmentNameOf(parsed: ParsedArguments): EnvironmentName {
  return (flagText(parsed, 'env') ?? 'development') as EnvironmentName;
}

/**
 * Refuses words that a command has no use for.
 * @throws MuseError `bad-call`
 */
export function noPositionals({ positionals }: ParsedArguments, command: string): void {
  if (positionals.length === 0) return;
  throw new MuseError({
    code: 'bad-call',
    message: `muse ${command} takes no "${positionals.join(' ')}".`,
    suggestion: `See muse ${command} --help.`,
  });
}
