import { seedMuse } from '../../muse/seed.ts';
import { consentOf } from '../consent.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import type { ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse seed`: the files of seeds/, in the order of their names. */
export async function seedCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'seed');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const { output } = context;
  const { seeds, added, backup } = await seedMuse(muse, name, context.environment, {
    ...consentOf(parsed, context),
    onProgress: (text) => output.transient(`${output.paint('cyan', '…')} ${text}`),
  });
  const lines = seeds.map(({ file, ms }) => `${output.paint('green', '✓')} ${file} ${output.paint('gray', `${ms} ms`)}`);
  lines.push(...addedLines(added));
  lines.push(seeds.length === 0 ? 'Nothing to do: there is no file in seeds/.' : Object.keys(added).length === 0 ? 'No rows added: all of it was there.' : `Seeded ${name}.`);
  return {
    json: { name: muse.museFile.name, directory: muse.directory, environment: name, seeds, added, ...(backup === undefined ? {} : { backup }) },
    text: lines.join('\n'),
  };
}

/** Tables and the rows they have more than before, a line each. */
export function addedLines(added: Readonly<Record<string, number>>): string[] {
  const width = Math.max(0, ...Object.keys(added).map((table) => table.length));
  return Object.entries(added).map(([table, rows]) => `  ${table.padEnd(width)}  ${rows > 0 ? '+' : ''}${rows}`);
}
