import { readdirSync } from 'node:fs';
import { type Flag, museFlags } from './flags.ts';
import type { MuseContext } from './muse-context.ts';
import type { CommandResult } from './run.ts';

/** The headings of `muse --help`, in their order. */
const sections = ['Development', 'Migrations', 'Checks', 'Data', 'Supabase', 'Project', 'Portfolio'] as const;

/**
 * One command of `muse`: what `commands/<name>.ts` exports as `command`. The file's name is the command's. It is loaded to
 * list the commands, so its handler imports what it needs when it runs.
 */
export interface MuseCommand {
  /** Heading in `muse --help`. */
  section: (typeof sections)[number];
  /** What it does, as a phrase that starts with a verb. */
  about: string;
  /** What follows the name, one line for each way to call it. */
  usage: readonly string[];
  /** Whether it takes words besides flags; where not, they are refused. */
  takesWords?: boolean;
  /** What a shell completes these words by, where they are not free text. */
  completes?: 'commands' | 'files' | readonly string[];
  /** Its own flags; the global ones come by themselves. */
  flags: readonly Flag[];
  /** Commands of its own, by their names: `muse portfolio add`. Its flags go before and after them; alone, it shows them. */
  subcommands?: Readonly<Record<string, Subcommand>>;
  run(context: MuseContext): Promise<CommandResult>;
}

/** One of the commands of a command. */
export type Subcommand = Omit<MuseCommand, 'section' | 'subcommands'>;

/** A command as help and docs name it, e.g. `status` or `portfolio status`. */
export type NamedCommand = Subcommand & { name: string };

const folder = new URL('./commands/', import.meta.url);

/** The names of all commands, in alphabetical order: the files of `commands/`. */
export function commandNames(): string[] {
  const files = readdirSync(folder).filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'));
  return files.map((file) => file.replace(/\.\w+$/, '')).sort();
}

/** @param name one of {@link commandNames} */
export async function loadCommand(name: string): Promise<MuseCommand> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { command } = (await import(new URL(`${name}.${extension}`, folder).href)) as { command: MuseCommand };
  return command;
}

/** The commands of a command, each with the flags that all of them share. */
export function subcommandsOf({ name, flags, subcommands = {} }: MuseCommand & { name: string }): NamedCommand[] {
  return Object.entries(subcommands).map(([own, command]) => ({
    ...command,
    name: `${name} ${own}`,
    flags: [...command.flags, ...flags],
  }));
}

/** Every command with its subcommands after it: for docs, and for what knows every flag. */
export async function loadEveryCommand(): Promise<NamedCommand[]> {
  return (await loadCommands()).flatMap((command) => [command, ...subcommandsOf(command)]);
}

/** All commands, by name. */
export async function loadCommands(): Promise<(MuseCommand & { name: string })[]> {
  return Promise.all(commandNames().map(async (name) => ({ name, ...(await loadCommand(name)) })));
}

/**
 * Help for `muse`, for one of its commands, or for one of that one's.
 * @param width columns to write in
 * @throws MuseError `bad-command` where there is no such command
 */
export async function museHelp(width: number, name?: string, own?: string): Promise<string> {
  const { formatHelp } = await import('./help.ts');
  if (name === undefined) {
    const commands = await loadCommands();
    const lists = sections.map((heading) => ({
      heading,
      commands: commands.filter(({ section }) => section === heading),
    }));
    return formatHelp({
      about: 'Migrate, check and maintain a muse.',
      usage: ['muse <command> [flags]', 'muse help <command>'],
      flags: museFlags,
      lists,
      width,
    });
  }
  if (!commandNames().includes(name)) throw await unknownCommand(name);
  const command = { name, ...(await loadCommand(name)) };
  const shown = own === undefined ? command : await subcommandOf(command, own);
  const lists =
    own === undefined && command.subcommands !== undefined
      ? [
          {
            heading: 'Commands',
            commands: Object.entries(command.subcommands).map(([key, { about }]) => ({ name: key, about })),
          },
        ]
      : [];
  return formatHelp({
    about: `${shown.about.charAt(0).toUpperCase()}${shown.about.slice(1)}.`,
    usage: shown.usage.map((line) => `muse ${shown.name} ${line}`.trim()),
    flags: [...shown.flags, ...museFlags],
    lists,
    width,
  });
}

/**
 * One of a command's own commands.
 * @throws MuseError `bad-command` where there is no such one
 */
export async function subcommandOf(command: MuseCommand & { name: string }, own: string): Promise<NamedCommand> {
  const all = subcommandsOf(command);
  const found = all.find(({ name }) => name === `${command.name} ${own}`);
  if (found !== undefined) return found;
  throw await unknownCommand(own, Object.keys(command.subcommands ?? {}), ` ${command.name}`);
}

/**
 * The error for a command that is missing or unknown, with the nearest one that exists.
 * @param of what the command is one of, with a space before it
 */
export async function unknownCommand(
  name: string | undefined,
  names: readonly string[] = commandNames(),
  of = '',
): Promise<Error> {
  const [{ MuseError }, { nearest }] = await Promise.all([
    import('../shared/error.ts'),
    import('../shared/nearest.ts'),
  ]);
  const near = nearest(name ?? '', names);
  const list = `List all commands: muse help${of}`;
  return new MuseError({
    code: 'bad-command',
    message: name === undefined ? 'The command is missing.' : `There is no command "${name}"${of && ` of muse${of}`}.`,
    suggestion: near === undefined ? list : `Did you mean muse${of} ${near}? ${list}`,
  });
}
