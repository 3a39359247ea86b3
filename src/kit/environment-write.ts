/** Puts `.env` files on disk: private, and never where git would take them along. */
import { dirname, join, posix, resolve } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf, readText, writeWhole } from '../shared/files.ts';
import { isIgnored, isTracked } from './git.ts';
import { matchFolders } from './walk.ts';

/** Names that kits give their template, the most telling first. */
const templateNames = [
  '.env.template',
  '.env.local.template',
  '.env.example',
  '.env.local.example',
  '.env.sample',
  '.env.local.sample',
  '.env.dist',
  'env.template',
  'env.example',
];

/** The kit's template for `.env.local`, at its top or that of its first app; empty where it has none. */
export async function readEnvironmentTemplate(directory: string): Promise<string> {
  const folders = ['', ...(await matchFolders(directory, 'apps/*')), ...(await matchFolders(directory, 'packages/*'))];
  for (const folder of folders) {
    for (const name of templateNames) {
      const path = join(directory, folder, name);
      if ((await kindOf(path)) === 'file') return (await readText(path)) ?? '';
    }
  }
  return '';
}

/**
 * Writes a file with secrets: mode 0600, whole or not at all, and only where git leaves it alone; if `.gitignore` does not
 * say so yet, it does before the file is there.
 * @param name relative to the muse, as `.env.local`
 * @throws MuseError `environment-not-ignored` where git tracks the file, or would all the same; `path-outside`
 */
export async function writeEnvironmentFile(directory: string, name: string, text: string): Promise<void> {
  const path = await inside(directory, name);
  await ignore(directory, name);
  await mustBeIgnored(directory, name);
  await writeWhole(path, text, 0o600);
}

/** Adds the line to `.gitignore` unless it says so already; the last line that fits counts, so it goes to the end. */
async function ignore(directory: string, name: string): Promise<void> {
  const path = await inside(directory, '.gitignore');
  const text = (await readText(path)) ?? '';
  const base = posix.basename(name);
  const covering = new Set([name, `/${name}`, base, '.env*', '.env.*', '.env*.local', '*.local']);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const covered = lines.findLastIndex((line) => covering.has(line));
  const undone = lines.slice(covered).some((line) => line.startsWith('!') && (line.includes('*') || covering.has(line.slice(1))));
  if (covered !== -1 && !undone) return;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : lineEnd;
  await writeWhole(path, `${text}${gap}/${name}${lineEnd}`);
}

/** Says whether a repository, the muse's own or one that it lies in, would take files of the directory. */
async function inRepository(directory: string): Promise<boolean> {
  for (let current = resolve(directory); ; current = dirname(current)) {
    if ((await kindOf(join(current, '.git'))) !== undefined) return true;
    if (current === dirname(current)) return false;
  }
}

async function mustBeIgnored(directory: string, name: string): Promise<void> {
  if (!(await inRepository(directory))) return;
  const tracked = await isTracked(directory, name);
  if (!tracked && (await isIgnored(directory, name)) !== false) return;
  throw new MuseError({
    code: 'environment-not-ignored',
    message: tracked
      ? `git tracks ${name} already, so secrets in it would be committed; it was not written.`
      : `git does not ignore ${name}, so secrets in it could be committed; it was not written.`,
    suggestion: tracked ? `Run git rm --cached ${name}, commit, and run this again.` : `Look for a line like "!${name}" in .gitignore and remove it.`,
  });
}
