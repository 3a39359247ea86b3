/** The files that every muse gets, from `templates/muse`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inside, kindOf, readUtf8, writeWhole } from '../shared/files.ts';
import { markdownCode, markdownLine } from '../shared/text.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { packageDirectory } from './builtin.ts';
import { titleOf } from './name.ts';

/** What the README says besides `muse.json`. */
export interface ReadmeOptions {
  /** Default: the name for people, e.g. `Realty Muse`. */
  title?: string | undefined;
  tagline?: string | undefined;
  /** The list of tables in Markdown, between the markers that let it be updated. */
  tables?: string | undefined;
}

const template = async (name: string): Promise<string> => {
  const text = await readFile(join(packageDirectory, 'templates', 'muse', `${name}.hbs`), 'utf8');
  return text.replaceAll('\r\n', '\n');
};

/** Scripts that the muse's `package.json` has; undefined without one. */
async function scriptsOf(directory: string): Promise<Record<string, unknown> | undefined> {
  const text = await readUtf8(join(directory, 'package.json'));
  if (text === undefined) return undefined;
  try {
    return Object((JSON.parse(text.replace(/^\uFEFF/, '')) as { scripts?: unknown }).scripts) as Record<
      string,
      unknown
    >;
  } catch {
    return {};
  }
}

/** The text of the muse's README, in Markdown. */
export async function renderReadme(directory: string, muse: MuseFile, options: ReadmeOptions = {}): Promise<string> {
  const { default: handlebars } = await import('handlebars');
  const engine = handlebars.create();
  engine.registerHelper({ line: markdownLine, code: markdownCode });
  const scripts = await scriptsOf(directory);
  const kept = ['docs/KIT_README.md', 'KIT_README.md'];
  const there = await Promise.all(kept.map((file) => kindOf(join(directory, file))));
  const text = engine.compile(await template('README.md'), { noEscape: true })({
    ...muse,
    title: options.title ?? titleOf(muse.name),
    tagline: options.tagline,
    tables: options.tables,
    install: scripts !== undefined,
    dev: typeof scripts?.['dev'] === 'string',
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

/**
 * Writes the muse's README and adds to its `.gitignore`. Run again, it changes nothing.
 * @returns the files, with `/`
 * @throws MuseError `path-outside` if one of them is a symbolic link
 */
export async function writeMuseFiles(
  directory: string,
  muse: MuseFile,
  options: ReadmeOptions = {},
): Promise<string[]> {
  const ignore = await inside(directory, '.gitignore');
  await writeWhole(ignore, await addIgnoredLines((await readUtf8(ignore)) ?? ''));
  await writeWhole(await inside(directory, 'README.md'), await renderReadme(directory, muse, options));
  return ['.gitignore', 'README.md'];
}
