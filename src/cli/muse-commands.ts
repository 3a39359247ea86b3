import type { Flag } from './flags.ts';
import type { ParsedArguments } from './parse.ts';
import type { CommandContext, CommandResult } from './run.ts';

/** One command of `muse`, as data; its code is loaded when it is run. */
export interface MuseCommand {
  name: string;
  about: string;
  usage: string;
  flags: readonly Flag[];
  load(): Promise<(parsed: ParsedArguments, context: CommandContext) => Promise<CommandResult>>;
}

const group = 'Command';
const table: Flag = { name: 'table', type: 'string', value: '<spec>', multiple: true, about: '"name: column type!, …"; repeatable', group };

/** Every command, in the order of help. */
export const commands: readonly MuseCommand[] = [
  {
    name: 'status',
    about: 'what is applied, pending, edited and missing',
    usage: 'status [--env <name>] [--check]',
    flags: [{ name: 'check', type: 'boolean', about: 'exit 3 unless everything is applied and unedited', group }],
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'new',
    about: 'a new extension migration with its rollback',
    usage: 'new <name> [--table <spec>]',
    flags: [table],
    load: async () => (await import('./commands/new.ts')).newCommand,
  },
  {
    name: 'rehearse',
    about: 'run everything on a throw-away database',
    usage: 'rehearse',
    flags: [],
    load: async () => (await import('./commands/rehearse.ts')).rehearseCommand,
  },
  {
    name: 'migrate',
    about: 'rehearse, then run what is pending',
    usage: 'migrate [--env <name>]',
    flags: [{ name: 'accept-edited', type: 'boolean', about: 'take edited applied files as they are now', group }],
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
];
