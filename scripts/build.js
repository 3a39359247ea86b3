// Lists the rules and the targets, compiles src/ to dist/, and writes the text of `muse help`. A clean dist first: a renamed file must
// not stay in the package. With --when-changed it does nothing where dist/ is newer than src/: npm prepares a checkout
// again for each product that uses it.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeLists } from './lists.js';

const root = dirname(import.meta.dirname);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const lastWritten = join(root, 'dist', 'cli', 'muse-help.txt');
if (!process.argv.includes('--when-changed') || isChanged()) await build();

/** Whether a file or folder of src/, or the compiler's settings, is newer than what was built last. */
function isChanged() {
  const built = statSync(lastWritten, { throwIfNoEntry: false })?.mtimeMs;
  if (built === undefined) return true;
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  return ['src', 'tsconfig.json', 'package.json', ...names].some((name) => statSync(join(root, name)).mtimeMs > built);
}

async function build() {
  writeLists();
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' });
  const { museHelp } = await import(pathToFileURL(join(root, 'dist', 'cli', 'muse-command.js')).href);
  writeFileSync(lastWritten, await museHelp(80));
}
