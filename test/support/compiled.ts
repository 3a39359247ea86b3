/** Compiles a module of src/, for tests that need a second process: Node 20 runs no TypeScript. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = dirname(dirname(import.meta.dirname));

/**
 * Compiles the files and what they import.
 * @param files paths relative to src/, with `/`
 * @returns the URL of the first one, and a function that removes everything
 */
export function compile(...files: string[]): { url: string; dispose(): void } {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  // Inside node_modules, so that package imports resolve from there.
  mkdirSync(join(root, 'node_modules', '.cache'), { recursive: true });
  const out = mkdtempSync(join(root, 'node_modules', '.cache', 'create-muse-test-'));
  const options = [
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--allowJs',
    '--noCheck',
    '--ignoreConfig',
    '--rewriteRelativeImportExtensions',
    '--rootDir',
    join(root, 'src'),
    '--outDir',
    out,
  ];
  execFileSync(process.execPath, [tsc, ...options, ...files.map((file) => join(root, 'src', file))], { cwd: root });
  const first = join(out, files[0]!).replace(/\.ts$/, '.js');
  return { url: pathToFileURL(first).href, dispose: () => rmSync(out, { recursive: true, force: true }) };
}
