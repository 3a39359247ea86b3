import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MuseError } from '../../src/shared/error.ts';
import { fileError, inside, kindOf, listNames, readBytes, readText, writeWhole } from '../../src/shared/files.ts';

let place = '';

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'create-muse-files-')));
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

describe('inside', () => {
  it.each(['a.txt', 'a/b/c', './a', 'a/../b', '..a/b', '', '.'])('accepts %j', async (path) => {
    expect(await inside(place, path)).toBe(join(place, path));
  });

  it.each(['..', '../x', 'a/../../x', '/etc/passwd', 'a\0b'])('refuses %j', async (path) => {
    await expect(inside(place, path)).rejects.toMatchObject({ code: 'path-outside' });
  });

  it('refuses a path through a link, at its end and before', async () => {
    mkdirSync(join(place, 'real'));
    symlinkSync('real', join(place, 'link'));
    symlinkSync('/nowhere', join(place, 'dangling'));
    for (const path of ['link', 'link/a', 'real/../link/a', 'dangling']) {
      await expect(inside(place, path)).rejects.toMatchObject({ code: 'path-outside' });
    }
  });

  it('accepts a root that is itself a link', async () => {
    mkdirSync(join(place, 'real'));
    symlinkSync('real', join(place, 'link'));
    expect(await inside(join(place, 'link'), 'a')).toBe(join(place, 'link', 'a'));
  });
});

describe('writeWhole', () => {
  it('creates the folders, replaces the file, sets the mode and leaves nothing behind', async () => {
    const path = join(place, 'a', 'b.txt');
    await writeWhole(path, 'one');
    await writeWhole(path, new Uint8Array([116, 119, 111]), 0o600);
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
    expect(readdirSync(join(place, 'a'))).toEqual(['b.txt']);
  });

  it('replaces a link, and does not write to its target', async () => {
    writeFileSync(join(place, 'other'), 'other');
    symlinkSync('other', join(place, 'link'));
    await writeWhole(join(place, 'link'), 'new');
    expect(readFileSync(join(place, 'other'), 'utf8')).toBe('other');
  });

  it('a conflicting folder or file is an error that says so, and nothing is left behind', async () => {
    mkdirSync(join(place, 'folder', 'full'), { recursive: true });
    writeFileSync(join(place, 'file'), 'file');
    await expect(writeWhole(join(place, 'folder'), 'x')).rejects.toMatchObject({
      code: 'path-taken',
      message: expect.stringContaining('folder'),
    });
    await expect(writeWhole(join(place, 'file', 'x'), 'x')).rejects.toMatchObject({ code: 'path-taken' });
    await expect(writeWhole(join(place, 'x'.repeat(300), 'y'), 'x')).rejects.toMatchObject({ code: 'path-too-long' });
    expect(readdirSync(place).sort()).toEqual(['file', 'folder']);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('a folder that may not be written', async () => {
    chmodSync(place, 0o500);
    await expect(writeWhole(join(place, 'a'), 'x')).rejects.toMatchObject({ code: 'no-permission' });
    chmodSync(place, 0o700);
  });
});

describe('fileError', () => {
  it.each([
    ['EACCES', 'no-permission'],
    ['EPERM', 'no-permission'],
    ['EROFS', 'read-only'],
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EMFILE', 'too-many-files'],
    ['ENAMETOOLONG', 'path-too-long'],
    ['EISDIR', 'path-taken'],
    ['EBUSY', 'file-busy'],
  ])('%s is %s', (system, code) => {
    const error = Object.assign(new Error(`${system}: no`), { code: system, path: '/x/y' });
    expect(fileError(error, '/z')).toMatchObject({ code, cause: error, message: expect.stringContaining('/x/y') });
    expect(fileError(error, '/z')).toBeInstanceOf(MuseError);
  });

  it('keeps any other error', () => {
    const error = new Error('other');
    expect(fileError(error, '/z')).toBe(error);
  });
});

describe('reading', () => {
  it('a missing file is undefined or empty', async () => {
    writeFileSync(join(place, 'file'), 'ü');
    for (const path of ['nothing', 'file/below']) {
      expect(await readBytes(join(place, path))).toBeUndefined();
      expect(await kindOf(join(place, path))).toBeUndefined();
      expect(await listNames(join(place, path))).toEqual([]);
    }
    expect(await readText(join(place, 'file'))).toBe('ü');
    await expect(readText(place)).rejects.toMatchObject({ code: 'path-taken' });
  });

  it('kinds', async () => {
    writeFileSync(join(place, 'file'), '');
    symlinkSync('file', join(place, 'link'));
    expect([await kindOf(place), await kindOf(join(place, 'file')), await kindOf(join(place, 'link'))]).toEqual([
      'directory',
      'file',
      'link',
    ]);
  });
});
