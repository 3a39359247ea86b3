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
    const [{ completionScript }, { commandNames, loadCommands, subcommandsOf }] = await Promise.all([
      import('../completion.ts'),
      import('../muse-command.ts'),
    ]);
    const commands = (await loadCommands()).map((command) => {
      const { name, about, completes, subcommands } = command;
      const words = completes === 'commands' ? commandNames() : (completes ?? Object.keys(subcommands ?? {}));
      // A shell knows one command at a time: after it come the flags of all of its own commands.
      const flags = [...command.flags, ...subcommandsOf(command).flatMap((own) => own.flags)];
      return {
        name,
        about,
        flags: [...new Map(flags.map((flag) => [flag.name, flag])).values()],
        ...(words.length === 0 ? {} : { completes: words }),
      };
    });
    const script = completionScript(typed.positionals.join(' ') || undefined, {
      name: 'muse',
      flags: museFlags,
      commands,
    });
    return { json: { script }, text: script, verbatim: true };
  },
};
