import type { MuseCommand } from '../muse-command.ts';
import { museFields } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

/** `muse docs`: the list of tables in the muse's README, and the picture of its schema. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'update the list of tables in README.md, and docs/schema.svg',
  usage: [''],
  flags: [],
  async run(context) {
    const { documentMuse } = await import('../../muse/docs.ts');
    const muse = await context.openMuse();
    const { tables, changed, files } = await documentMuse(muse);
    const count = counted(tables.length, 'table');
    return {
      json: { ...museFields(muse), tables, changed, files },
      text: changed
        ? `Updated ${files.join(' and ')}: ${count}.`
        : `README.md and docs/schema.svg are up to date: ${count}.`,
    };
  },
};
