import { backupMuse } from '../../muse/backup.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import type { ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse backup`: the environment's data in a file that `muse restore` takes. */
export async function backupCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'backup');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const { file, rows } = await backupMuse(muse, name, context.environment);
  const { paint } = context.output;
  const counts = Object.values(rows ?? {});
  const total = counts.reduce((sum, count) => sum + count, 0);
  const size = rows === undefined ? 'by pg_dump' : `${total} rows in ${counts.length} tables`;
  return {
    json: { name: muse.museFile.name, directory: muse.directory, environment: name, backup: file, ...(rows === undefined ? {} : { rows }) },
    text: `${paint('green', '✓')} ${file} ${paint('gray', size)}`,
  };
}
