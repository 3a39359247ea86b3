/** The real Supabase CLI from the npm registry, installed once into a cache, to check the fake API. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lastingDirectory } from './run-directory.ts';

const version = '3.1.0';
const run = promisify(execFile);

/**
 * The path of the CLI's start script for `node`, or the reason why there is none: another version, or an unreachable
 * registry. Tests that are skipped for it must print the reason.
 */
export async function supabaseCli(): Promise<{ script: string } | { reason: string }> {
  const cache = join(lastingDirectory(), `create-muse-supabase-cli-${version}`);
  const script = join(cache, 'node_modules', 'supabase', 'dist', 'supabase.js');
  if (existsSync(script)) return { script };
  const making = `${cache}.${process.pid}`;
  try {
    await mkdir(making, { recursive: true });
    // npm's own start script, if known: on Windows `npm` is a batch file, which only a shell can run.
    const own = [
      process.env['npm_execpath'] ?? '',
      join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ].find((path) => path.endsWith('npm-cli.js') && existsSync(path));
    const words = ['install', '--prefix', making, '--no-audit', '--no-fund', '--loglevel=error', `supabase@${version}`];
    await (own
      ? run(process.execPath, [own, ...words], { timeout: 240_000 })
      : run('npm', words, { timeout: 240_000 }));
    await rename(making, cache).catch(() => undefined);
    return existsSync(script) ? { script } : { reason: 'npm installed something else' };
  } catch (error) {
    return { reason: `npm could not install supabase@${version}: ${(error as Error).message.split('\n')[0] ?? ''}` };
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Runs the CLI in a directory and returns its output. Throws with the output if the exit code is not 0. */
export async function runCli(
  script: string,
  words: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<string> {
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: options.cwd,
    USERPROFILE: options.cwd,
    SystemRoot: process.env['SystemRoot'] ?? '',
    DO_NOT_TRACK: '1',
    ...options.env,
  };
  const { stdout, stderr } = await run(process.execPath, [script, ...words], {
    cwd: options.cwd,
    env: environment,
    timeout: 60_000,
  });
  return stdout + stderr;
}
