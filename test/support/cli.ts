import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  env?: Record<string, string | undefined>;
  /** Called with everything printed so far; may e.g. kill the process. */
  onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** The environment of a user without our variables and without a terminal. */
export function environment(extra: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { CI: _ci, DATABASE_URL: _url, NO_COLOR: _colour, FORCE_COLOR: _force, ...rest } = process.env;
  return { ...rest, ...extra };
}

/** What was printed without the lines that say, only where something takes long, what is being done. */
export function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^… .*\n/gm, '');
}

/** Runs a Node script until it exits. */
export function node(script: string, args: readonly string[], { cwd, env, onOutput }: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const heard = (): void => onOutput?.(stdout + stderr, (signal) => child.kill(signal));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      heard();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      heard();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr: withoutProgress(stderr) }));
  });
}

/** Runs the built `create-muse`. */
export const createMuse = (args: readonly string[], options: RunOptions): Promise<Finished> =>
  node(join(root, 'bin', 'create-muse.js'), args, options);

/** Runs the built `muse`. */
export const muse = (args: readonly string[], options: RunOptions): Promise<Finished> =>
  node(join(root, 'bin', 'muse.js'), args, options);

/** A temporary directory for one test, removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Every file of a directory with its text, except what differs between runs: git, the database, secrets. */
export async function snapshot(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files: Record<string, string> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1).replaceAll('\\', '/');
    if (!entry.isFile() || /^(\.git|\.muse)\//.test(name) || name === '.env.local') continue;
    files[name] = await readFile(path, 'utf8');
  }
  return files;
}
