import { MuseError } from '../../shared/error.ts';
import { columnsOf } from '../text.ts';
import { type MuseCommand, museHelp } from '../muse-command.ts';

/** `muse help`: what there is, or how one command is called. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'list all commands, or explain one',
  usage: ['[command]', 'portfolio [command]'],
  takesWords: true,
  completes: 'commands',
  flags: [],
  async run({ typed }) {
    const [name, own, ...more] = typed.positionals;
    if (more.length > 0) {
      throw new MuseError({
        code: 'bad-call',
        message: 'muse help explains one command at a time.',
        suggestion: `Write muse help ${name}`,
      });
    }
    const help = (await museHelp(columnsOf(process.stdout), name, own)).trimEnd();
    return { json: { help }, text: help, verbatim: true };
  },
};
