import { join } from 'node:path';
import type { TablePages } from '../scaffold/app/pages.ts';
import { inside, kindOf, readUtf8, writeWhole } from '../shared/files.ts';

const folder = 'app/src/tables';
const indexFile = `${folder}/index.ts`;

/** What {@link writePages} wrote, and what is left to do by hand, one sentence each. */
export interface WrittenPages {
  files: string[];
  notes: string[];
}

/**
 * Adds the pages of tables to the muse's app, if it has the built-in kit's: a folder for each, and an entry in the list of tables.
 * What is there stays as it is.
 */
export async function writePages(directory: string, pages: readonly TablePages[]): Promise<WrittenPages> {
  const written: WrittenPages = { files: [], notes: [] };
  const index = await readUtf8(await inside(directory, indexFile));
  if (index === undefined) return written;
  const added: TablePages[] = [];
  for (const page of pages) {
    const at = `${folder}/${page.folder}`;
    if ((await kindOf(join(directory, at))) !== undefined) continue;
    added.push(page);
    for (const { path, content } of page.files) {
      await writeWhole(await inside(directory, `${at}/${path}`), content);
      written.files.push(`${at}/${path}`);
    }
  }
  if (added.length === 0) return written;
  const edited = withEntries(index, added);
  if (edited === undefined)
    written.notes.push(
      `${indexFile} has no list of tables any more: add ${added.map(({ folder: name }) => `./${name}`).join(', ')} to the app.`,
    );
  else await writeWhole(await inside(directory, indexFile), edited);
  return { ...written, files: edited === undefined ? written.files : [...written.files, indexFile] };
}

/** The list of tables with further entries: imports after the last one, entries at its end; undefined if there is no list. */
function withEntries(text: string, pages: readonly TablePages[]): string | undefined {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => /^export const tables\b.*\[/.test(line));
  const lastImport = lines.findLastIndex((line) => /^import .*;$/.test(line));
  if (start === -1) return undefined;
  const entries = pages.map(
    ({ identifier, component }) => `  { table: ${identifier}, List: ${component}List, Form: ${component}Form },`,
  );
  const empty = lines[start]?.endsWith('[];') === true;
  const end = empty ? start : lines.findIndex((line, at) => at > start && line.startsWith('];'));
  if (end === -1) return undefined;
  if (empty) lines.splice(start, 1, `${lines[start]?.slice(0, -'];'.length)}`, ...entries, '];');
  else lines.splice(end, 0, ...entries);
  const imports = pages.flatMap(({ folder: name, identifier, component }) => [
    `import { ${component}Form } from './${name}/Form';`,
    `import { ${component}List } from './${name}/List';`,
    `import { ${identifier} } from './${name}/table';`,
  ]);
  lines.splice(lastImport + 1, 0, ...imports);
  return lines.join(newline);
}
