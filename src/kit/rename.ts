/** Replaces the kit's own name with the muse's. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf, listNames, readText, writeWhole } from '../shared/files.ts';
import { setJsonValue } from './json-edit.ts';
import { titleOf } from './name.ts';
import { matchFolders } from './walk.ts';

/** What the muse is called besides its name. */
export interface Branding {
  /** Default: the name for people, e.g. `Realty Muse`. */
  title?: string | undefined;
  tagline?: string | undefined;
  /** Default: the title. */
  companyName?: string | undefined;
  supportEmail?: string | undefined;
}

type Change = readonly [path: readonly string[], value: string | undefined];

/** The strings that change, file by file; a path that a file does not have is skipped. */
function changesOf(name: string, branding: Branding): Readonly<Record<string, readonly Change[]>> {
  const title = branding.title ?? titleOf(name);
  const lock: readonly Change[] = [
    [['name'], name],
    [['packages', '', 'name'], name],
  ];
  return {
    'package.json': [[['name'], name]],
    'package-lock.json': lock,
    'npm-shrinkwrap.json': lock,
    'config/muse.config.json': [
      [['project', 'name'], title],
      [['project', 'tagline'], branding.tagline],
      [['branding', 'companyName'], branding.companyName ?? title],
      [['branding', 'supportEmail'], branding.supportEmail],
    ],
  };
}

/**
 * Names the muse in `package.json` and its lock, `config/muse.config.json` and `supabase/config.toml`, where the kit
 * has them, and moves the kit's README to `docs/KIT_README.md`. A file that is not valid JSON, or is reached through a
 * link, is left as it is.
 * @returns the files that were changed or moved, with `/`
 * @throws MuseError `bad-name` if the kit depends on a package of that name, which npm cannot install then
 */
export async function renameKit(directory: string, name: string, branding: Branding = {}): Promise<string[]> {
  await refuseDependency(directory, name);
  const changed: string[] = [];
  for (const [file, changes] of Object.entries(changesOf(name, branding))) {
    const edit = (text: string) =>
      changes.reduce(
        (result, [path, value]) => (value === undefined ? result : setJsonValue(result, path, value)),
        text,
      );
    if (await editFile(directory, file, edit)) changed.push(file);
  }
  for (const pattern of ['supabase', 'apps/*/supabase', 'packages/*/supabase']) {
    for (const folder of await matchFolders(directory, pattern)) {
      const file = `${folder}/config.toml`;
      if (await editFile(directory, file, (text) => setProjectId(text, name))) changed.push(file);
    }
  }
  const readme = await keepReadme(directory);
  return readme === undefined ? changed : [...changed, readme];
}

async function editFile(directory: string, file: string, edit: (text: string) => string): Promise<boolean> {
  const path = await plainFile(directory, file);
  const text = path === undefined ? undefined : await readText(path);
  if (path === undefined || text === undefined) return false;
  try {
    const result = edit(text);
    if (result === text) return false;
    await writeWhole(path, result);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The absolute path, if there is a file and no link on the way to it. */
async function plainFile(directory: string, file: string): Promise<string | undefined> {
  try {
    const path = await inside(directory, file);
    return (await kindOf(path)) === 'file' ? path : undefined;
  } catch (error) {
    if (error instanceof MuseError) return undefined;
    throw error;
  }
}

/** TOML: `project_id` comes before the first table, so that part is read line by line. */
function setProjectId(text: string, name: string): string {
  const end = /^\s*\[/m.exec(text)?.index ?? text.length;
  const head = text.slice(0, end).replace(/^(\s*project_id\s*=\s*)(["'])[^"'\r\n]*\2/m, `$1"${name}"`);
  return head + text.slice(end);
}

async function refuseDependency(directory: string, name: string): Promise<void> {
  const path = await plainFile(directory, 'package.json');
  const text = path === undefined ? undefined : await readText(path);
  let manifest: Record<string, unknown> | undefined;
  try {
    manifest = JSON.parse((text ?? '{}').replace(/^\uFEFF/, '')) as Record<string, unknown>;
  } catch {
    return;
  }
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  const taken = groups.some((group) => Object.hasOwn(Object(manifest?.[group]) as object, name));
  if (!taken) return;
  throw new MuseError({
    code: 'bad-name',
    message: `The kit depends on a package called "${name}", and npm does not install a package into one with the same name.`,
    suggestion: `Choose another name, e.g. ${name}-muse.`,
  });
}

/** The muse gets a README of its own; the kit's is worth keeping. */
async function keepReadme(directory: string): Promise<string | undefined> {
  const names = await listNames(directory);
  const readme = names.find((name) => /^readme\.(md|markdown)$/i.test(name));
  if (readme === undefined || (await plainFile(directory, readme)) === undefined) return undefined;
  const text = await readText(join(directory, readme));
  // A kit that is a muse itself, or a second run after a crash.
  if (text === undefined || (await kindOf(join(directory, 'docs', 'KIT_README.md'))) !== undefined) return undefined;
  const docs = await kindOf(join(directory, 'docs'));
  const to = docs === undefined || docs === 'directory' ? 'docs/KIT_README.md' : 'KIT_README.md';
  if (docs === undefined) await mkdir(join(directory, 'docs'));
  await rename(join(directory, readme), join(directory, to));
  return to;
}
