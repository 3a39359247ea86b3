/** Installs the packages of a muse, and those of its app, with the kit's own package manager. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { networkTrouble } from '../shared/network.ts';
import { appFolder, hasApp } from './app.ts';
import { packageManagerOf } from './package-manager.ts';

/** How much later this program may hear of a key, in ms. */
const sameKeyMs = 300;

/** How it is stopped and followed. */
export interface InstallOptions {
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  onProgress?: ((text: string) => void) | undefined;
}

/**
 * Installs everything.
 * @returns why that failed and what to do, as a sentence for people; undefined where it did not, and where it was stopped
 */
export async function installPackages(directory: string, options: InstallOptions): Promise<string | undefined> {
  const { name } = await packageManagerOf(directory);
  const folders = (await hasApp(directory)) ? [directory, join(directory, appFolder)] : [directory];
  options.onProgress?.(`${name} install`);
  const failures = await Promise.all(folders.map((folder) => installIn(folder, name, options)));
  return failures.find((failure) => failure !== undefined);
}

async function installIn(
  directory: string,
  manager: string,
  { environment, signal }: InstallOptions,
): Promise<string | undefined> {
  const { execa } = await import('execa');
  // Nobody reads what npm would ask the registry for besides.
  const words = manager === 'npm' ? ['install', '--no-audit', '--no-fund'] : ['install'];
  const result = await execa(manager, words, {
    cwd: directory,
    env: environment,
    extendEnv: false,
    cancelSignal: signal,
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  // Ctrl-C reaches both, and may end the other program before this one hears of it.
  if (result.signal === 'SIGINT' || result.exitCode === 130)
    await setTimeout(sameKeyMs, undefined, { signal }).catch(() => undefined);
  if (!result.failed || signal.aborted) return undefined;
  const trouble = networkTrouble('npm', result.all ?? '', environment);
  if (trouble !== undefined) return `${manager} install failed: the registry ${trouble.what}. ${trouble.suggestion}`;
  const why = result.shortMessage?.split('\n', 1)[0] ?? 'no reason given';
  return `${manager} install failed (${why}); run it in the directory to see why.`;
}
