import { resolve } from 'node:path';
import { MuseError } from '../../shared/error.ts';
import { confirmFlag } from '../flags.ts';
import type { MuseCommand } from '../muse-command.ts';
import { consentOf, environmentFields } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

/** `muse restore <file>`: the environment as it was when the backup was taken. */
export const command: MuseCommand = {
  section: 'Data',
  about: 'restore the data from a backup',
  usage: ['<file> [--env <name>] [--confirm <name>]'],
  takesWords: true,
  completes: 'files',
  flags: [confirmFlag],
  async run(context) {
    const { typed, output, environmentName: name } = context;
    const [file, ...more] = typed.positionals;
    if (file === undefined || more.length > 0) {
      throw new MuseError({
        code: 'bad-call',
        message: 'muse restore takes one file.',
        suggestion: 'Name a backup: muse restore .muse/backups/<file>',
      });
    }
    const [{ needConsent }, { restoreMuse }] = await Promise.all([
      import('../../muse/guard.ts'),
      import('../../muse/restore.ts'),
    ]);
    const muse = await context.openMuse();
    const consent = consentOf(context);
    // --yes is enough for development; any other environment has to be named.
    if (name === 'development' && typed.has('yes')) consent.confirmed ??= name;
    needConsent(name, consent, `muse restore ${file} --env ${name}`);
    const result = await restoreMuse(muse, name, context.environment, resolve(context.directory, file), {
      ...consent,
      ...context.hooks,
      onProgress: context.working,
    });
    const tick = output.paint('green', '✓');
    const counts = Object.values(result.rows ?? {});
    const total = counts.reduce((sum, count) => sum + count, 0);
    const lines = [
      ...(result.backup === undefined ? [] : [`${tick} saved the current data to ${result.backup}`]),
      ...result.rolledBack.map((row) => `${tick} rolled back ${row.file}`),
      ...result.applied.map((row) => `${tick} applied ${row.file}`),
      result.taken === undefined
        ? `${tick} Restored ${name} from ${file}.`
        : `${tick} Restored ${name} as of ${result.taken}: ${counted(total, 'row')} in ${counted(counts.length, 'table')}.`,
      ...result.notes,
      `Next: muse status${name === 'development' ? '' : ` --env ${name}`}`,
    ];
    return { json: { ...environmentFields(muse, context), ...result }, text: lines.join('\n') };
  },
};
