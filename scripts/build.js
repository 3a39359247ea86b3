// Lists the rules and the targets, compiles src/ to build/, bundles that to dist/, which is the package, and writes the text of
// `muse help`. Clean folders first: a renamed file must not stay in the package. With --when-changed it does nothing where dist/
// is newer than src/: npm prepares a checkout again for each product that uses it.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeLists } from './lists.js';

const root = dirname(import.meta.dirname);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const [compiled, packaged] = [join(root, 'build'), join(root, 'dist')];
const lastWritten = join(packaged, 'cli', 'muse-help.txt');
if (!process.argv.includes('--when-changed') || isChanged()) await build();

/** Whether a file or folder of src/, or the compiler's settings, is newer than what was built last. */
function isChanged() {
  const built = statSync(lastWritten, { throwIfNoEntry: false })?.mtimeMs;
  if (built === undefined) return true;
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  return ['src', 'tsconfig.json', 'package.json', 'scripts/build.js', ...names].some(
    (name) => statSync(join(root, name)).mtimeMs > built,
  );
}

async function build() {
  writeLists();
  for (const folder of [compiled, packaged]) rmSync(folder, { recursive: true, force: true });
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' });
  await bundle();
  // Only the declarations.
  cpSync(compiled, packaged, { recursive: true, filter: (path) => !path.endsWith('.js') });
  const { museHelp } = await import(pathToFileURL(join(compiled, 'cli', 'muse-command.js')).href);
  writeFileSync(lastWritten, await museHelp(80));
}

/**
 * Loading a module takes Node longer than running it, and a command has up to 250 of them: bundled, they are a quarter as
 * many. Names are kept, so that stack traces can be read.
 */
async function bundle() {
  const { rolldown } = await import('rolldown');
  const commands = readdirSync(join(compiled, 'cli', 'commands'))
    .filter((file) => file.endsWith('.js'))
    .map((file) => `cli/commands/${file}`);
  // Each part is found by a path of its own: the programs, the public API, the commands, the workers.
  const parts = ['index.js', 'cli/create-muse.js', 'cli/muse.js', ...commands];
  const input = {
    ...Object.fromEntries(parts.map((file) => [file.slice(0, -'.js'.length), join(compiled, file)])),
    'cli/embedded-worker': join(compiled, 'database', 'embedded', 'embedded-worker.js'),
    'cli/check-worker': join(compiled, 'dev', 'dashboard', 'check-worker.js'),
  };
  const bundled = await rolldown({
    input,
    platform: 'node',
    external: /^[^./]/,
    treeshake: { moduleSideEffects: false },
    logLevel: 'warn',
  });
  await bundled.write({
    dir: packaged,
    format: 'esm',
    entryFileNames: '[name].js',
    // As deep as in src/, so that the paths to templates/ and package.json are the same.
    chunkFileNames: 'cli/[name].js',
  });
}
