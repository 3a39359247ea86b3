// Runs on any Node that knows ES modules, so that an old one gets a sentence and not a stack trace.
import { existsSync } from 'node:fs';

const here = (path) => existsSync(new URL(path, import.meta.url));

/**
 * @param {string} command
 * @param {() => Promise<{ main: (argv: string[]) => Promise<number> }>} load
 */
export async function launch(command, load) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(
      `${command} needs Node 20.19 or later; this is ${process.version}. Get one from https://nodejs.org\n`,
    );
    process.exitCode = 1;
    return;
  }
  // A package always holds the build; a checkout does not where npm ran no scripts.
  if (!here('../dist') && here('../scripts/build.js')) await import('../scripts/build.js');
  const { main } = await load();
  process.exitCode = await main(process.argv.slice(2));
}
