import { newInMuse } from '../../create/muse/new.ts';
import { MuseError } from '../../error.ts';
import { museOf } from '../muse-context.ts';
import { flagTexts, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse new <name>`: an extension migration with its rollback. */
export async function newCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  const title = parsed.positionals.join(' ').trim();
  if (title === '') {
    throw new MuseError({
      code: 'bad-call',
      message: 'The name of the migration is missing.',
      suggestion: 'Say in a few words what it adds: muse new "price history"',
    });
  }
  const muse = await museOf(parsed, context);
  const files = await newInMuse(muse, title, flagTexts(parsed, 'table') ?? []);
  const { paint } = context.output;
  return {
    json: { name: muse.museFile.name, directory: muse.directory, files },
    text: [...files.map((file) => `${paint('green', '✓')} ${file}`), '', 'Write it, then: muse rehearse'].join('\n'),
  };
}
