import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { pathCommitter, diffTexts, inRepository, uncommitted, underWay } from '../../src/kit/git-work.ts';
import { sampleOf } from '../support/sample.ts';
import { git, put, temporary } from './repository.ts';

let place = '';

beforeEach(() => {
  place = temporary('work');
  git(place, 'init', '--quiet');
  put(place, { '.gitignore': 'out/\n', 'a.txt': 'a\n', 'sub/b.txt': 'b\n', 'sub/[b].txt': 'star\n' });
  git(place, 'add', '--all');
  git(place, 'commit', '--quiet', '--message=Start');
});

const status = (): string[] => git(place, 'status', '--porcelain').split('\n').filter(Boolean).sort();

describe('pathCommitter', () => {
  const commitPaths = async (
    directory: string,
    paths: readonly string[],
    message: string,
  ): Promise<string | undefined> => (await pathCommitter(directory, paths))(paths, message);

  it('commits the given paths, new, changed and deleted, and leaves the index and the rest unchanged', async () => {
    put(place, { 'a.txt': 'mine, staged\n' });
    git(place, 'add', 'a.txt');
    put(place, {
      'a.txt': 'mine, later\n',
      'mine.txt': 'x',
      'sub/new.txt': 'n\n',
      'sub/[b].txt': 'changed\n',
      'out/c.txt': 'c',
    });
    rmSync(join(place, 'sub/b.txt'));
    const commit = await commitPaths(place, ['sub/b.txt', 'sub/new.txt', 'sub/[b].txt', 'out/c.txt'], 'Fix');
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(git(place, 'show', '--name-status', '--format=%s', 'HEAD').trim().split('\n').filter(Boolean)).toEqual([
      'Fix',
      'M\tsub/[b].txt',
      'D\tsub/b.txt',
      'A\tsub/new.txt',
    ]);
    expect(status()).toEqual(['?? mine.txt', 'MM a.txt']);
    expect(git(place, 'show', ':a.txt')).toBe('mine, staged\n');
    expect(existsSync(join(place, 'out/c.txt'))).toBe(true);
  });

  it('makes no commit if none of them has changed', async () => {
    put(place, { 'a.txt': 'mine\n', 'out/c.txt': 'c' });
    git(place, 'add', 'a.txt');
    const head = git(place, 'rev-parse', 'HEAD');
    expect(await commitPaths(place, ['sub/b.txt'], 'Nothing')).toBeUndefined();
    expect(await commitPaths(place, ['out/c.txt'], 'Nothing')).toBeUndefined();
    expect(git(place, 'rev-parse', 'HEAD')).toBe(head);
  });
});

it('finds uncommitted changes, also from a subfolder', async () => {
  put(place, { 'a.txt': 'x', 'sub/new/c.txt': 'c', 'out/c.txt': 'c' });
  put(place, { 'staged.txt': 's' });
  git(place, 'add', 'staged.txt');
  git(place, 'rm', '--cached', '--quiet', 'sub/b.txt');
  expect(await uncommitted(place, ['a.txt', 'sub/b.txt', 'sub/new/c.txt', 'out/c.txt', 'staged.txt'])).toEqual([
    { path: 'a.txt', isNew: false },
    { path: 'sub/b.txt', isNew: false },
    { path: 'sub/new/c.txt', isNew: true },
    { path: 'staged.txt', isNew: true },
  ]);
  expect(await uncommitted(join(place, 'sub'), ['new/c.txt', 'd.txt'])).toEqual([{ path: 'new/c.txt', isNew: true }]);
});

it('distinguishes the project’s repository from one around it, and detects an operation in progress', async () => {
  put(place, { 'other/muse.json': '{}' });
  expect(await inRepository(place, 'muse.json')).toBe(true);
  expect(await inRepository(join(place, 'other'), 'muse.json')).toBe(false);
  expect(await inRepository(join(place, 'sub'), 'b.txt')).toBe(true);
  expect(await inRepository(temporary('none'), 'muse.json')).toBe(false);
  expect(await underWay(place)).toBeUndefined();
  git(place, 'checkout', '--quiet', '-b', 'other');
  put(place, { 'a.txt': 'theirs\n' });
  git(place, 'commit', '--quiet', '--all', '--message=Theirs');
  git(place, 'checkout', '--quiet', '-');
  put(place, { 'a.txt': 'ours\n' });
  git(place, 'commit', '--quiet', '--all', '--message=Ours');
  try {
    git(place, 'merge', '--quiet', 'other');
  } catch {
    // It ends in a conflict on purpose.
  }
  expect(await underWay(place)).toBe('merge');
});

describe('diffTexts', () => {
  const patches: [string, Record<string, string>, Record<string, string>][] = [
    ['line ends and the end of the file', { 'a.txt': 'one\r\ntwo' }, { 'a.txt': 'one\r\nthree\r\n' }],
    ['a change', { 'a.txt': 'one\ntwo\n' }, { 'a.txt': 'one\nthree\n' }],
    ['new and old files', { 'old/a.txt': 'x\ny\nz\n' }, { 'new file.txt': 'other\n', 'ü.txt': 'u' }],
    ['another name', { 'm/001_a.sql': 'same\n'.repeat(20) }, { 'm/002_a.sql': 'same\n'.repeat(20) }],
    [
      'lines that look like those of a diff',
      { 'a.txt': 'rename from a/x\n' },
      { 'a.txt': 'rename from b/x\n--- a/y\n+++ b/y\n' },
    ],
  ];
  it.each(sampleOf(patches, 2))('is a patch from one to the other: %s', async (_, before, after) => {
    const diff = await diffTexts(new Map(Object.entries(before)), new Map(Object.entries(after)));
    const copy = temporary('copy');
    put(copy, { ...before, 'p.patch': diff });
    git(copy, 'init', '--quiet');
    git(copy, 'apply', '--whitespace=nowarn', 'p.patch');
    rmSync(join(copy, 'p.patch'));
    git(copy, 'add', '--all');
    git(copy, '-c', 'core.autocrlf=false', 'commit', '--quiet', '--message=x');
    const names = git(copy, '-c', 'core.quotePath=false', 'ls-files').trim().split('\n');
    expect(Object.fromEntries(names.map((name) => [name, git(copy, 'show', `HEAD:${name}`)]))).toEqual(after);
  });

  it('is empty for equal texts', async () => {
    expect(await diffTexts(new Map([['a', 'x']]), new Map([['a', 'x']]))).toBe('');
  });
});
