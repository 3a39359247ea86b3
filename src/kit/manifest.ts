/**
 * The `package.json` of a muse: this tool is pinned in it, so that `npm run status` and `npx muse` run it and nothing
 * else.
 */
import { readFile, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { inside, kindOf, readText, writeWhole } from '../shared/files.ts';
import { ownVersion, packageDirectory } from './builtin.ts';
import { putJsonString } from './json-edit.ts';

/** How a muse depends on this package. */
export interface OwnDependency {
  /** For `package.json`: a version, or where this package was installed from. */
  specifier: string;
  /** The directory of this package, where it runs from a checkout. */
  checkout?: string;
}

/** The scripts that every muse has, unless its kit has one of that name. */
const scripts: readonly (readonly [name: string, command: string])[] = [
  'status',
  'lint',
  'rehearse',
  'migrate',
  'verify',
  'seed',
].map((name) => [name, `muse ${name}`]);

/**
 * How a muse depends on the package that runs now: by its version where that came from a registry; by the path of the
 * tarball or checkout, or the address of the repository, that it came from.
 * @param directory absolute path of the muse, which exists
 * @param own where this package is
 */
export async function ownDependency(directory: string, own = packageDirectory): Promise<OwnDependency> {
  const place = await realpath(own);
  const version = await ownVersion();
  const parts = place.split(sep);
  const modules = parts.lastIndexOf('node_modules');
  if (modules === -1) return { specifier: await fileSpecifier(directory, place), checkout: place };
  const root = parts.slice(0, modules).join(sep) || sep;
  const source = await sourceOf(root, parts.slice(modules).join('/'));
  if (source?.startsWith('git+') === true) return { specifier: source };
  if (source?.startsWith('file:') !== true) return { specifier: version };
  const file = resolve(root, source.slice('file:'.length));
  return { specifier: (await kindOf(file)) === undefined ? version : await fileSpecifier(directory, file) };
}

/** A path as npm writes it into `package.json`: relative, with `/`; absolute only to another drive of Windows. */
async function fileSpecifier(directory: string, path: string): Promise<string> {
  return `file:${relative(await realpath(directory), path)
    .split(sep)
    .join('/')}`;
}

/** Where npm says that a package came from, in the list of what it has installed. */
async function sourceOf(root: string, path: string): Promise<string | undefined> {
  try {
    const text = await readFile(join(root, 'node_modules', '.package-lock.json'), 'utf8');
    const { packages } = JSON.parse(text) as { packages?: Record<string, { resolved?: unknown } | undefined> };
    const resolved = packages?.[path]?.resolved;
    return typeof resolved === 'string' ? resolved : undefined;
  } catch {
    // Another package manager, or a global installation: neither has the list.
    return undefined;
  }
}

/** What became of a muse's `package.json`. */
export interface Manifest {
  /** False where it could not be edited: not valid JSON, or reached through a link. */
  written: boolean;
  /** The scripts of the kit that have the name of one of the muse's, and stay. */
  kept: string[];
}

/**
 * Pins this package in the muse's `package.json`, which is made where there is none, and adds the muse's scripts. Run
 * again, it changes nothing.
 * @param directory of the muse, or where it is put together
 */
export async function writeManifest(directory: string, name: string, specifier: string): Promise<Manifest> {
  const refused: Manifest = { written: false, kept: [] };
  const there = await kindOf(join(directory, 'package.json'));
  if (there !== undefined && there !== 'file') return refused;
  const path = await inside(directory, 'package.json');
  const text = (await readText(path)) ?? `${JSON.stringify({ name, private: true }, undefined, 2)}\n`;
  let manifest: Record<string, unknown>;
  try {
    manifest = JSON.parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>;
  } catch {
    return refused;
  }
  const known = Object(manifest['scripts']) as Record<string, unknown>;
  const kept = scripts.filter(([script, command]) => Object.hasOwn(known, script) && known[script] !== command);
  const group =
    ['dependencies', 'devDependencies', 'optionalDependencies'].find((key) =>
      Object.hasOwn(Object(manifest[key]) as object, 'create-muse'),
    ) ?? 'devDependencies';
  const edits: (readonly [path: string[], value: string])[] = [
    ...scripts
      .filter(([script]) => !Object.hasOwn(known, script))
      .map(([script, command]): [string[], string] => [['scripts', script], command]),
    [[group, 'create-muse'], specifier],
  ];
  let edited: string | undefined = text;
  for (const [at, value] of edits) edited = edited === undefined ? undefined : putJsonString(edited, at, value);
  if (edited === undefined) return refused;
  await writeWhole(path, edited);
  return { written: true, kept: kept.map(([script]) => script) };
}

/** Says whether the muse's own packages are installed, so that its commands run as they are. */
export async function isInstalled(directory: string): Promise<boolean> {
  return (await kindOf(join(directory, 'node_modules', '.bin', 'muse'))) !== undefined;
}
