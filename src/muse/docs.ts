import { join } from 'node:path';
import { diagramMark, schemaDiagram } from '../publish/diagram/diagram.ts';
import { replaceSection, schemaPicture, tableDocs } from '../scaffold/docs.ts';
import { inside, readUtf8, writeWhole } from '../shared/files.ts';
import type { Muse } from '../shared/muse-file.ts';
import type { Migration } from '../sql/migration.ts';
import { extensionTables } from './declared-schema.ts';
import { readReadable } from './readable.ts';
import { diagramTables } from './schema-diagram.ts';

/** What {@link documentMuse} found and wrote. */
export interface DocsResult {
  /** The tables that the README lists. */
  tables: string[];
  /** Whether any file changed. */
  changed: boolean;
  /** The files that changed. */
  files: string[];
}

/** Brings the list of tables in the muse's README, and the picture of its schema, up to date with its migration files. */
export async function documentMuse(muse: Muse): Promise<DocsResult> {
  const { directory, museFile } = muse;
  const { migrations } = await readReadable(muse, { rollbacks: false });
  const tables = await extensionTables(migrations);
  const before = (await readUtf8(await inside(directory, 'README.md'))) ?? `# ${museFile.name}\n`;
  const after = replaceSection(before, tableDocs(tables));
  const files: string[] = [];
  if (after !== before) {
    await writeWhole(join(directory, 'README.md'), after);
    files.push('README.md');
  }
  if (await drawSchema(directory, migrations)) files.push(schemaPicture);
  return { tables: tables.map(({ name }) => name), changed: files.length > 0, files };
}

/**
 * Draws the tables of all migrations into `docs/schema.svg`. A picture there that this tool did not draw stays.
 * @returns whether that changed the file
 */
export async function drawSchema(directory: string, migrations: readonly Migration[]): Promise<boolean> {
  const path = await inside(directory, schemaPicture);
  const picture = schemaDiagram(await diagramTables(migrations));
  const before = (await readUtf8(path))?.replaceAll('\r\n', '\n');
  if (before === picture || before?.includes(diagramMark) === false) return false;
  await writeWhole(path, picture);
  return true;
}
