import { resolve } from 'node:path';
import { restoreMuse } from '../../muse/restore.ts';
import { needConsent } from '../../muse/guard.ts';
import { MuseError } from '../../shared/error.ts';
import { consentOf } from '../consent.ts';
import { environmentNameOf, museOf } from '../muse-context.ts';
import { isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse restore <file>`: the environment as it was when the backup was taken. */
export async function restoreCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) {
    throw new MuseError({
      code: 'bad-call',
      message: 'muse restore takes one file.',
      suggestion: 'Name a backup: muse restore .muse/backups/<file>',
    });
  }
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const consent = consentOf(parsed, context);
  // What is in development may go by --yes; the others are named.
  if (name === 'development' && isSet(parsed, 'yes')) consent.confirmed ??= name;
  needConsent(name, consent, `muse restore ${file} --env ${name}`);
  const { output } = context;
  const result = await restoreMuse(muse, name, context.environment, resolve(context.directory, file), {
    ...consent,
    onProgress: (text) => output.transient(`${output.paint('cyan', '…')} ${text}`),
  });
  const tick = output.paint('green', '✓');
  const counts = Object.values(result.rows ?? {});
  const total = counts.reduce((sum, count) => sum + count, 0);
  const lines = [
    ...(result.backup === undefined ? [] : [`${tick} What was there before is in ${result.backup}.`]),
    ...result.rolledBack.map((row) => `${tick} taken back: ${row.file}`),
    ...result.applied.map((row) => `${tick} applied: ${row.file}`),
    result.taken === undefined
      ? `${tick} ${name} is as ${file} has it.`
      : `${tick} ${name} is as it was on ${result.taken}: ${total} rows in ${counts.length} tables.`,
    ...result.notes,
  ];
  return { json: { name: muse.museFile.name, directory: muse.directory, environment: name, ...result }, text: lines.join('\n') };
}
