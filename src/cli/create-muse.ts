import { createFlags } from './flags.ts';

const about = 'create-muse: one command from a SaaS kit to a running product.';
const usage = ['create-muse [name] [flags]', 'create-muse realtymuse --preset realty --yes'];

/**
 * `create-muse`: the whole command, from argv to the exit code.
 * @param argv without `node` and the script
 */
export async function main(argv: string[]): Promise<number> {
  // Help and version come before everything else that costs start-up time.
  if (argv.includes('--help') || argv.includes('-h')) {
    const { formatHelp } = await import('./help.ts');
    process.stdout.write(formatHelp(about, usage, createFlags));
    return 0;
  }
  if (argv.includes('--version') || argv.includes('-v')) {
    const { packageVersion } = await import('../shared/version.ts');
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const [{ setFlagsFromString }, { createCommand }] = await Promise.all([import('node:v8'), import('./commands/create.ts')]);
  // A run of seconds ends before V8's optimizing compiler has earned what it costs: an eighth of the processor time. A kit
  // of the size of the real MuseKit takes the same with it and without.
  setFlagsFromString('--no-opt');
  return createCommand(argv);
}
