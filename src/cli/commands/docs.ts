import { documentMuse } from '../../muse/docs.ts';
import { museOf, noPositionals } from '../muse-context.ts';
import type { ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse docs`: the list of tables in the muse's README. */
export async function docsCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'docs');
  const muse = await museOf(parsed, context);
  const { tables, changed } = await documentMuse(muse);
  const count = tables.length === 1 ? '1 table' : `${tables.length} tables`;
  return {
    json: { name: muse.museFile.name, directory: muse.directory, tables, changed },
    text: changed ? `README.md lists ${count} now.` : `README.md is up to date: ${count}.`,
  };
}
