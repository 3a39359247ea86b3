import { existsSync, readFileSync } from 'node:fs';
import { isAmong, museFlags } from './flags.ts';
import type { MuseCommand, Subcommand } from './muse-command.ts';

/** Written by the build: the text of `muse help` for 80 columns, as loading all commands takes longer than starting Node. */
const writtenHelp = new URL('./muse-help.txt', import.meta.url);

/**
 * `muse`: the whole program, from argv to the exit code.
 * @param argv without `node` and the script
 */
export async function main(argv: string[]): Promise<number> {
  // Help and version come before everything else that costs start-up time.
  const help = isAmong(argv, 'help', 'h');
  if (argv.length === 0 || (help && argv.length === 1)) {
    const { columnsOf } = await import('./text.ts');
    const width = columnsOf(process.stdout);
    const written = width === 80 && existsSync(writtenHelp) ? readFileSync(writtenHelp, 'utf8') : undefined;
    process.stdout.write(written ?? (await (await import('./muse-command.ts')).museHelp(width)));
    return 0;
  }
  if (isAmong(argv, 'version', 'v')) {
    const { packageVersion } = await import('../shared/version.ts');
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const [
    { commandNames, loadCommand, subcommandOf, unknownCommand },
    { runCommand },
    { splitCommand },
    { museContext },
  ] = await Promise.all([
    import('./muse-command.ts'),
    import('./run.ts'),
    import('./parse.ts'),
    import('./muse-context.ts'),
  ]);
  return runCommand('muse', argv, async () => {
    const typed = splitCommand(argv, museFlags, 'muse');
    // "muse status --help" is "muse help status".
    const name = help ? 'help' : typed.command;
    if (name === undefined || !commandNames().includes(name)) throw await unknownCommand(name);
    let command: Subcommand & { name: string; subcommands?: MuseCommand['subcommands'] } = {
      name,
      ...(await loadCommand(name)),
    };
    let rest = help ? await helpWords(typed) : typed.rest;
    if (command.subcommands !== undefined) {
      const own = splitCommand(rest, [...command.flags, ...museFlags], `muse ${name}`);
      if (own.command !== undefined) {
        command = await subcommandOf(command as MuseCommand & { name: string }, own.command);
        ({ rest } = own);
      }
    }
    return {
      title: `muse ${command.name}`,
      argv: rest,
      flags: [...command.flags, ...museFlags],
      async work(parsed, context) {
        if (command.takesWords !== true) parsed.refuseWords(`muse ${command.name}`);
        return command.run(museContext(parsed, context));
      },
    };
  });
}

/** What `--help` asks about: the command, and the one of that command that is named after it. */
async function helpWords({ command, rest }: { command?: string; rest: readonly string[] }): Promise<string[]> {
  if (command === undefined) return [];
  const { commandNames, loadCommand } = await import('./muse-command.ts');
  if (!commandNames().includes(command)) return [command];
  const names = Object.keys((await loadCommand(command)).subcommands ?? {});
  return [command, ...rest.filter((word) => names.includes(word)).slice(0, 1)];
}
