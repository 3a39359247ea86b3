import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'prettier';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrateMuse } from '../../src/muse/migrate.ts';
import { openMuse } from '../../src/muse/open.ts';
import { rollbackMuse } from '../../src/muse/rollback.ts';
import { museTypes, type TypesOptions } from '../../src/muse/types.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { muse as runMuse } from '../support/cli-in-process.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles, unrehearsed } from './muse-on-disk.ts';

let native: Native;
let muse: Muse;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());
beforeEach(async () => {
  const { url } = await nativeDatabase(native, 'types');
  muse = await museOnDisk(tableFiles('001', 'homes'), { development: url, staging: url });
});

const types = (options?: TypesOptions) => museTypes(muse, 'development', {}, options);
const migrate = (name: 'development' | 'staging' = 'development') => migrateMuse(muse, name, {}, unrehearsed);
const read = (file: string) => readFile(join(muse.directory, file), 'utf8');

describe('museTypes', () => {
  it('writes the app, where there is one', async () => {
    await migrate();
    expect(await types()).toMatchObject({ file: 'database.types.ts', changed: true });
    await mkdir(join(muse.directory, 'app', 'src'), { recursive: true });
    expect(await types()).toMatchObject({ file: 'app/src/database.types.ts', changed: true });
    expect(await types()).toMatchObject({ file: 'app/src/database.types.ts', changed: false });
    expect(await read('app/src/database.types.ts')).toContain('homes: {\n        Row: {\n');
    expect(await types({ out: '-' })).toEqual({ changed: false, types: await read('database.types.ts') });
  });

  const edits: [string, (text: string) => string | Promise<string>, boolean][] = [
    ['as it was written', (text) => text, false],
    ['formatted as others like it', (text) => format(text, { parser: 'typescript', singleQuote: true }), false],
    [
      'formatted for wide screens',
      (text) => format(text, { parser: 'typescript', printWidth: 200, semi: false }),
      false,
    ],
    ['with Windows line ends and a comment', (text) => `// Generated.\r\n${text.replaceAll('\n', '\r\n')}`, false],
    ['with another type', (text) => text.replace('title: string', 'title: number'), true],
    ['with a column that may be NULL', (text) => text.replace('title: string', 'title: string | null'), true],
    ['with a column more', (text) => text.replace('title: string', 'title: string\n          more: string'), true],
    ['empty', () => '', true],
  ];

  it('with check, says whether the file is old, whatever formatted it', async () => {
    await migrate();
    const { types: text } = await types({ out: 'src/db.ts' });
    for (const [title, change, changed] of edits) {
      const there = await change(text);
      await addFiles(muse.directory, { 'src/db.ts': there });
      expect(await types({ out: 'src/db.ts', check: true }), title).toMatchObject({ file: 'src/db.ts', changed });
      expect(await read('src/db.ts'), 'nothing is written').toBe(there);
    }
  });

  it('overwrites nothing else, and follows no link out of the muse', async () => {
    await addFiles(muse.directory, { 'src/main.ts': 'export type Database = string;\n' });
    await symlink('/tmp', join(muse.directory, 'linked'));
    await expect(types({ out: 'src/main.ts' })).rejects.toMatchObject({ code: 'bad-call' });
    await expect(types({ out: 'linked/types.ts' })).rejects.toMatchObject({ code: 'path-outside' });
  });
});

describe('the file of types', () => {
  it('follows the migrations of development, from when it is there', async () => {
    await migrate();
    expect((await types({ check: true })).changed, 'it is not made unasked').toBe(true);
    await types();
    await addFiles(muse.directory, tableFiles('002', 'notes'));
    expect(await migrate()).toMatchObject({ notes: expect.arrayContaining(['Updated database.types.ts.']) });
    expect(await read('database.types.ts')).toContain('notes: {');
    const back = await rollbackMuse(muse, 'development', {}, { steps: 1 }, () => Promise.resolve(true));
    expect(back).toMatchObject({ types: 'database.types.ts' });
    expect(await read('database.types.ts')).not.toContain('notes: {');
    await migrate('staging');
    expect(await read('database.types.ts'), 'only development').not.toContain('notes: {');
  });

  it('stays as it is where something else wrote it', async () => {
    await writeFile(join(muse.directory, 'database.types.ts'), '// by hand\n');
    await migrate();
    expect(await read('database.types.ts')).toBe('// by hand\n');
  });
});

describe('muse types', () => {
  const call = (...args: string[]) => runMuse(['types', ...args], { cwd: muse.directory });

  it('prints, writes and checks', async () => {
    await migrate();
    expect(await call('--check')).toMatchObject({ code: 3 });
    expect(await call('--json')).toMatchObject({ code: 0, stdout: expect.stringContaining('"changed":true') });
    expect(await call('--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('is up to date') });
    expect((await call('--out', '-')).stdout).toBe(await read('database.types.ts'));
    const { stdout } = await call('--out', '-', '--schema', 'auth', '--schema', 'public');
    expect(stdout).toContain('  auth: {\n    Tables: {');
    await addFiles(muse.directory, tableFiles('002', 'notes'));
    muse = await openMuse(muse.directory);
    await migrate();
    expect(await call('--check')).toMatchObject({ code: 0 });
  });
});
