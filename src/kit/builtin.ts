/** The kit that ships with create-muse, in `templates/musekit` of the package. */
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { walk } from './walk.ts';

/** The package's own directory: this file is two folders below it, in `src` as in `dist`. */
export const packageDirectory = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** npm leaves these names out of a package or changes them, so templates carry them with `_` for the dot. */
const renamed: Readonly<Record<string, string>> = {
  _gitignore: '.gitignore',
  _npmrc: '.npmrc',
  _gitattributes: '.gitattributes',
};

/** The version of create-muse, e.g. `0.1.0`. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(join(packageDirectory, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * Copies the built-in kit to `directory`.
 * @returns its version in place of a commit: `create-muse@<version>`
 */
export async function copyBuiltin(directory: string): Promise<string> {
  const from = join(packageDirectory, 'templates', 'musekit');
  for await (const entry of walk(from, ({ name }) => name !== 'node_modules')) {
    if (entry.kind !== 'file') continue;
    const parts = entry.path.split('/').map((part) => renamed[part] ?? part);
    const to = join(directory, ...parts);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(join(from, entry.path), to);
  }
  return `create-muse@${await ownVersion()}`;
}
