import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writePages } from '../../src/muse/app-pages.ts';
import { openMuse } from '../../src/index.ts';
import type { TablePages } from '../../src/scaffold/app/pages.ts';
import { museOnDisk } from './muse-on-disk.ts';

const index = 'app/src/tables/index.ts';
const kitIndex = await readFile(join(import.meta.dirname, '../../templates/musekit/app/src/tables/index.ts'), 'utf8');

const pagesOf = (...names: string[]): TablePages[] =>
  names.map((name) => ({
    folder: name,
    identifier: name,
    component: name.toUpperCase(),
    files: [{ path: 'table.ts', content: `// ${name}\n` }],
  }));

describe('writePages', () => {
  it('adds a folder for each table, and one entry for each, in their order', async () => {
    const { directory } = await museOnDisk({ [index]: kitIndex });
    const read = () => readFile(join(directory, index), 'utf8');
    expect(await writePages(directory, pagesOf('a', 'b'))).toEqual({
      files: ['app/src/tables/a/table.ts', 'app/src/tables/b/table.ts', index],
      notes: [],
    });
    await writePages(directory, pagesOf('c'));
    const lines = (await read()).split('\n');
    expect(lines.filter((line) => line.startsWith('  { table'))).toEqual([
      '  { table: a, List: AList, Form: AForm },',
      '  { table: b, List: BList, Form: BForm },',
      '  { table: c, List: CList, Form: CForm },',
    ]);
    expect(lines.slice(2, 5)).toEqual([
      "import { AForm } from './a/Form';",
      "import { AList } from './a/List';",
      "import { a } from './a/table';",
    ]);
    expect(lines.at(-2)).toBe('];');
  });

  it('writes nothing twice, and leaves what its owner changed', async () => {
    const { directory } = await museOnDisk({ [index]: kitIndex, 'app/src/tables/a/table.ts': '// mine\n' });
    expect(await writePages(directory, pagesOf('a'))).toEqual({ files: [], notes: [] });
    expect(await readFile(join(directory, 'app/src/tables/a/table.ts'), 'utf8')).toBe('// mine\n');
    expect(await readFile(join(directory, index), 'utf8')).toBe(kitIndex);
  });

  it('keeps Windows line ends', async () => {
    const { directory } = await museOnDisk({ [index]: kitIndex.replaceAll('\n', '\r\n') });
    await writePages(directory, pagesOf('a'));
    expect((await readFile(join(directory, index), 'utf8')).replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('says what to do where the list of tables was rewritten', async () => {
    const { directory } = await museOnDisk({ [index]: 'export const all = [];\n' });
    expect(await writePages(directory, pagesOf('a'))).toEqual({
      files: ['app/src/tables/a/table.ts'],
      notes: [`${index} has no list of tables any more: add ./a to the app.`],
    });
  });

  it('does nothing where there is no such app', async () => {
    const { directory } = await museOnDisk({ 'app/page.tsx': '' });
    expect(await writePages(directory, pagesOf('a'))).toEqual({ files: [], notes: [] });
  });
});

it('muse.new adds the pages of its tables', async () => {
  const { directory } = await museOnDisk({ [index]: kitIndex });
  const muse = await openMuse(directory);
  const { files } = await muse.new('price history', { tables: ['prices: price numeric!, owner user'] });
  expect(files).toEqual(expect.arrayContaining(['app/src/tables/prices/table.ts', index]));
  expect(await readFile(join(directory, index), 'utf8')).toContain(
    '{ table: prices, List: PricesList, Form: PricesForm },',
  );
});
