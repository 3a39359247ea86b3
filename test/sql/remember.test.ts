import { describe, expect, it } from 'vitest';
import type { Migration } from '../../src/sql/migration.ts';
import { rememberLast } from '../../src/sql/remember.ts';

const file = (sql: string, more: Partial<Migration> = {}): Migration => ({
  layer: 'core',
  file: 'migrations/core/001_notes.sql',
  number: '001',
  sql,
  checksum: '',
  ...more,
});

describe('a reading of migrations', () => {
  const reader = (): { read: (migrations: readonly Migration[]) => Promise<string>; times: () => number } => {
    let times = 0;
    const read = rememberLast(async (migrations) => {
      times += 1;
      if (migrations[0]?.sql === 'fails') throw new Error('No.');
      return migrations.map(({ sql }) => sql).join();
    });
    return { read, times: () => times };
  };

  it.each([
    ['the same text', [file('select 1')], 1],
    ['another text', [file('select 2')], 2],
    ['another name', [file('select 1', { file: 'migrations/core/002_notes.sql' })], 2],
    ['another layer', [file('select 1', { layer: 'extension' })], 2],
    ['one more file', [file('select 1'), file('select 2')], 2],
  ])('happens once for %s: %#', async (_, again, expected) => {
    const { read, times } = reader();
    await read([file('select 1')]);
    expect(await read(again)).toBe(again.map(({ sql }) => sql).join());
    expect(times()).toBe(expected);
  });

  it('is not kept where it failed, nor where its list was changed afterwards', async () => {
    const { read, times } = reader();
    await expect(read([file('fails')])).rejects.toThrow('No.');
    await expect(read([file('fails')])).rejects.toThrow('No.');
    const files = [file('select 1')];
    await read(files);
    files.push(file('select 2'));
    expect(await read(files)).toBe('select 1,select 2');
    expect(times()).toBe(4);
  });
});
