import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintMuse } from '../../src/muse/lint.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { museOnDisk } from './muse-on-disk.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const back = 'migrations/rollback/core/001_one.sql';

const files = {
  [one]: '-- One.\nCREATE TABLE IF NOT EXISTS a (id int PRIMARY KEY);\nSELECT * FROM ghosts;\n',
  [two]: '-- Two.\nALTER TABLE a ENABLE ROW LEVEL SECURITY;\nSELECT * FROM ghosts;\nSELECT 1 +;\n',
  [back]: 'DROP TABLE a;\n',
};

async function found(muse: Muse, ...only: string[]): Promise<string[]> {
  const { findings } = await lintMuse(
    muse,
    only.map((file) => join(muse.directory, file)),
  );
  return findings
    .filter(({ severity }) => severity === 'error')
    .map(({ rule, file, line }) => `${rule} ${file}:${line}`);
}

describe('muse lint of some files', () => {
  it.each<[string, string[], string[]]>([
    ['none named: all', [], [`unknown-relation ${one}:3`, `syntax-error ${two}:4`]],
    ['the first: what the second does for it counts', [one], [`unknown-relation ${one}:3`]],
    ['the second: its own use of what is missing', [two], [`unknown-relation ${two}:3`, `syntax-error ${two}:4`]],
    ['a rollback', [back], []],
    ['two', [one, two], [`unknown-relation ${one}:3`, `syntax-error ${two}:4`]],
  ])('%s', async (_what, only, expected) => {
    expect(await found(await museOnDisk(files), ...only)).toEqual(expected);
  });

  it.each([
    ['a name with a mistake', 'migrations/core/001_on.sql', `Did you mean ${one}?`],
    ['a file that is no migration', 'muse.json', 'muse status'],
  ])('%s is refused', async (_what, file, suggestion) => {
    await expect(found(await museOnDisk(files), file)).rejects.toMatchObject({
      code: 'bad-call',
      message: expect.stringContaining(file),
      suggestion: expect.stringContaining(suggestion),
    });
  });
});
