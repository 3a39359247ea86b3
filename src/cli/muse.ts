import { museFlags } from './flags.ts';
import { commands } from './muse-commands.ts';

const about = 'muse: migrate, check and look after a muse.';

/**
 * `muse`: the whole command, from argv to the exit code.
 * @param argv without `node` and the script
 */
export async function main(argv: string[]): Promise<number> {
  const name = argv.find((argument) => !argument.startsWith('-'));
  const command = commands.find((known) => known.name === name);
  if (argv.includes('--version') || argv.includes('-v')) {
    const { packageVersion } = await import('../shared/version.ts');
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (argv.length === 0 || argv.includes('--help') || argv.includes('-h')) {
    const { formatHelp } = await import('./help.ts');
    process.stdout.write(
      command === undefined
        ? formatHelp(about, ['muse <command> [flags]'], museFlags, commands)
        : formatHelp(`muse ${command.name}: ${command.about}.`, [`muse ${command.usage}`], [...command.flags, ...museFlags]),
    );
    return 0;
  }
  const [{ runCommand }, { parseArguments }] = await Promise.all([import('./run.ts'), import('./parse.ts')]);
  if (command === undefined) {
    const { unknownCommand } = await import('./unknown-command.ts');
    return runCommand('muse', argv, () => unknownCommand(name, commands), unreachable);
  }
  const rest = argv.filter((_, index) => index !== argv.indexOf(command.name));
  const flags = [...command.flags, ...museFlags];
  return runCommand(`muse ${command.name}`, rest, () => parseArguments(rest, flags, `muse ${command.name}`), async (parsed, context) =>
    (await command.load())(parsed, context),
  );
}

async function unreachable(): Promise<never> {
  throw new Error('An unknown command was run.');
}
