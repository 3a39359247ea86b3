/** The package manager of a kit, and the commands that people and CI type for it. */
import { join } from 'node:path';
import { kindOf, readText } from '../shared/files.ts';

/** How a package manager is called. */
export interface PackageManager {
  name: 'npm' | 'pnpm' | 'yarn' | 'bun';
  /** The lock file that the kit has; undefined where it has none yet. */
  lock: string | undefined;
  /** Runs a script of `package.json`; the script's name follows. */
  run: string;
  /** Runs a program of an installed package; its name follows. */
  exec: string;
  /** Like {@link exec}, and never fetches a package that is not installed, also where nobody can be asked. */
  execInstalled: string;
  /** The command that makes the package manager available on a CI runner; empty where it is there. */
  setup: string;
  /** Installs on a CI runner, also where the lock file is not up to date. */
  installInCi: string;
}

type Calls = Omit<PackageManager, 'name' | 'lock'>;

const calls: Readonly<Record<PackageManager['name'], Calls>> = {
  npm: {
    run: 'npm run',
    exec: 'npx',
    execInstalled: 'npx --no-install',
    setup: '',
    installInCi: 'npm install --no-audit --no-fund',
  },
  pnpm: {
    run: 'pnpm run',
    exec: 'pnpm exec',
    execInstalled: 'pnpm exec',
    setup: 'corepack enable',
    installInCi: 'pnpm install --no-frozen-lockfile',
  },
  yarn: {
    run: 'yarn run',
    exec: 'yarn run',
    execInstalled: 'yarn run',
    setup: 'corepack enable',
    installInCi: 'YARN_ENABLE_IMMUTABLE_INSTALLS=false yarn install',
  },
  bun: {
    run: 'bun run',
    exec: 'bun run',
    execInstalled: 'bun run',
    setup: 'npm install --global bun',
    installInCi: 'bun install',
  },
};

/** The lock files of each; the first that exists counts. */
const locks: readonly (readonly [file: string, name: PackageManager['name']])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

/** The package manager of the directory: by `packageManager` in its `package.json`, else by its lock file, else npm. */
export async function packageManagerOf(directory: string): Promise<PackageManager> {
  const named = nameIn(await readText(join(directory, 'package.json')));
  for (const [file, name] of locks) {
    if ((named !== undefined && name !== named) || (await kindOf(join(directory, file))) !== 'file') continue;
    return { name, lock: file, ...calls[name] };
  }
  return { name: named ?? 'npm', lock: undefined, ...calls[named ?? 'npm'] };
}

/** The name in `"packageManager": "pnpm@9.1.0"`. */
function nameIn(manifest = ''): PackageManager['name'] | undefined {
  try {
    const { packageManager } = JSON.parse(manifest.replace(/^\uFEFF/, '')) as { packageManager?: unknown };
    const name = typeof packageManager === 'string' ? packageManager.split('@', 1)[0] : undefined;
    return name !== undefined && Object.hasOwn(calls, name) ? (name as PackageManager['name']) : undefined;
  } catch {
    return undefined;
  }
}
