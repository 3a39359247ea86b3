import { migrateMuse } from '../../create/muse/migrate.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse migrate`: what is pending, after a rehearsal. */
export async function migrateCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'migrate');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const { paint } = context.output;
  const { applied, skipped, notes } = await migrateMuse(muse, name, context.environment, {
    acceptEdited: isSet(parsed, 'accept-edited'),
    onRehearsal: () => context.output.transient(`${paint('cyan', '…')} Rehearsing on a throw-away database`),
    onProgress: ({ file }) => context.output.transient(`${paint('cyan', '…')} ${file}`),
  });
  const lines = applied.map(({ file, ms }) => `${paint('green', '✓')} ${file} ${paint('gray', `${ms} ms`)}`);
  lines.push(applied.length === 0 ? `Nothing to do: all ${skipped.length} are applied.` : `${applied.length} applied to ${name}.`, ...notes);
  return { json: { name: muse.museFile.name, directory: muse.directory, environment: name, migrations: { applied, skipped } }, text: lines.join('\n') };
}
