import { join } from 'node:path';
import { kindOf } from '../shared/files.ts';
import type { CreateContext } from './context.ts';

/** A lock file tells which package manager the kit is for; the first that is there counts. */
const managers: readonly [lock: string, command: string][] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package.json', 'npm'],
];

/**
 * Installs the kit's packages with the kit's own package manager.
 * @returns why it did not work and what to do, for the summary: a muse without its packages is whole otherwise
 */
export async function installPackages(
  directory: string,
  { environment, signal, onProgress }: Pick<CreateContext, 'environment' | 'signal' | 'onProgress'>,
): Promise<string | undefined> {
  for (const [lock, command] of managers) {
    if ((await kindOf(join(directory, lock))) === undefined) continue;
    onProgress?.(`${command} install`);
    const { execa } = await import('execa');
    const result = await execa(command, ['install'], { cwd: directory, env: environment, extendEnv: false, cancelSignal: signal, reject: false, stdin: 'ignore', all: true });
    if (!result.failed || signal.aborted) return undefined;
    return `${command} install failed (${result.shortMessage?.split('\n', 1)[0] ?? 'it gave no reason'}); run it in the directory to see why.`;
  }
  return 'There is no package.json, so there was nothing to install.';
}
