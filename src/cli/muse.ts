import { existsSync, readFileSync } from 'node:fs';
import { isAmong, museFlags } from './flags.ts';

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
  const [{ commandNames, loadCommand, unknownCommand }, { runCommand }, { splitCommand }, { museContext }] =
    await Promise.all([
      import('./muse-command.ts'),
      import('./run.ts'),
      import('./parse.ts'),
      import('./muse-context.ts'),
    ]);
  return runCommand('muse', argv, async () => {
    const typed = splitCommand(argv, museFlags, 'muse');
    // "muse status --help" is "muse help status".
    const name = help ? 'help' : typed.command;
    const rest = help ? [typed.command ?? []].flat() : typed.rest;
    if (name === undefined || !commandNames().includes(name)) throw await unknownCommand(name);
    const command = await loadCommand(name);
    return {
      title: `muse ${name}`,
      argv: rest,
      flags: [...command.flags, ...museFlags],
      async work(parsed, context) {
        if (command.takesWords !== true) parsed.refuseWords(`muse ${name}`);
        return command.run(museContext(parsed, context));
      },
    };
  });
}
