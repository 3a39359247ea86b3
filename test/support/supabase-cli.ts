/** The real Supabase CLI from the npm registry, installed once into a cache, to check the fake API. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmTools } from './npm-tools.ts';

const version = '3.1.0';
const run = promisify(execFile);

/**
 * The path of the CLI's start script for `node`, or the reason why there is none: another version, or an unreachable
 * registry. Tests that are skipped for it must print the reason.
 */
export async function supabaseCli(): Promise<{ script: string } | { reason: string }> {
  const script = join('supabase', 'dist', 'supabase.js');
  const installed = await npmTools(`supabase-cli-${version}`, [`supabase@${version}`], script);
  return 'reason' in installed ? installed : { script: join(installed.modules, script) };
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
