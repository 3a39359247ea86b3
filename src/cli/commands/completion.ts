import type { MuseCommand } from '../muse-command.ts';
import { museFlags } from '../flags.ts';

/** `muse completion <shell>`: the script that lets a shell complete commands and flags. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'print the completion script for a shell',
  usage: ['bash|zsh|fish'],
  takesWords: true,
  completes: ['bash', 'zsh', 'fish'],
  flags: [],
  async run({ typed }) {
    const [{ completionScript }, { commandNames, loadCommands }] = await Promise.all([
      import('../completion.ts'),
      import('../muse-command.ts'),
    ]);
    const commands = (await loadCommands()).map(({ name, about, flags, completes }) => ({
      name,
      about,
      flags,
      ...(completes === undefined ? {} : { completes: completes === 'commands' ? commandNames() : completes }),
    }));
    const script = completionScript(typed.positionals.join(' ') || undefined, {
      name: 'muse',
      flags: museFlags,
      commands,
    });
    return { json: { script }, text: script, verbatim: true };
  },
};
