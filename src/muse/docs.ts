import { join } from 'node:path';
import { replaceSection, tableDocs } from '../scaffold/docs.ts';
import { inside, readUtf8, writeWhole } from '../shared/files.ts';
import { extensionTables } from './declared-schema.ts';
import type { Muse } from '../shared/muse-file.ts';
import { readReadable } from './readable.ts';

/**
 * Brings the list of tables in the muse's README up to date with its extension files.
 * @returns the tables that it lists, and whether that changed the file
 */
export async function documentMuse(muse: Muse): Promise<{ tables: string[]; changed: boolean }> {
  const { directory, museFile } = muse;
  const { migrations } = await readReadable(muse, { rollbacks: false });
  const tables = await extensionTables(migrations);
  const path = await inside(directory, 'README.md');
  const before = (await readUtf8(path)) ?? `# ${museFile.name}\n`;
  const after = replaceSection(before, tableDocs(tables));
  if (after !== before) await writeWhole(join(directory, 'README.md'), after);
  return { tables: tables.map(({ name }) => name), changed: after !== before };
}
