/** The files that every muse gets, from `templates/muse`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inside, kindOf, readText, writeWhole } from '../shared/files.ts';
import { markdownCode, markdownLine } from '../shared/text.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { hasApp } from './app.ts';
import { packageDirectory } from './builtin.ts';
import { titleOf } from './name.ts';
import { packageManagerOf } from './package-manager.ts';

/** What the README says besides `muse.json`. */
export interface ReadmeOptions {
  /** Default: the name for people, e.g. `Realty Muse`. */
  title?: string | undefined;
  tagline?: string | undefined;
  /** The list of tables in Markdown, between the markers that let it be updated. */
  tables?: string | undefined;
  /** Whether the muse has a repository, whose commits a hook can check. */
  hook?: boolean | undefined;
}

const template = async (name: string): Promise<string> => {
  const text = await readFile(join(packageDirectory, 'templates', 'muse', `${name}.hbs`), 'utf8');
  return text.replaceAll('\r\n', '\n');
};

/** A template with values filled in, which may be Markdown of their own. */
async function filled(name: string, values: object): Promise<string> {
  const { default: handlebars } = await import('handlebars');
  const engine = handlebars.create();
  engine.registerHelper({ line: markdownLine, code: markdownCode });
  return engine.compile(await template(name), { noEscape: true })(values);
}

/** Scripts that the muse's `package.json` has. */
async function scriptsOf(directory: string): Promise<Record<string, unknown>> {
  const text = (await readText(join(directory, 'package.json'))) ?? '{}';
  try {
    return Object((JSON.parse(text.replace(/^\uFEFF/, '')) as { scripts?: unknown }).scripts) as Record<
      string,
      unknown
    >;
  } catch {
    return {};
  }
}

/**
 * The text of the muse's README, in Markdown. Its commands run as they are, in their order, in the muse's directory.
 */
export async function renderReadme(directory: string, muse: MuseFile, options: ReadmeOptions = {}): Promise<string> {
  const [scripts, manager, app] = await Promise.all([
    scriptsOf(directory),
    packageManagerOf(directory),
    hasApp(directory),
  ]);
  const kept = ['docs/KIT_README.md', 'KIT_README.md'];
  const there = await Promise.all(kept.map((file) => kindOf(join(directory, file))));
  const text = await filled('README.md', {
    ...muse,
    title: options.title ?? titleOf(muse.name),
    tagline: options.tagline,
    tables: options.tables,
    hook: options.hook === true,
    manager,
    muse: `${manager.exec} muse`,
    status: scripts['status'] === 'muse status' ? `${manager.run} status` : `${manager.exec} muse status`,
    migrate: scripts['migrate'] === 'muse migrate' ? `${manager.run} migrate` : `${manager.exec} muse migrate`,
    app,
    dev: !app && typeof scripts['dev'] === 'string',
    kitReadme: kept.find((_, index) => there[index] === 'file'),
  });
  return `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

/** The text of a `.gitignore` with every line that a muse needs; existing lines stay as they are. */
export async function addIgnoredLines(text: string): Promise<string> {
  const there = new Set(text.split(/\r?\n/).map((entry) => entry.trim()));
  const lines = (await template('gitignore')).split('\n').filter((entry) => entry !== '' && !entry.startsWith('#'));
  const missing = lines.filter(
    (entry) => !there.has(entry) && !there.has(`/${entry}`) && !there.has(entry.replace(/\/$/, '')),
  );
  if (text.trim() === '') return template('gitignore');
  if (missing.length === 0) return text;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text.endsWith('\n') ? '' : lineEnd;
  return `${text}${gap}${lineEnd}${['# create-muse', ...missing].join(lineEnd)}${lineEnd}`;
}

/** Where the workflow for GitHub Actions and the hook are in a muse. */
const workflowPath = '.github/workflows/muse.yml';
const hookPath = '.githooks/pre-commit';

/**
 * Writes the muse's README, its workflow and its hook, and adds to its `.gitignore`. Run again, it changes nothing.
 * @returns the files, with `/`
 * @throws MuseError `path-outside` if one of them is a symbolic link
 */
export async function writeMuseFiles(
  directory: string,
  muse: MuseFile,
  options: ReadmeOptions = {},
): Promise<string[]> {
  const values = { manager: await packageManagerOf(directory) };
  const hookText = await filled('pre-commit', values);
  const hook = options.hook === true && (await isFree(directory, hookPath, hookText));
  const ignore = await inside(directory, '.gitignore');
  await writeWhole(ignore, await addIgnoredLines((await readText(ignore)) ?? ''));
  await writeWhole(await inside(directory, 'README.md'), await renderReadme(directory, muse, { ...options, hook }));
  await writeWhole(await inside(directory, workflowPath), await filled('workflow.yml', values));
  if (hook) await writeWhole(await inside(directory, hookPath), hookText, 0o755);
  return ['.gitignore', 'README.md', workflowPath, ...(hook ? [hookPath] : [])];
}

/** Says whether a file is not there, or was written by an earlier run: the kit's own stays. */
async function isFree(directory: string, path: string, text: string): Promise<boolean> {
  const there = await readText(await inside(directory, path));
  return there === undefined || there === text;
}
