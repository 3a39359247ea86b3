import type { MuseCommand } from '../muse-command.ts';
import { museFields } from '../muse-context.ts';
import { counted } from '../text.ts';

/** `muse docs`: the list of tables in the muse's README. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'update the list of tables in README.md',
  usage: [''],
  flags: [],
  async run(context) {
    const { documentMuse } = await import('../../muse/docs.ts');
    const muse = await context.openMuse();
    const { tables, changed } = await documentMuse(muse);
    const count = counted(tables.length, 'table');
    return {
      json: { ...museFields(muse), tables, changed },
      text: changed ? `Updated README.md: ${count}.` : `README.md is up to date: ${count}.`,
    };
  },
};
