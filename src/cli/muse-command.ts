import { readdirSync } from 'node:fs';
import { type Flag, museFlags } from './flags.ts';
import type { MuseContext } from './muse-context.ts';
import type { CommandResult } from './run.ts';

/** The headings of `muse --help`, in their order. */
const sections = ['Migrations', 'Checks', 'Data', 'Supabase', 'Project'] as const;

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
  run(context: MuseContext): Promise<CommandResult>;
}

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

/** All commands, by name. */
export async function loadCommands(): Promise<(MuseCommand & { name: string })[]> {
  return Promise.all(commandNames().map(async (name) => ({ name, ...(await loadCommand(name)) })));
}

/**
 * Help for `muse`, or for one of its commands.
 * @param width columns to write in
 * @throws MuseError `bad-command` where there is no such command
 */
export async function museHelp(width: number, name?: string): Promise<string> {
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
  const { about, usage, flags } = await loadCommand(name);
  return formatHelp({
    about: `${about.charAt(0).toUpperCase()}${about.slice(1)}.`,
    usage: usage.map((line) => `muse ${name} ${line}`.trim()),
    flags: [...flags, ...museFlags],
    width,
  });
}

/** The error for a command that is missing or unknown, with the nearest one that exists. */
export async function unknownCommand(name: string | undefined): Promise<Error> {
  const [{ MuseError }, { nearest }] = await Promise.all([
    import('../shared/error.ts'),
    import('../shared/nearest.ts'),
  ]);
  const near = nearest(name ?? '', commandNames());
  return new MuseError({
    code: 'bad-command',
    message: name === undefined ? 'The command is missing.' : `There is no command "${name}".`,
    suggestion:
      near === undefined ? 'List all commands: muse help' : `Did you mean muse ${near}? List all commands: muse help`,
  });
}
