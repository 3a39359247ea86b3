/** Tools from the npm registry that are no dependency of the project: installed once into a cache that later runs use. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lastingDirectory } from './run-directory.ts';

const run = promisify(execFile);

/**
 * Where tools are installed, or the reason why they are not: an unreachable registry, or something else under that name. Tests
 * that are skipped for it must print the reason.
 * @param name what they are called in the cache; it changes with their versions
 * @param packages what npm installs
 * @param file a path below node_modules that is there when they are complete
 */
export async function npmTools(
  name: string,
  packages: readonly string[],
  file: string,
): Promise<{ modules: string } | { reason: string }> {
  const cache = join(lastingDirectory(), `create-muse-${name}`);
  const modules = join(cache, 'node_modules');
  if (existsSync(join(modules, file))) return { modules };
  const making = `${cache}.${process.pid}`;
  try {
    await mkdir(making, { recursive: true });
    // npm's own start script, if known: on Windows `npm` is a batch file, which only a shell can run.
    const own = [
      process.env['npm_execpath'] ?? '',
      join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ].find((path) => path.endsWith('npm-cli.js') && existsSync(path));
    const words = ['install', '--prefix', making, '--no-audit', '--no-fund', '--loglevel=error', ...packages];
    await (own
      ? run(process.execPath, [own, ...words], { timeout: 240_000 })
      : run('npm', words, { timeout: 240_000 }));
    await rename(making, cache).catch(() => undefined);
    return existsSync(join(modules, file)) ? { modules } : { reason: 'npm installed something else' };
  } catch (error) {
    return {
      reason: `npm could not install ${packages.join(' ')}: ${(error as Error).message.split('\n')[0] ?? ''}`,
    };
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}
