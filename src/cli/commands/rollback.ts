import { describeLosses, rollbackMuse } from '../../muse/rollback.ts';
import { MuseError } from '../../shared/error.ts';
import { consentOf } from '../consent.ts';
import { limitsOf } from '../limits.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse rollback`: the newest migrations taken back. */
export async function rollbackCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'rollback');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const to = flagText(parsed, 'to');
  const steps = stepsOf(flagText(parsed, 'steps'));
  const { paint } = context.output;
  const { rolledBack, losses, backup } = await rollbackMuse(
    muse,
    name,
    context.environment,
    { ...(to === undefined ? {} : { to }), ...(steps === undefined ? {} : { steps }) },
    async (found) => {
      if (isSet(parsed, 'yes')) return true;
      if (context.ask === undefined) return false;
      // There the name is typed under a plan that says the same.
      if (name === 'production') return true;
      context.output.progress(`This drops data:\n${describeLosses(found)}`);
      return (await context.ask()).confirm('Drop it?', false);
    },
    { ...consentOf(parsed, context), ...limitsOf(parsed), onPhase: (text) => context.output.transient(`${paint('cyan', '…')} ${text}`) },
  );
  const lines = rolledBack.map(({ file, ms }) => `${paint('green', '✓')} ${file} ${paint('gray', `${ms} ms`)}`);
  lines.push(rolledBack.length === 0 ? 'Nothing to take back.' : `${rolledBack.length} taken back from ${name}. muse migrate applies them again.`);
  if (backup !== undefined) lines.push(`The backup of before is ${backup}.`);
  const json = { name: muse.museFile.name, directory: muse.directory, environment: name, rolledBack, losses, ...(backup === undefined ? {} : { backup }) };
  return { json, text: lines.join('\n') };
}

function stepsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new MuseError({
    code: 'bad-flag',
    message: `--steps takes how many files to take back, and "${text}" is no such number.`,
    suggestion: 'Write --steps 1.',
  });
}
