import { resetMuse } from '../../muse/reset.ts';
import { MuseError } from '../../shared/error.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';
import { addedLines } from './seed.ts';

/** `muse reset`: development made new, migrated and seeded. */
export async function resetCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'reset');
  const name = environmentNameOf(parsed);
  if (name !== 'development') {
    throw new MuseError({
      code: 'bad-environment',
      message: `muse reset drops everything, so it is for development only, and not for ${name}. Nothing was run.`,
      suggestion: `To take migrations of ${name} back: muse rollback --env ${name}`,
    });
  }
  const muse = await museOf(parsed, context);
  const { output } = context;
  const { rolledBack, applied, seeds, added } = await resetMuse(muse, context.environment, {
    async agree(rows) {
      if (isSet(parsed, 'yes')) return true;
      if (context.ask === undefined) return false;
      const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
      output.progress(`This drops ${total} rows in ${Object.keys(rows).length} tables of development.`);
      return (await context.ask()).confirm('Drop them?', false);
    },
    onPhase: (text) => output.transient(`${output.paint('cyan', '…')} ${text}`),
  });
  const tick = output.paint('green', '✓');
  const lines = [
    ...(rolledBack.length === 0 ? [] : [`${tick} ${rolledBack.length} taken back`]),
    `${tick} ${applied.length} applied`,
    ...seeds.map(({ file }) => `${tick} ${file}`),
    ...addedLines(added),
    'Development is new.',
  ];
  return { json: { name: muse.museFile.name, directory: muse.directory, environment: name, rolledBack, migrations: { applied, skipped: [] }, seeds, added }, text: lines.join('\n') };
}
