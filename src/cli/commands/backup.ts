import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

/** `muse backup`: the environment's data in a file that `muse restore` reads. */
export const command: MuseCommand = {
  section: 'Data',
  about: 'save the data to a file that muse restore reads',
  usage: ['[--env <name>]'],
  flags: [],
  async run(context) {
    const { backupMuse } = await import('../../muse/backup.ts');
    const muse = await context.openMuse();
    context.working('Saving the data');
    const { file, rows } = await backupMuse(muse, context.environmentName, context.environment, context.hooks);
    const { commandFor } = await import('../../muse/guard.ts');
    const { environmentName: name } = context;
    const { paint } = context.output;
    const counts = Object.values(rows ?? {});
    const total = counts.reduce((sum, count) => sum + count, 0);
    const size = rows === undefined ? 'by pg_dump' : `${counted(total, 'row')} in ${counted(counts.length, 'table')}`;
    return {
      json: { ...environmentFields(muse, context), backup: file, ...(rows === undefined ? {} : { rows }) },
      text: `${paint('green', '✓')} ${file} ${paint('gray', size)}\nTo restore it: ${commandFor(`muse restore ${file}`, name)}`,
    };
  },
};
